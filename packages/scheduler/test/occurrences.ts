import type { Occurrence } from "../src/targets/target.ts";

/** An occurrence as targets get it. */
export function anOccurrence(changes: Partial<Occurrence> = {}): Occurrence {
  return {
    id: "0dnwcxyz0-1-01JZ5T2E8Q",
    name: "reminders",
    group: "mail",
    dueAt: new Date("2026-03-01T12:00:00Z"),
    fireAt: new Date("2026-03-01T12:00:03Z"),
    payload: { permit: "P-17" },
    attempt: 2,
    ...changes,
  };
}

/** What AWS's services get of it. */
export const ITS_EVENT = {
  occurrenceId: "0dnwcxyz0-1-01JZ5T2E8Q",
  scheduleName: "reminders",
  group: "mail",
  dueAt: "2026-03-01T12:00:00.000Z",
  fireAt: "2026-03-01T12:00:03.000Z",
  attempt: 2,
  payload: { permit: "P-17" },
};

/** A signal that is not aborted. */
export function inTime(): { readonly signal: AbortSignal } {
  return { signal: new AbortController().signal };
}
