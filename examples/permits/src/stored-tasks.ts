import type { LoggedTask } from "./receipt-log.ts";

/** Tells which tasks are stored, to who follows them. */
export class StoredTasks {
  readonly #left: Set<LoggedTask>;
  #wake: () => void = () => undefined;

  /** `unfinished`: those that are still to be stored. */
  constructor(unfinished: readonly LoggedTask[]) {
    this.#left = new Set(unfinished);
  }

  add(task: LoggedTask): void {
    this.#left.delete(task);
    this.#wake();
  }

  /** The tasks in the given order, each once it is stored. @throws the signal's reason. */
  async *inOrder(tasks: readonly LoggedTask[], signal: AbortSignal): AsyncGenerator<LoggedTask> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for (const task of tasks) {
        signal.throwIfAborted();
        while (this.#left.has(task)) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          signal.throwIfAborted();
        }
        yield task;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
