import type { StartAt } from "@tuppence/queue";
import { GROUP, openQueue, QUEUE } from "./queues-open.ts";
import { type Command, defineCommand } from "./shell/command.ts";
import { UsageError } from "./shell/usage-error.ts";

/** `tuppence queues reset` */
export const reset: Command = defineCommand({
  description: "Let a consumer group begin anew somewhere: it forgets what it has done and what is parked",
  args: {
    queue: QUEUE,
    group: GROUP,
    to: {
      type: "string",
      required: true,
      description: "beginning, end, a position, or a time such as 2026-01-02T03:04:05Z",
      valueHint: "place",
    },
  },
  async run({ queue: name, group, to }, shell) {
    const start = parseStart(to);
    const queue = await openQueue(name, shell);
    const { output } = shell;
    await queue.reset(group, { to: start });
    const status = await queue.status(group);
    if (output.json) return output.writeJson(status);
    await output.writeLine(`${group} begins anew at position ${status.position + 1}.`);
  },
});

/** A day, or a time with its zone: what a time without one means depends on who asks. */
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/** @throws UsageError */
function parseStart(text: string): StartAt {
  if (text === "beginning" || text === "end") return text;
  const position = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(position) && position >= 1) return position;
  const time = new Date(text);
  if (TIME.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new UsageError(
    `--to is ${JSON.stringify(text)}; it has to be beginning, end, a position from 1, or a time such as 2026-01-02T03:04:05Z.`,
  );
}
