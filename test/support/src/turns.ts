/** Lets one waiting call go on at a time, chosen by chance: the whole history follows from the seed. */
export class Turns {
  readonly #random: () => number;
  readonly #waiting: (() => void)[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async runUntil<Result>(done: Promise<Result>): Promise<Result> {
    const ended = new AbortController();
    const result = done.finally(() => ended.abort());
    while (!ended.signal.aborted) {
      // Everything that can go on without a turn has gone on once two macrotasks have passed: group commit waits for one.
      await macrotask();
      await macrotask();
      const [go] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1);
      go?.();
    }
    return result;
  }
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
