import { TuppenceError } from "@tuppence/core";

/** A schedule can't be: its time, pattern, interval or time zone makes no sense, or it would never fire. Nothing was written. */
export class InvalidScheduleError extends TuppenceError {
  readonly code = "invalidSchedule";
  readonly retryable = false;
  /** Which part of the schedule it is, e.g. "cron". */
  readonly field: string;
  /** What was given. */
  readonly value: unknown;

  constructor(
    invalid: { readonly field: string; readonly value: unknown; readonly problem: string },
    options?: ErrorOptions,
  ) {
    const { field, value, problem } = invalid;
    super(`${field} is ${JSON.stringify(value) ?? String(value)}: ${problem}.`, options);
    this.field = field;
    this.value = value;
  }
}
