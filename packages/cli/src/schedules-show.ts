import { createScheduler, type Schedule, ScheduleMissingError } from "@tuppence/scheduler";
import { describeSpec } from "./schedules-list.ts";
import { type Command, defineCommand } from "./shell/command.ts";
import { firstOf } from "./shell/first-of.ts";
import { wholeNumber } from "./shell/usage-error.ts";

/** Occurrences that are shown when nothing else is said. */
const DEFAULT_HISTORY = "5";

/** `tuppence schedules show` */
export const show: Command = defineCommand({
  description: "Show a schedule, and what it did",
  args: {
    schedule: { type: "positional", required: true, description: "Its id or name" },
    history: {
      type: "string",
      description: "So many of its latest occurrences",
      default: DEFAULT_HISTORY,
      valueHint: "n",
    },
  },
  async run({ schedule: idOrName, ...args }, { client, tablePrefix, output }) {
    const count = wholeNumber("history", args.history) ?? Number(DEFAULT_HISTORY);
    const scheduler = createScheduler({ client, tablePrefix });
    const schedule = await scheduler.get(idOrName);
    if (schedule === undefined) throw new ScheduleMissingError(idOrName);
    const history: Schedule[] = [];
    for await (const occurrence of firstOf(scheduler.history(idOrName), count)) history.push(occurrence);
    if (output.json) return output.writeJson({ ...schedule, history });
    for (const line of describe(schedule)) await output.writeLine(line);
    const table = output.table([
      { title: "DUE" },
      { title: "STATE" },
      { title: "TRIED", align: "right" },
      { title: "ENDED" },
      { title: "REASON" },
    ]);
    for (const { dueAt, state, attempts, endedAt, reason = "-" } of history) {
      await table.add([dueAt.toISOString(), state, String(attempts), endedAt?.toISOString() ?? "-", reason]);
    }
    await table.flush();
  },
});

function describe(schedule: Schedule): readonly string[] {
  const { id, name = "-", group = "-", state, spec, target, payload, fireAt, retryAt } = schedule;
  const { retry, misfire, overlap } = schedule;
  const max = misfire.max === undefined ? "" : `, the latest ${misfire.max}`;
  return [
    `id        ${id}`,
    `name      ${name}`,
    `group     ${group}`,
    `state     ${state}`,
    `when      ${describeSpec(spec)}`,
    `fires     ${fireAt.toISOString()}`,
    ...(retryAt === undefined ? [] : [`retried   ${retryAt.toISOString()}`]),
    `target    ${target}`,
    `payload   ${payload === undefined ? "-" : JSON.stringify(payload)}`,
    `retry     ${retry.maxAttempts} attempts`,
    ...(spec.kind === "at" ? [] : [`missed    ${misfire.policy}${max}`, `overlap   ${overlap}`]),
  ];
}
