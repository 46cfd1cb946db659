/** What was seen, and since when nothing else was. */
export interface Sighting<State> {
  readonly state: State | undefined;
  /** By the own monotonic clock, after the reply that showed it first. */
  readonly since: number;
}

/**
 * Remembers since when each of several things has been seen as it is now. Two sightings of the same say that nothing
 * happened in between if states never come again, which a beat sees to. Only the own clock is asked, and only for how
 * long something took.
 */
export class Sightings<State> {
  readonly #isSame: (one: State, other: State) => boolean;
  #seen = new Map<string, Sighting<State>>();

  constructor(isSame: (one: State, other: State) => boolean) {
    this.#isSame = isSame;
  }

  /** Takes in what there is now. `names` are looked for and may be missing; what is in neither is forgotten. */
  look(found: ReadonlyMap<string, State>, names: Iterable<string>, now: number): void {
    const seen = new Map<string, Sighting<State>>();
    for (const name of new Set([...found.keys(), ...names])) {
      const state = found.get(name);
      const before = this.#seen.get(name);
      seen.set(name, { state, since: before && this.#areSame(before.state, state) ? before.since : now });
    }
    this.#seen = seen;
  }

  get(name: string): Sighting<State> | undefined {
    return this.#seen.get(name);
  }

  [Symbol.iterator](): Iterator<readonly [string, Sighting<State>]> {
    return this.#seen.entries();
  }

  #areSame(one: State | undefined, other: State | undefined): boolean {
    return one === undefined || other === undefined ? one === other : this.#isSame(one, other);
  }
}
