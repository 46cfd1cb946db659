import { GROUP, openQueue, QUEUE } from "./queues-open.ts";
import { type Command, defineCommand } from "./shell/command.ts";
import { wholeNumber } from "./shell/usage-error.ts";

/** `tuppence queues parked` */
export const parked: Command = defineCommand({
  description: "Show the messages that a consumer group has put aside, and why",
  args: { queue: QUEUE, group: GROUP },
  async run({ queue: name, group }, shell) {
    const queue = await openQueue(name, shell);
    await shell.output.list(await queue.parked(group), {
      columns: [
        { title: "LANE", align: "right" },
        { title: "POSITION", align: "right" },
        { title: "KEY" },
        { title: "TRIED", align: "right" },
        { title: "LAST TRIED" },
        { title: "REDRIVE" },
        { title: "ERROR" },
      ],
      row: ({ lane, position, key, failures, redrive: asked }) => [
        String(lane),
        String(position),
        key ?? "-",
        String(failures.reduce((tried, { attempts }) => tried + attempts, 0)),
        failures.at(-1)?.at.toISOString() ?? "-",
        asked === "no" ? "-" : asked,
        failures.at(-1)?.error ?? "behind another",
      ],
      json: (message) => message,
    });
  },
});

/** `tuppence queues redrive` */
export const redrive: Command = defineCommand({
  description: "Ask for what a consumer group has put aside to be handled now; its consumers do that",
  args: {
    queue: QUEUE,
    group: GROUP,
    key: { type: "string", description: "Only messages of this key", valueHint: "key" },
    position: {
      type: "string",
      description: "Only this message, and those of its key that are parked behind it",
      valueHint: "position",
    },
    skip: { type: "boolean", description: "Leave out the message at which each key stopped, for good" },
  },
  async run({ queue: name, group, key, skip = false, ...args }, shell) {
    const position = wholeNumber("position", args.position);
    const queue = await openQueue(name, shell);
    const { output } = shell;
    const messages = await queue.redrive(group, { key, position, skip });
    if (output.json) return output.writeJson({ messages });
    await output.writeLine(
      messages === 0
        ? "Nothing is parked."
        : `Redrive is asked for: ${messages} message${messages === 1 ? "" : "s"}.`,
    );
  },
});
