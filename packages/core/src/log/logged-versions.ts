/** A range of versions, both ends inclusive. */
interface Range {
  first: number;
  last: number;
}

interface LoggedStream {
  /** In order, apart from each other: nearly always one. */
  readonly ranges: Range[];
  /** `t` of the newest page that has something of it. */
  t: number;
}

/** Which versions of which streams are known to be in the log. What it knows stays true; it may forget. */
export class LoggedVersions {
  /** Those whose newest page is oldest come first. */
  readonly #streams = new Map<string, LoggedStream>();

  /** How many streams it knows of. */
  get size(): number {
    return this.#streams.size;
  }

  /** Takes in that versions are in a page of time `t`. */
  add(streamId: string, { first, last }: Readonly<Range>, t: number): void {
    const known = this.#streams.get(streamId);
    if (known === undefined) {
      this.#streams.set(streamId, { ranges: [{ first, last }], t });
      return;
    }
    insert(known.ranges, { first, last });
    if (t <= known.t) return;
    known.t = t;
    this.#streams.delete(streamId);
    this.#streams.set(streamId, known);
  }

  /** Whether all of these versions are known to be in the log. */
  has(streamId: string, { first, last }: Readonly<Range>): boolean {
    const known = this.#streams.get(streamId);
    return known !== undefined && known.ranges.some((range) => range.first <= first && last <= range.last);
  }

  /** The highest version known to be in the log; 0 when none is. */
  highest(streamId: string): number {
    return this.#streams.get(streamId)?.ranges.at(-1)?.last ?? 0;
  }

  /** The versions up to `last` that are not known to be in the log. */
  missing(streamId: string, last: number): readonly Readonly<Range>[] {
    const gaps: Range[] = [];
    let next = 1;
    for (const range of this.#streams.get(streamId)?.ranges ?? []) {
      if (range.first > next) gaps.push({ first: next, last: Math.min(range.first - 1, last) });
      next = range.last + 1;
    }
    if (next <= last) gaps.push({ first: next, last });
    return gaps.filter((gap) => gap.first <= gap.last);
  }

  /** Forgets streams that are in no page of time `t` or later. */
  forgetBefore(t: number): void {
    for (const [streamId, known] of this.#streams) {
      if (known.t >= t) return;
      this.#streams.delete(streamId);
    }
  }
}

/** Adds a range to others, and joins it with those that it touches. */
function insert(ranges: Range[], range: Range): void {
  let at = ranges.length;
  while (at > 0 && (ranges[at - 1] as Range).first > range.first) at--;
  ranges.splice(at, 0, range);
  let joined = Math.max(at - 1, 0);
  while (joined < ranges.length - 1) {
    const one = ranges[joined] as Range;
    const next = ranges[joined + 1] as Range;
    if (next.first > one.last + 1) {
      if (joined >= at) return;
      joined++;
    } else {
      one.last = Math.max(one.last, next.last);
      ranges.splice(joined + 1, 1);
    }
  }
}
