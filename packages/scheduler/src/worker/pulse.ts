import type { Runtime } from "@tuppence/core";

/** Lets those go on together who come within a moment: what they write then is sent together. */
export class Pulse {
  readonly #runtime: Runtime;
  readonly #ms: number;
  #next: Promise<void> | undefined;

  /** The first one waits so many milliseconds, those who come after it less. */
  constructor(runtime: Runtime, ms: number) {
    this.#runtime = runtime;
    this.#ms = ms;
  }

  readonly wait = (): Promise<void> => {
    this.#next ??= this.#runtime.sleep(this.#ms).finally(() => {
      this.#next = undefined;
    });
    return this.#next;
  };
}
