import { Bill } from "../capacity/units.ts";
import { DEFAULT_MAX_ATTEMPTS } from "../command-handler/command-handler.ts";
import { CLOSE_CONFLICTS, CONFLICT_BACKOFF } from "../command-handler/handle-alone.ts";
import { parseCommitId } from "../commit-id.ts";
import { TransactConflictError } from "../conflict-errors.ts";
import type { EventDefinitions } from "../events.ts";
import { backoffMs, SYSTEM_RUNTIME } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import type { TransactResult, TransactWrite } from "../store/write-options.ts";
import type { DecideAcross, DecideAcrossOptions, DecisionResult } from "./decision.ts";
import { AlreadyStored, StreamViews } from "./stream-views.ts";

/**
 * Decides on the state of several streams, and appends what is decided, to one or several, if all streams that were
 * read are still where they were read: all or nothing. When one has moved on, it is decided again on what is there now;
 * from the third time on after a jittered pause. A stream that is never read is no condition.
 *
 * Cost without a conflict: 1 request and the read units of each stream; and a `transact` in which each stream read and not
 * written to is a check: 2 WCU for each KB of each stream written to, 2 for each check. One stream read and written to
 * costs what a command does.
 *
 * Rejects with what `decide` throws, with what `load` and `transact` reject with, and with
 *
 * @throws TransactConflictError after `maxAttempts`; or when streams that were not read are elsewhere than expected, or
 *   closed; or when a stream to be written to is closed. Nothing was written.
 * @throws RangeError for a `maxAttempts` that is no whole number from 1; TypeError for a `commitId` that is none, or in
 *   a decision that loads none of the streams it writes to, and for an `expectedVersion` of a stream that was read.
 */
export async function decideAcross<Definitions extends EventDefinitions>(
  store: EventStore<Definitions>,
  decide: DecideAcross<Definitions>,
  options: DecideAcrossOptions = {},
): Promise<DecisionResult<Definitions>> {
  const { maxAttempts = DEFAULT_MAX_ATTEMPTS, commitId } = options;
  if (!(Number.isSafeInteger(maxAttempts) && maxAttempts >= 1)) {
    throw new RangeError(`maxAttempts is ${String(maxAttempts)}; it has to be a whole number from 1.`);
  }
  if (commitId !== undefined) parseCommitId(commitId);
  return new Deciding(store, decide, options).run(maxAttempts);
}

/** What one attempt came to. */
type Outcome<Definitions extends EventDefinitions> =
  | { readonly kind: "writes"; readonly writes: readonly TransactWrite<Definitions>[] }
  | { readonly kind: "refused"; readonly reason: unknown };

/** One decision on its way. */
class Deciding<Definitions extends EventDefinitions> {
  readonly #store: EventStore<Definitions>;
  readonly #decide: DecideAcross<Definitions>;
  readonly #options: DecideAcrossOptions;
  readonly #bill = new Bill();
  readonly #views: StreamViews<Definitions>;

  constructor(
    store: EventStore<Definitions>,
    decide: DecideAcross<Definitions>,
    options: DecideAcrossOptions,
  ) {
    const { commitId, signal } = options;
    this.#store = store;
    this.#decide = decide;
    this.#options = options;
    this.#views = new StreamViews(store, { commitId, signal, bill: this.#bill });
  }

