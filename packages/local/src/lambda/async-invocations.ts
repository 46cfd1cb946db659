import { setTimeout as sleep } from "node:timers/promises";
import type { Concurrency } from "./concurrency.ts";
import { invocationRecord, type InvocationRecord } from "./invocation-record.ts";
import type { LocalFunction } from "./local-function.ts";

/** How many asynchronous invocations may be under way, waiting ones included. */
const MAX_PENDING = 10_000;

export interface AsyncInvocation {
  readonly fn: LocalFunction;
  readonly concurrency: Concurrency;
  readonly event: unknown;
  readonly requestId: string;
}

export interface AsyncInvocationsOptions {
  /** The wait before each retry, in milliseconds. */
  readonly retryWaitsMs: readonly number[];
  readonly onFailure: ((record: InvocationRecord) => Promise<void> | void) | undefined;
}

/** Asynchronous invocations: each runs soon, and again when it fails. */
export class AsyncInvocations {
  readonly #options: AsyncInvocationsOptions;
  readonly #stopped = new AbortController();
  #pending = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: AsyncInvocationsOptions) {
    this.#options = options;
  }

  /** Takes an invocation to run; `false` when there are too many. */
  add(invocation: AsyncInvocation): boolean {
    if (this.#pending >= MAX_PENDING) return false;
    this.#pending += 1;
    // An error of the failure callback's is unhandled on purpose: nobody else is there to be told.
    void this.#run(invocation).finally(() => this.#done());
    return true;
  }

  /** Resolves when none is pending, failure callbacks included. */
  async whenIdle(): Promise<void> {
    if (this.#pending === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  /** Gives up retries. What runs goes on. */
  stop(): void {
    this.#stopped.abort();
  }

  async #run(invocation: AsyncInvocation): Promise<void> {
    const { fn, event, requestId } = invocation;
    const { retryWaitsMs, onFailure } = this.#options;
    for (let attempts = 1; !this.#stopped.signal.aborted; attempts += 1) {
      const result = await attempt(invocation);
      if (result.functionError === undefined) return;
      const waitMs = retryWaitsMs[attempts - 1];
      if (waitMs === undefined) {
        await onFailure?.(
          invocationRecord({ name: fn.name, requestId, event, attempts, result }, new Date()),
        );
        return;
      }
      await this.#wait(waitMs);
    }
  }

  async #wait(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#stopped.signal });
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  #done(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle = [];
  }
}

async function attempt({
  fn,
  concurrency,
  event,
  requestId,
}: AsyncInvocation): ReturnType<LocalFunction["invoke"]> {
  await concurrency.take();
  try {
    return await fn.invoke(event, { requestId });
  } finally {
    concurrency.release();
  }
}
