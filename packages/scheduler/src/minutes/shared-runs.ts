/**
 * Runs what many ask for at a time once for all of them. Who asks while a run is under way waits for the next one, which begins after that: no
 * run answers anybody who asked after it had begun.
 */
export class SharedRuns {
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, Promise<void>>();

  /** Resolves once a run that began after this call has ended; rejects as that does. Runs of one key do the same. */
  run(key: string, work: () => Promise<void>): Promise<void> {
    const underWay = this.#underWay.get(key);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    if (underWay === undefined) return this.#begin(key, work);
    const next = underWay
      .catch(() => undefined)
      .then(() => {
        this.#waiting.delete(key);
        return this.#begin(key, work);
      });
    this.#waiting.set(key, next);
    return next;
  }

  async #begin(key: string, work: () => Promise<void>): Promise<void> {
    const run = work();
    this.#underWay.set(key, run);
    try {
      await run;
    } finally {
      if (this.#underWay.get(key) === run) this.#underWay.delete(key);
    }
  }
}