  async run(maxAttempts: number): Promise<DecisionResult<Definitions>> {
    const { runtime = SYSTEM_RUNTIME, signal } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const outcome = await this.#attempt();
        const done =
          outcome.kind === "refused"
            ? await this.#refuse(outcome.reason)
            : await this.#carryOut(outcome.writes);
        return this.#result(done, attempt);
      } catch (error) {
        if (error instanceof AlreadyStored) return this.#stored(attempt - 1);
        // What `decide` itself throws may be a conflict too, of another store.
        if (!(error instanceof Lost)) throw error;
        if (attempt === maxAttempts || !this.#views.learn(error.conflict)) throw error.conflict;
      }
      if (attempt <= CLOSE_CONFLICTS) continue;
      await runtime.sleep(backoffMs(attempt, CONFLICT_BACKOFF, runtime.random), signal);
      this.#views.forgetVersions();
    }
  }

  /** Lets decide; a failure of the store is no refusal. */
  async #attempt(): Promise<Outcome<Definitions>> {
    this.#options.signal?.throwIfAborted();
    const views = this.#views;
    const decision = views.open();
    try {
      const decided = await this.#decide(decision);
      await views.settled();
      const writes = Array.isArray(decided)
        ? (decided as readonly TransactWrite<Definitions>[])
        : [decided as TransactWrite<Definitions>];
      return { kind: "writes", writes };
    } catch (reason) {
      await views.settled();
      this.#options.signal?.throwIfAborted();
      return { kind: "refused", reason };
    }
  }

  /** Throws what was decided; but for a moment at which all was as it was read, there would have been no such decision. */
  async #refuse(reason: unknown): Promise<never> {
    await this.#verify();
    throw reason;
  }

  async #verify(): Promise<void> {
    const { verifyRefusals = true, signal } = this.#options;
    const checks = this.#views.conditions();
    // One stream alone was where it was read at the moment of reading it.
    if (!verifyRefusals || checks.length < 2) return;
    await this.#transact([], { checks, signal });
  }

  async #carryOut(
    writes: readonly TransactWrite<Definitions>[],
  ): Promise<Omit<DecisionResult<Definitions>, "attempts" | "capacity">> {
    if (writes.length === 0) {
      await this.#verify();
      return { commitId: undefined, duplicate: false, appends: [] };
    }
    const { commitId, metadata, signal } = this.#options;
    const placed = this.#place(writes);
    const written = new Set(writes.map((write) => write.streamId));
    const checks = this.#views.conditions().filter(({ streamId }) => !written.has(streamId));
    try {
      const done = await this.#transact(placed, { checks, commitId, metadata, signal });
      // It may have written to other streams than this time would.
      if (done.duplicate) return await this.#wholeDuplicate(done);
      return done;
    } catch (error) {
      // A transaction of this id is stored, and wrote to other streams: it is in what was not read when this was decided.
      if (error instanceof RangeError && commitId !== undefined) await this.#views.searchAgain();
      throw error;
    }
  }

  /** What was read is written where it was read. */
  #place(writes: readonly TransactWrite<Definitions>[]): TransactWrite<Definitions>[] {
    const { commitId } = this.#options;
    if (commitId !== undefined && !writes.some(({ streamId }) => this.#views.isLoaded(streamId))) {
      throw new TypeError(
        "A decision with a commitId has to load one of the streams that it writes to: a repetition is recognised there.",
      );
    }
    return writes.map((write) => {
      const version = this.#views.versionRead(write.streamId);
      if (version === undefined) return write;
      if (write.expectedVersion !== undefined) {
        throw new TypeError(
          `Stream ${JSON.stringify(write.streamId)} was read, so it is expected where it was read: leave out expectedVersion.`,
        );
      }
      return { ...write, expectedVersion: version };
    });
  }

  async #transact(
    ...[writes, options]: Required<Parameters<EventStore<Definitions>["transact"]>>
  ): Promise<TransactResult<Definitions>> {
    try {
      const done = await this.#store.transact(writes, options);
      this.#bill.add(done.capacity);
      return done;
    } catch (error) {
      if (!(error instanceof TransactConflictError)) throw error;
      this.#bill.add(error.capacity);
      throw new Lost(error);
    }
  }

  async #wholeDuplicate(
    found: TransactResult<Definitions>,
  ): Promise<Omit<DecisionResult<Definitions>, "attempts" | "capacity">> {
    const event = found.appends.flatMap((append) => append.events)[0];
    const whole = event && (await this.#store.readTransaction(event, { signal: this.#options.signal }));
    if (whole === undefined) return found;
    this.#bill.add(whole.capacity);
    return { ...whole, duplicate: true };
  }

  /** The first result of a decision that was met in a stream. */
  async #stored(attempts: number): Promise<DecisionResult<Definitions>> {
    const event = this.#views.own as { readonly streamId: string; readonly version: number };
    const found = await this.#store.readTransaction(event, { signal: this.#options.signal });
    if (found === undefined)
      throw new TypeError("A store has to give back a transaction whose events it gave.");
    this.#bill.add(found.capacity);
    return this.#result({ ...found, duplicate: true }, attempts);
  }

  #result(
    done: Omit<DecisionResult<Definitions>, "attempts" | "capacity">,
    attempts: number,
  ): DecisionResult<Definitions> {
    const { commitId, duplicate, appends } = done;
    return { commitId, duplicate, appends, attempts, capacity: this.#bill.total() };
  }
}

/** The decision's own transaction met a conflict. */
class Lost extends Error {
  readonly conflict: TransactConflictError;

  constructor(conflict: TransactConflictError) {
    super(conflict.message, { cause: conflict });
    this.conflict = conflict;
  }
}
