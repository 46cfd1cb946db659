export type { ScheduleSpec } from "./recurrence/schedule-spec.ts";

/** What an entry, one occurrence of a schedule, is doing. */
export type EntryState = "pending" | "claimed" | "fired" | "cancelled" | "parked" | "skipped";

/** A schedule as it is read. */
export interface Schedule {
  readonly id: string;
  readonly name: string | undefined;
  readonly group: string | undefined;
}
