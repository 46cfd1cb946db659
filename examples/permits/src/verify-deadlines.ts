import { isDeepStrictEqual } from "node:util";
import { type DeadlineEvent, officeTime, type StoredDeadlines } from "./deadlines.ts";
import type { LoggedTask } from "./receipt-log.ts";

/** What became of the deadline of a permit, by the file. */
interface ExpectedDeadline {
  readonly deadlineAt: string;
  readonly receivedAt: string;
  readonly state: "cancelled" | "fired" | "pending";
}

/**
 * Compares the deadlines with the file, which no scheduler had a part in; nothing when each permit has its schedule, cancelled if it was decided in time, fired if
 * not, and still waiting if the file ends before; and when each that was fired has its one event, and no other has any.
 */
export function findDeadlineDifferences(
  { schedules, events }: StoredDeadlines,
  tasks: readonly LoggedTask[],
): readonly string[] {
  const expected = expectedDeadlines(tasks);
  const known = new Set([...expected.keys(), ...schedules.keys(), ...events.keys()]);
  return [...known].flatMap((permit) => {
    const deadline = expected.get(permit);
    if (deadline === undefined) return [`deadline of ${permit}: there is no such case in the file`];
    return [
      ...scheduleDifferences(permit, schedules.get(permit), deadline),
      ...eventDifferences(permit, events.get(permit) ?? [], deadline),
    ];
  });
}

function scheduleDifferences(
  permit: string,
  schedule: ReturnType<StoredDeadlines["schedules"]["get"]>,
  { deadlineAt, state }: ExpectedDeadline,
): string[] {
  if (schedule === undefined) return [`deadline of ${permit}: is not scheduled`];
  const differences: string[] = [];
  if (schedule.state !== state) {
    differences.push(`deadline of ${permit}: is ${schedule.state}, and by the file ${state}`);
  }
  const dueAt = officeTime(schedule.dueAt);
  if (dueAt !== deadlineAt) {
    differences.push(`deadline of ${permit}: is due at ${dueAt}, and by the file at ${deadlineAt}`);
  }
  return differences;
}

function eventDifferences(
  permit: string,
  events: readonly DeadlineEvent[],
  { deadlineAt, receivedAt, state }: ExpectedDeadline,
): string[] {
  const count = state === "fired" ? 1 : 0;
  if (events.length !== count) {
    return [`deadline of ${permit}: has ${events.length} events, and by the file ${count}`];
  }
  // One that was over when the application came passed at that moment.
  const passedAt = deadlineAt > receivedAt ? deadlineAt : receivedAt;
  const data = { permit, deadlineAt, passedAt };
  return events
    .filter((event) => !isDeepStrictEqual(event, { type: "DeadlinePassed", data }))
    .map(() => `deadline of ${permit}: its event is not what the file says`);
}

/** Times sort as texts. */
function expectedDeadlines(tasks: readonly LoggedTask[]): ReadonlyMap<string, ExpectedDeadline> {
  const end = tasks.at(-1)?.command.data.at ?? "";
  const deadlines = new Map<string, ExpectedDeadline>();
  for (const { streamId, command } of tasks) {
    const { at } = command.data;
    if (command.type === "receiveApplication") {
      const { deadlineAt } = command.data;
      const state = deadlineAt <= end ? "fired" : "pending";
      deadlines.set(streamId, { deadlineAt, receivedAt: at, state });
    }
    const deadline = deadlines.get(streamId);
    if (command.type === "decideStop" && deadline !== undefined && at <= deadline.deadlineAt) {
      deadlines.set(streamId, { ...deadline, state: "cancelled" });
    }
  }
  return deadlines;
}
