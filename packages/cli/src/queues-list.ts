import { createQueue, listQueues, type QueueRegistration } from "@tuppence/queue";
import { type Command, defineCommand, type Shell } from "./shell/command.ts";

/** `tuppence queues list` */
export const list: Command = defineCommand({
  description: "List the queues that were ever used, where they begin and end, and their consumer groups",
  args: {},
  async run(_, shell) {
    await shell.output.list(lookAtAll(shell), {
      columns: [
        { title: "QUEUE" },
        { title: "FIRST", align: "right" },
        { title: "LAST", align: "right" },
        { title: "ENQUEUED LAST" },
        { title: "GROUPS" },
      ],
      row: ({ name, firstPosition, lastPosition, enqueuedAt, groups }) => [
        name,
        lastPosition === 0 ? "-" : String(firstPosition),
        lastPosition === 0 ? "-" : String(lastPosition),
        enqueuedAt?.toISOString() ?? "-",
        groups.join(", ") || "-",
      ],
      json: (queue) => queue,
    });
  },
});

interface ListedQueue extends QueueRegistration {
  /** The first position that was not trimmed. */
  readonly firstPosition: number;
  /** 0: nothing was enqueued yet. */
  readonly lastPosition: number;
  readonly enqueuedAt: Date | undefined;
  readonly groups: readonly string[];
}

async function* lookAtAll({ client, tablePrefix, signal }: Shell): AsyncGenerator<ListedQueue> {
  for (const registration of await listQueues({ client, tablePrefix }, { signal })) {
    const queue = createQueue({ client, tablePrefix, name: registration.name });
    const [firstPosition, { position: lastPosition, enqueuedAt }, groups] = await Promise.all([
      queue.firstPosition({ signal }),
      queue.tail({ signal }),
      queue.groups(),
    ]);
    yield { ...registration, firstPosition, lastPosition, enqueuedAt, groups };
  }
}
