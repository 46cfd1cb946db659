import type { Entry } from "../entries/entry.ts";

/** What a shard's worker knows to be coming, by time. Pure; the clock is told. */
export class ShardTimer {
  readonly #known = new Map<string, Awaited>();

  /** Takes an entry in that is to be looked after then; what is known by its id already is replaced. */
  set(awaited: Awaited): void {
    this.#known.set(awaited.id, awaited);
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  get size(): number {
    return this.#known.size;
  }

  /** Takes out what is to be begun now, in order of time: what is fresh is begun so long ahead. */
  take(nowMs: number, aheadMs: number): readonly Awaited[] {
    const due = [...this.#known.values()].filter((awaited) => beginsAt(awaited, aheadMs) <= nowMs);
    for (const { id } of due) this.#known.delete(id);
    return due.toSorted((one, other) => one.atMs - other.atMs);
  }

  /** The first time at which something is to be begun; infinity when nothing is. */
  firstMs(aheadMs: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const awaited of this.#known.values()) first = Math.min(first, beginsAt(awaited, aheadMs));
    return first;
  }
}

/** When it is begun with; what is fresh, so long ahead. */
export function beginsAt({ atMs, entry }: Awaited, aheadMs: number): number {
  return entry === undefined ? atMs : atMs - aheadMs;
}

export interface Awaited {
  readonly id: string;
  readonly atMs: number;
  /** As it was seen; undefined: it is to be read again first. */
  readonly entry: Entry | undefined;
}
