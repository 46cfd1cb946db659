import { backoffMs, type Runtime } from "@tuppence/core";
import {
  type ControlItem,
  type ControlKey,
  type ControlOutcome,
  type ControlStorage,
  type ControlUpdate,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { OccurrenceRunningError } from "./errors.ts";
import { beginUpdate, doneUpdate, failedUpdate, type NewRun, standingOf } from "./run-record.ts";

/** What keeps an occurrence from being run twice, as one value: tests switch each off to see that it is needed. */
export interface RunGuards {
  /** Whether a run is begun only if the record is as it was seen. */
  readonly beginsOnCondition: boolean;
  /** How long after an invocation's time another one may begin, in milliseconds: clocks differ. */
  readonly marginMs: number;
  /** Whether it is stored that a run is done. */
  readonly storesDone: boolean;
}

export const RUN_GUARDS: RunGuards = { beginsOnCondition: true, marginMs: 5_000, storesDone: true };

const MAX_ATTEMPTS = 6;
const BACKOFF = { baseMs: 50, maxMs: 1_000 };

export interface RunStoreOptions {
  readonly storage: ControlStorage;
  readonly runtime: Runtime;
  readonly guards: RunGuards;
  readonly retentionMs: number;
}

/** Keeps who runs an occurrence, and that it is done. */
export class RunStore {
  readonly #options: RunStoreOptions;

  constructor(options: RunStoreOptions) {
    this.#options = options;
  }

  /**
   * Begins a run, unless the occurrence is done.
   *
   * @throws OccurrenceRunningError
   */
  async begin(run: {
    readonly id: string;
    readonly key: ControlKey;
    readonly token: string;
    readonly remainingMs: number;
  }): Promise<
    { readonly kind: "begun"; readonly run: NewRun } | { readonly kind: "done"; readonly result: unknown }
  > {
    const { runtime, guards, retentionMs } = this.#options;
    const { id, key, token } = run;
    const untilMs = Math.ceil(runtime.now() + run.remainingMs + guards.marginMs);
    const begun: NewRun = { key, token, untilMs, retentionMs };
    let seen: ControlItem | undefined;
    for (;;) {
      const update = beginUpdate(begun, seen);
      const outcome = await this.#write(guards.beginsOnCondition ? update : { ...update, where: {} });
      if (outcome.applied) return { kind: "begun", run: begun };
      const standing = standingOf(outcome.item, token, runtime.now());
      switch (standing.kind) {
        case "own":
          return { kind: "begun", run: begun };
        case "done":
          return standing;
        case "running":
          throw new OccurrenceRunningError(id, new Date(standing.untilMs));
        case "free":
          seen = outcome.item;
      }
    }
  }

  /** Stores that a run is done. Answers false when another one was begun meanwhile. */
  async finish(run: NewRun, result: string | undefined): Promise<boolean> {
    const { runtime, guards, retentionMs } = this.#options;
    if (!guards.storesDone) return true;
    const ttl = Math.ceil((runtime.now() + retentionMs) / 1_000);
    const outcome = await this.#write(doneUpdate(run, result, ttl));
    return outcome.applied || (outcome.item?.["state"] === "done" && outcome.item["token"] === run.token);
  }

  /** Lets others run the occurrence. */
  async fail(run: NewRun): Promise<void> {
    await this.#write(failedUpdate(run));
  }

  /** Writes until it is certain what became of it; each write says whose it is, so that sending it again does no harm. */
  async #write(update: ControlUpdate): Promise<ControlOutcome> {
    const { storage, runtime } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await storage.update(update);
      } catch (error) {
        if (!(error instanceof UncertainWriteError)) throw error;
        if (attempt === MAX_ATTEMPTS) throw error.cause ?? error;
        await runtime.sleep(backoffMs(attempt - 1, BACKOFF, runtime.random));
      }
    }
  }
}
