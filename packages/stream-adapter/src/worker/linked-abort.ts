import { setMaxListeners } from "node:events";

/**
 * A signal that is aborted when one of others is. Not `AbortSignal.any`: on Node 20 a long-lived signal never lets go of
 * those that were derived from it.
 */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #unlink: (() => void)[] = [];

  constructor(...sources: readonly AbortSignal[]) {
    for (const source of sources) {
      // Each reader listens, and goes away when it ends: many are no leak.
      setMaxListeners(0, source);
      const abort = (): void => this.#controller.abort(source.reason);
      if (source.aborted) abort();
      source.addEventListener("abort", abort, { once: true });
      this.#unlink.push(() => source.removeEventListener("abort", abort));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort();
  }

  [Symbol.dispose](): void {
    for (const unlink of this.#unlink) unlink();
  }
}
