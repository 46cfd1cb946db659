import type { Message, Queue } from "@tuppence/queue";
import { openQueue, QUEUE } from "./queues-open.ts";
import { type Command, defineCommand, type Shell } from "./shell/command.ts";
import type { ListForm } from "./shell/output.ts";
import { wholeNumber } from "./shell/usage-error.ts";

/** Messages before the end that `tail` begins with. */
const LAST = 10;

const FORM: ListForm<Message> = {
  columns: [{ title: "POSITION", align: "right" }, { title: "TIME" }, { title: "KEY" }, { title: "BODY" }],
  row: ({ position, enqueuedAt, key, body }) => [
    String(position),
    enqueuedAt.toISOString(),
    key ?? "-",
    JSON.stringify(body),
  ],
  json: (message) => message,
};

/** `tuppence queues peek` */
export const peek: Command = defineCommand({
  description: "Show messages of a queue without consuming them, one on each line",
  args: {
    queue: QUEUE,
    from: {
      type: "string",
      description: "Begin with this position (default: the first)",
      valueHint: "position",
    },
    limit: { type: "string", description: "At most so many (default 10)", valueHint: "n" },
  },
  async run({ queue: name, ...args }, shell) {
    const from = wholeNumber("from", args.from);
    const limit = wholeNumber("limit", args.limit);
    const { output, signal } = shell;
    const queue = await openQueue(name, shell);
    await output.list(await queue.peek({ from, limit, signal }), FORM);
  },
});

/** `tuppence queues tail` */
export const tail: Command = defineCommand({
  description: "Show the last messages of a queue, or those from a position on, and what comes, until Ctrl-C",
  args: {
    queue: QUEUE,
    from: {
      type: "string",
      description: "Begin with this position (default: the last ten)",
      valueHint: "position",
    },
  },
  async run({ queue: name, ...args }, shell) {
    const from = wholeNumber("from", args.from);
    const { output, signal } = shell;
    const queue = await openQueue(name, shell);
    let next = from ?? (await tenBeforeEnd(queue, shell));
    const rows = output.table(FORM.columns);
    const show = async (message: Message): Promise<void> => {
      await (output.json ? output.writeJson(FORM.json(message)) : rows.add(FORM.row(message)));
      next = message.position + 1;
    };
    for await (const message of queue.read(next, { signal })) await show(message);
    await rows.flush();
    for await (const message of queue.follow({ from: next, signal })) {
      await show(message);
      await rows.flush();
    }
  },
});

async function tenBeforeEnd(queue: Queue, { signal }: Shell): Promise<number> {
  const [first, { position }] = await Promise.all([queue.firstPosition({ signal }), queue.tail({ signal })]);
  return Math.max(first, position - LAST + 1);
}
