/** When to fire, as it is stored: once, or again and again. */
export type ScheduleSpec = AtSpec | CronSpec | EverySpec;

/** Once. */
interface AtSpec {
  readonly kind: "at";
  /** Epoch milliseconds. */
  readonly dueMs: number;
  /** What was asked for, if it was a time from now: two of the same are the same schedule, whenever they were asked for. */
  readonly inMs?: number | undefined;
}

/** By the clock on the wall of a time zone. */
export interface CronSpec {
  readonly kind: "cron";
  readonly cron: string;
  /** IANA, e.g. "Europe/Amsterdam". */
  readonly timeZone: string;
  readonly dst: DstPolicy;
}

/** At the anchor, and at each whole number of intervals after it. */
interface EverySpec {
  readonly kind: "every";
  readonly everyMs: number;
  /** Epoch milliseconds. */
  readonly anchorMs: number;
  /** Whether the anchor was asked for; otherwise it is when the schedule was made. */
  readonly isAnchored: boolean;
}

/** What happens to times of the wall clock that there is no moment for, or two. */
export interface DstPolicy {
  /**
   * Times that the clock jumps over: `shift` fires as long after the jump as the time is into the gap (02:30 becomes 03:30),
   * once if another occurrence is there already; `skip` does not fire.
   */
  readonly gap: "shift" | "skip";
  /** Times that the clock shows twice: which of the two moments fires. */
  readonly overlap: "first" | "last" | "both";
}

/** What was asked for: exactly one of `at`, `in`, `cron` and `every`. */
export interface When {
  /**
   * Once: a Date, epoch milliseconds, or a text of ISO 8601. One without `Z` or an offset, such as "2026-10-25T02:30" or
   * "2026-10-25", is a time of the wall clock in `timeZone`. A time in the past fires at once.
   */
  readonly at?: Date | number | string | undefined;
  /** Once, after so many milliseconds, or a text such as "90s", "15m", "12h", "30d", "2w"; 0 is at once. */
  readonly in?: number | string | undefined;
  /**
   * Again and again: a pattern of croner's with 5 to 7 fields (seconds come first, years last), L, W and # included.
   * https://croner.56k.guru/usage/pattern/
   */
  readonly cron?: string | undefined;
  /** Again and again, each so many milliseconds or a text as for `in`: at least one second, whatever the clocks on the walls do. */
  readonly every?: number | string | undefined;
  /** Where the anchor of `every` is, like `at`; occurrences are whole intervals away from it. Default: now, so first after one interval. */
  readonly startingAt?: Date | number | string | undefined;
  /** IANA, for `cron` and times of the wall clock. Default for `cron`: "UTC". */
  readonly timeZone?: string | undefined;
  /**
   * For `cron` and times of the wall clock. Default: gap `shift`; overlap `first`, and `both` for patterns whose hour begins with
   * a `*`, so that what fires every hour or more often goes on.
   */
  readonly dst?: Partial<DstPolicy> | undefined;
}

/** The end of the year 9999, in epoch milliseconds: nothing is scheduled beyond. */
export const MAX_DUE_MS: number = Date.UTC(10_000, 0, 1) - 1;

/** The shortest interval of `every`, in milliseconds. */
export const MIN_EVERY_MS = 1_000;
