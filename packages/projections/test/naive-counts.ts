import type { Build } from "../src/builds/registration.ts";
import type { AnyEvent } from "../src/definition/projection.ts";
import { dataOf } from "./model-projections.ts";

/** A read model as it is made again and again: `ADD count :n SET position = :upTo IF position < :upTo`. It counts some events twice. */
export class NaiveCounts {
  readonly #keys: readonly string[];
  /** By `build#slot/key`. */
  readonly #rows = new Map<string, { readonly count: number; readonly position: number }>();

  constructor(keys: readonly string[]) {
    this.#keys = keys;
  }

  add(place: string, events: readonly AnyEvent[], upTo: number): void {
    for (const key of new Set(events.flatMap((event) => dataOf(event).keys))) {
      const name = `${place}/${key}`;
      const row = this.#rows.get(name) ?? { count: 0, position: 0 };
      if (row.position >= upTo) continue;
      this.#rows.set(name, { count: row.count + countOf(key, events), position: upTo });
    }
  }

  problemsOf({ number, slots }: Build, log: readonly AnyEvent[]): readonly string[] {
    return this.#keys.flatMap((key) => {
      const rows = Array.from({ length: slots }, (_, slot) => this.#rows.get(`${number}#${slot}/${key}`));
      const count = rows.reduce((sum, row) => sum + (row?.count ?? 0), 0);
      const expected = countOf(key, log);
      if (count === expected) return [];
      return [
        `${key}: some were counted ${count > expected ? "twice" : "not at all"}, as ${count} of ${expected}`,
      ];
    });
  }
}

function countOf(key: string, events: readonly AnyEvent[]): number {
  return events.filter((event) => dataOf(event).keys.includes(key)).length;
}
