import type { StartAt } from "@tuppence/queue";
import { GROUP, openQueue, QUEUE } from "./queues-open.ts";
import { type Command, defineCommand } from "./shell/command.ts";
import { timeValue } from "./shell/time-value.ts";
import { UsageError, wholeNumber } from "./shell/usage-error.ts";

/** `tuppence queues reset` */
export const reset: Command = defineCommand({
  description: "Let a consumer group begin anew somewhere: it forgets what it has done and what is parked",
  args: {
    queue: QUEUE,
    group: GROUP,
    to: {
      type: "string",
      required: true,
      description: "beginning, end, a position, a time such as 2026-03-01T12:00Z, or 2h for two hours ago",
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

/** @throws UsageError */
function parseStart(text: string): StartAt {
  if (text === "beginning" || text === "end") return text;
  try {
    const start = /^\d+$/.test(text) ? wholeNumber("to", text) : timeValue("to", text, "ago");
    if (start !== undefined) return start;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
  throw new UsageError(
    `--to is ${JSON.stringify(text)}; it has to be beginning, end, a position from 1, a time such as 2026-03-01T12:00Z, or 2h for two hours ago.`,
  );
}
