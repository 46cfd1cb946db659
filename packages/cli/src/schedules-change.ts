import { type Cancellation, createScheduler } from "@tuppence/scheduler";
import { type Command, defineCommand } from "./shell/command.ts";
import { timeValue } from "./shell/time-value.ts";
import { UsageError } from "./shell/usage-error.ts";

const SCHEDULE = { type: "positional", required: true, description: "Its id or name" } as const;

/** `tuppence schedules cancel` */
export const cancel: Command = defineCommand({
  description: "Cancel a schedule; fails if that was too late. The answer is final",
  args: { schedule: SCHEDULE },
  async run({ schedule }, { client, tablePrefix, output }) {
    const outcome = await createScheduler({ client, tablePrefix }).cancel(schedule);
    if (output.json) await output.writeJson({ outcome });
    if (outcome !== "cancelled") throw new NotCancelledError(schedule, outcome);
    if (!output.json) await output.writeLine(`${schedule} is cancelled.`);
  },
});

/** `tuppence schedules fire-now` */
export const fireNow: Command = defineCommand({
  description: "Let a schedule fire now, of a series an occurrence more; its worker or doorbell does that",
  args: { schedule: SCHEDULE },
  async run({ schedule: idOrName }, { client, tablePrefix, output }) {
    const schedule = await createScheduler({ client, tablePrefix }).fireNow(idOrName);
    if (output.json) return output.writeJson(schedule);
    await output.writeLine(`${idOrName} fires now, as ${schedule.id}.`);
  },
});

/** `tuppence schedules recover` */
export const recover: Command = defineCommand({
  description: "Find what an outage has left behind, and have it fired",
  args: {
    since: {
      type: "string",
      required: true,
      description: "When it began: a time, or 2h for two hours ago",
      valueHint: "time",
    },
  },
  async run(args, { client, tablePrefix, output }) {
    const since = timeValue("since", args.since, "ago");
    if (since === undefined) throw new UsageError("--since is missing.");
    const recovery = await createScheduler({ client, tablePrefix }).recover({ since });
    if (output.json) return output.writeJson(recovery);
    const { minutes, waiting, opened } = recovery;
    await output.writeLine(`looked at  ${minutes} minutes of shards`);
    await output.writeLine(`waiting    ${waiting} occurrences, which are fired now or in their time`);
    await output.writeLine(`opened     ${opened} minutes that nobody would have looked at`);
  },
});

const REASONS: Readonly<Record<Exclude<Cancellation, "cancelled">, string>> = {
  alreadyFired: "has fired: there is nothing to cancel",
  firing: "is firing: an attempt is under way, and of a series nothing comes after it",
  unknown: "is not known: there is nothing to cancel",
};

/** A schedule was not cancelled. */
class NotCancelledError extends Error {
  override readonly name = "NotCancelledError";
  readonly code = "notCancelled";
  readonly retryable = false;

  constructor(schedule: string, outcome: Exclude<Cancellation, "cancelled">) {
    super(`${schedule} ${REASONS[outcome]}.`);
  }
}
