import { allowManyWaiters } from "./shared-signal.ts";

/**
 * A signal that is aborted when one of others is, with its reason, until it is disposed of. Not `AbortSignal.any`: on Node 20 a
 * long-lived signal never lets go of those that were derived from it.
 */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #unlink: (() => void)[] = [];

  /** Undefined ones don't count. */
  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    for (const source of sources) {
      if (source === undefined) continue;
      const abort = (): void => this.#controller.abort(source.reason);
      if (source.aborted) abort();
      allowManyWaiters(source).addEventListener("abort", abort, { once: true });
      this.#unlink.push(() => source.removeEventListener("abort", abort));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    for (const unlink of this.#unlink) unlink();
  }
}
