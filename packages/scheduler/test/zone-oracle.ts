import type { DstPolicy } from "../src/recurrence/schedule-spec.ts";

/**
 * An oracle for occurrences by the wall clock: it knows of time zones only what a formatted date shows, and goes through every wall
 * minute. Times of the wall are in epoch milliseconds as if the wall were at UTC.
 */

/** A pattern, and what it means said in another way. */
export interface KnownPattern {
  readonly cron: string;
  readonly onDay: (day: WallDay) => boolean;
  readonly atTime: (hour: number, minute: number) => boolean;
}

interface WallDay {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly daysInMonth: number;
}

/** When a clock was put forward or back, and what it was ahead of UTC before and after. */
interface OffsetChange {
  readonly atMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** The moments of a time of the wall clock: one, two, or none, and then what it is shifted to. */
export interface WallTime {
  readonly moments: readonly number[];
  readonly shifted?: number;
}

/** When times of the wall clock fire by a policy, within the time. */
export function occurrencesOf(
  walls: readonly WallTime[],
  dst: DstPolicy,
  [fromMs, toMs]: readonly [number, number],
): readonly number[] {
  const fires = ({ moments, shifted }: WallTime): readonly number[] => {
    if (shifted !== undefined) return dst.gap === "shift" ? [shifted] : [];
    if (dst.overlap === "both") return moments;
    return dst.overlap === "first" ? moments.slice(0, 1) : moments.slice(-1);
  };
  const within = walls.flatMap(fires).filter((moment) => moment >= fromMs && moment < toMs);
  return [...new Set(within)].toSorted((one, other) => one - other);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export class ZoneOracle {
  readonly timeZone: string;
  /** When the clock is put forward or back, to the minute. */
  readonly changes: readonly OffsetChange[];
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string, fromMs: number, toMs: number) {
    this.timeZone = timeZone;
    this.#format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    });
    this.changes = this.#findChanges(fromMs - 2 * DAY_MS, toMs + 2 * DAY_MS);
  }

  /** What the wall clock shows. */
  wallOf(timeMs: number): number {
    const [, day, month, year, hour, minute] =
      /^(\d\d)\/(\d\d)\/(\d{4}), (\d\d):(\d\d)$/.exec(this.#format.format(timeMs)) ?? [];
    return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  }

  /** Each wall time that the pattern matches, a little around the time too. */
  wallTimes(pattern: KnownPattern, fromMs: number, toMs: number): readonly WallTime[] {
    const times = Array.from({ length: 1_440 }, (_, minute) => minute).filter((minute) =>
      pattern.atTime(Math.floor(minute / 60), minute % 60),
    );
    const found: WallTime[] = [];
    const firstDay = Math.floor(fromMs / DAY_MS) * DAY_MS - 2 * DAY_MS;
    for (let day = firstDay; day <= toMs + 2 * DAY_MS; day += DAY_MS) {
      if (!pattern.onDay(wallDay(day))) continue;
      const near = this.changes.filter(({ atMs }) => Math.abs(atMs - day) < 3 * DAY_MS);
      for (const minute of times) found.push(this.#wallTime(day + minute * MINUTE_MS, near));
    }
    return found;
  }

  #wallTime(wallMs: number, near: readonly OffsetChange[]): WallTime {
    const [change] = near;
    if (change === undefined) return { moments: [wallMs - (this.wallOf(wallMs) - wallMs)] };
    if (near.length > 1) throw new Error(`The clocks of ${this.timeZone} change twice in six days.`);
    const { atMs, beforeMs, afterMs } = change;
    const moments = [
      ...(wallMs - beforeMs < atMs ? [wallMs - beforeMs] : []),
      ...(wallMs - afterMs >= atMs ? [wallMs - afterMs] : []),
    ];
    for (const moment of moments) {
      if (this.wallOf(moment) !== wallMs) throw new Error("The oracle contradicts itself.");
    }
    // As long after the jump as the wall time is after the time at which the clock jumped.
    return moments.length > 0 ? { moments } : { moments, shifted: atMs + (wallMs - (atMs + beforeMs)) };
  }

  #findChanges(fromMs: number, toMs: number): readonly OffsetChange[] {
    const changes: OffsetChange[] = [];
    const offsetAt = (timeMs: number): number => this.wallOf(timeMs) - timeMs;
    let before = offsetAt(fromMs);
    for (let hour = fromMs; hour < toMs; hour += HOUR_MS) {
      if (offsetAt(hour + HOUR_MS) === before) continue;
      let atMs = hour;
      while (offsetAt(atMs) === before) atMs += MINUTE_MS;
      const after = offsetAt(atMs);
      changes.push({ atMs, beforeMs: before, afterMs: after });
      before = after;
    }
    return changes;
  }
}

function wallDay(dayMs: number): WallDay {
  const date = new Date(dayMs);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1];
  return {
    year,
    month,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
  };
}
