import { createScheduler } from "@tuppence/scheduler";
import { type Command, defineCommand } from "./shell/command.ts";
import { firstOf } from "./shell/first-of.ts";
import { UsageError, wholeNumber } from "./shell/usage-error.ts";

/** `tuppence schedules parked` */
export const parked: Command = defineCommand({
  description: "Show the occurrences that failed for good, and why",
  args: { limit: { type: "string", description: "At most so many", valueHint: "n" } },
  async run(args, { client, tablePrefix, output }) {
    const limit = wholeNumber("limit", args.limit);
    const schedules = createScheduler({ client, tablePrefix }).parked();
    await output.list(limit === undefined ? schedules : firstOf(schedules, limit), {
      columns: [
        { title: "DUE" },
        { title: "PARKED" },
        { title: "NAME" },
        { title: "TARGET" },
        { title: "TRIED", align: "right" },
        { title: "ID" },
        { title: "ERROR" },
      ],
      row: ({ dueAt, endedAt, name = "-", target, attempts, id, reason = "-" }) => [
        dueAt.toISOString(),
        endedAt?.toISOString() ?? "-",
        name,
        target,
        String(attempts),
        id,
        reason,
      ],
      json: (schedule) => schedule,
    });
  },
});

/** `tuppence schedules replay` */
export const replay: Command = defineCommand({
  description: "Let what is parked be fired again; its worker or doorbell does that",
  args: {
    id: { type: "positional", required: false, description: "Only this one" },
    all: { type: "boolean", description: "All that is parked" },
  },
  async run({ id, all = false }, { client, tablePrefix, output }) {
    if ((id === undefined) === !all) throw new UsageError("replay takes an id, or --all.");
    const count = await createScheduler({ client, tablePrefix }).replay(id);
    if (output.json) return output.writeJson({ occurrences: count });
    await output.writeLine(
      count === 0 ? "Nothing is parked." : `Fired again: ${count} occurrence${count === 1 ? "" : "s"}.`,
    );
  },
});
