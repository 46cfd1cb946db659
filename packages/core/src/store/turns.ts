/**
 * Lets work that takes different times end in the order in which it began, name by name: an append whose body is
 * encrypted keeps its place before one that has nothing to wait for.
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** What `work` comes to, once all that was given before under the same name has come to something. */
  async take<T>(name: string, work: Promise<T>): Promise<T> {
    const previous = this.#last.get(name);
    const turn = previous === undefined ? work : afterwards(previous, work);
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}

async function afterwards<T>(previous: Promise<unknown>, work: Promise<T>): Promise<T> {
  // Both at once: a failure of the work is seen although the turn before it is still awaited.
  const [, result] = await Promise.allSettled([previous, work]);
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
