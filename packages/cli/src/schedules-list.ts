import { createScheduler, type EntryState, type Schedule, type ScheduleSpec } from "@tuppence/scheduler";
import { type Command, defineCommand } from "./shell/command.ts";
import { firstOf } from "./shell/first-of.ts";
import type { ListForm } from "./shell/output.ts";
import { timeValue } from "./shell/time-value.ts";
import { UsageError, wholeNumber } from "./shell/usage-error.ts";

const STATES = [
  "pending",
  "claimed",
  "paused",
  "parked",
  "fired",
  "cancelled",
  "skipped",
  "moved",
] as const satisfies readonly EntryState[];

/** `tuppence schedules list` */
export const list: Command = defineCommand({
  description: "List schedules by time, or by name: what is still to be done, unless you say",
  args: {
    from: { type: "string", description: "What may fire from then on", valueHint: "time" },
    to: { type: "string", description: "What may fire up to then", valueHint: "time" },
    group: { type: "string", description: "Only of this group" },
    "name-prefix": { type: "string", description: "By name, with names that begin so", valueHint: "text" },
    state: { type: "string", description: `Only what is so; may be repeated: ${STATES.join(", ")}` },
    limit: { type: "string", description: "At most so many", valueHint: "n" },
  },
  async run({ group, ...args }, { client, tablePrefix, output, signal, valuesOf }) {
    const limit = wholeNumber("limit", args.limit);
    const [from, to] = [timeValue("from", args.from, "ahead"), timeValue("to", args.to, "ahead")];
    const namePrefix = args["name-prefix"];
    const states = valuesOf("state")?.map(stateOf);
    const schedules = createScheduler({ client, tablePrefix }).list({
      from,
      to,
      group,
      namePrefix,
      states,
      signal,
    });
    await output.list(limit === undefined ? schedules : firstOf(schedules, limit), SCHEDULE_LIST);
  },
});

/** How schedules are printed. */
const SCHEDULE_LIST: ListForm<Schedule> = {
  columns: [
    { title: "FIRES" },
    { title: "STATE" },
    { title: "NAME" },
    { title: "GROUP" },
    { title: "TARGET" },
    { title: "WHEN" },
    { title: "TRIED", align: "right" },
    { title: "ID" },
  ],
  row: ({ fireAt, state, name = "-", group = "-", target, spec, attempts, id }) => [
    fireAt.toISOString(),
    state,
    name,
    group,
    target,
    describeSpec(spec),
    String(attempts),
    id,
  ],
  json: (schedule) => schedule,
};

/** When a schedule fires, in a few words. */
export function describeSpec(spec: ScheduleSpec): string {
  switch (spec.kind) {
    case "at":
      return "once";
    case "every":
      return `every ${spec.everyMs / 1_000} s`;
    case "cron":
      return `${spec.cron} (${spec.timeZone})`;
  }
}

function stateOf(text: string): EntryState {
  const state = STATES.find((each) => each === text);
  if (state !== undefined) return state;
  throw new UsageError(`--state is ${JSON.stringify(text)}; it has to be one of ${STATES.join(", ")}.`);
}
