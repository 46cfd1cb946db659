/** When to fire: once, or again and again. */
export type ScheduleSpec =
  | { readonly kind: "at"; readonly dueMs: number }
  | { readonly kind: "cron"; readonly cron: string; readonly timeZone: string }
  | { readonly kind: "every"; readonly everyMs: number; readonly anchorMs: number };

/** What an entry, one occurrence of a schedule, is doing. */
export type EntryState = "pending" | "claimed" | "fired" | "cancelled" | "parked" | "skipped";

/** A schedule as it is read. */
export interface Schedule {
  readonly id: string;
  readonly name: string | undefined;
  readonly group: string | undefined;
}
