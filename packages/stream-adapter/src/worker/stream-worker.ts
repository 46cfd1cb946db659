import type { Runtime } from "@tuppence/core";
import type { Lease, LeaseGroup } from "@tuppence/core/leases";
import { backoffMs } from "@tuppence/core";
import type { RecordsHandler } from "../records-handler.ts";
import type { StreamRecord } from "../stream-record.ts";
import { leaseOfShard, SHARD_END } from "./shard-lease.ts";
import { ShardMap } from "./shard-map.ts";
import { type GapHandler, newReaderStatus, type ReaderStatus, ShardReader } from "./shard-reader.ts";
import type { StreamsApi } from "./streams-api.ts";
import { kindOfStreamsError } from "./streams-error.ts";
import type { WorkerEvent } from "./worker-event.ts";
import type { WorkerGuards } from "./worker-guards.ts";
import { progressOf, type WorkerProgress } from "./worker-progress.ts";

/** How long `stop` waits for handlers when nothing else is said. */
export const DEFAULT_DRAIN_MS = 10_000;

const DISCOVERY_BACKOFF = { baseMs: 500, maxMs: 30_000 };

/** What a worker is made of. */
export interface WorkerParts {
  readonly api: StreamsApi;
  readonly leases: LeaseGroup;
  readonly runtime: Runtime;
  readonly guards: WorkerGuards;
  readonly tableName: string;
  readonly decode: (raw: unknown) => StreamRecord;
  readonly handler: RecordsHandler;
  readonly onGap: GapHandler;
  readonly onEvent: (event: WorkerEvent) => void;
  readonly batchSize: number;
  readonly maxIdleMs: number;
}

/** Reads a table's stream together with other workers of its group. `await using` stops it. */
export interface StreamWorker extends AsyncDisposable {
  /** Aborted when the worker can't go on, with the error as its reason; it has begun to stop then. */
  readonly failed: AbortSignal;
  /** Creates the table of the leases if it is missing; safe to call always. */
  ensureTables(): Promise<void>;
  /**
   * Begins to work; returns at once.
   *
   * @throws TypeError when it was started before.
   */
  start(): void;
  /** Where the shards are. Cost: one Query of the group's leases. */
  progress(): Promise<WorkerProgress>;
  /**
   * Lets handlers finish the batches that they have, commits, and lets the leases go. After `drainMs` (default 10,000) their
   * signals are aborted, and what they do from then on does not count.
   */
  stop(options?: { readonly drainMs?: number | undefined }): Promise<void>;
}

/** The worker on its parts. */
export class PollingWorker implements StreamWorker {
  readonly #parts: WorkerParts;
  readonly #map: ShardMap;
  readonly #readers = new Map<string, ReaderStatus>();
  readonly #drained = new AbortController();
  readonly #failed = new AbortController();
  #refreshing: Promise<readonly string[]> | undefined;
  #failures = 0;
  #nextRefreshAt = Number.NEGATIVE_INFINITY;
  #state: "new" | "started" | "stopped" = "new";
  #stopping: Promise<void> | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { api, runtime, guards, tableName, leases } = parts;
    const emit = this.#emit;
    this.#map = new ShardMap({ api, tableName, runtime, guards, emit, listLeases: () => leases.list() });
  }

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  ensureTables(): Promise<void> {
    return this.#parts.leases.ensureTables();
  }

  start(): void {
    if (this.#state !== "new") throw new TypeError(`This worker is ${this.#state} already; create another.`);
    this.#state = "started";
    this.#parts.leases.start({ resources: () => this.#readable(), run: (lease) => this.#read(lease) });
  }

  async progress(): Promise<WorkerProgress> {
    const leases = await this.#map.listLeases();
    const own = { readers: this.#readers, now: this.#parts.runtime.now() };
    return progressOf(this.#map.plan, leases, own);
  }

  stop(options?: { readonly drainMs?: number | undefined }): Promise<void> {
    this.#stopping ??= this.#stop(options?.drainMs ?? DEFAULT_DRAIN_MS);
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(drainMs: number): Promise<void> {
    const wasStarted = this.#state === "started";
    this.#state = "stopped";
    if (wasStarted) await this.#parts.leases.stop({ drainMs });
    this.#drained.abort(new Error("The worker has stopped."));
  }

  /** Names of the leases to be shared out. Never rejects: while nothing can be learned, what was known is good enough. */
  async #readable(): Promise<readonly string[]> {
    if (this.#parts.runtime.now() >= this.#nextRefreshAt) {
      this.#refreshing ??= this.#refresh().finally(() => {
        this.#refreshing = undefined;
      });
      await this.#refreshing;
    }
    return this.#map.plan.readable.map(leaseOfShard);
  }

  async #refresh(): Promise<readonly string[]> {
    const { runtime } = this.#parts;
    try {
      const { readable } = await this.#map.refresh();
      this.#failures = 0;
      return readable.map(leaseOfShard);
    } catch (error) {
      const kind = kindOfStreamsError(error);
      if (kind === "fatal" || kind === "invalid") this.#fail(error);
      const attempt = ++this.#failures;
      const isThrottle = kind === "throttled";
      this.#emit({
        type: "requestFailed",
        request: "discovery",
        shard: undefined,
        isThrottle,
        attempt,
        error,
      });
      this.#nextRefreshAt = runtime.now() + backoffMs(attempt - 1, DISCOVERY_BACKOFF, runtime.random);
      return [];
    }
  }

  async #read(lease: Lease): Promise<void> {
    const shard = this.#map.plan.readable.find((each) => leaseOfShard(each) === lease.resource);
    // Finished by another worker, since the shards were looked at.
    if (shard === undefined || lease.position === SHARD_END) return;
    const { onEvent: _, leases, ...parts } = this.#parts;
    const status = newReaderStatus(lease.position);
    this.#readers.set(lease.resource, status);
    try {
      const context = { ...parts, emit: this.#emit, drained: this.#drained.signal };
      await new ShardReader(context, shard, { lease, status }).run();
    } catch (error) {
      this.#fail(error);
    } finally {
      if (this.#readers.get(lease.resource) === status) this.#readers.delete(lease.resource);
    }
    if (status.position !== SHARD_END) return;
    this.#map.noteFinished(shard);
    leases.wake();
  }

  /** Nothing but a change of permissions, settings or code helps. */
  #fail(error: unknown): void {
    if (this.#failed.signal.aborted) return;
    this.#emit({ type: "failed", error });
    this.#failed.abort(error);
    // Not awaited: it waits for those who call this.
    void this.#stopAfterFailure();
  }

  async #stopAfterFailure(): Promise<void> {
    try {
      await this.stop();
    } catch (error) {
      this.#emit({ type: "failed", error });
    }
  }

  /** Whoever looks on can't do harm. */
  readonly #emit = (event: WorkerEvent): void => {
    try {
      this.#parts.onEvent(event);
    } catch (error) {
      const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.emitWarning(`onEvent failed; the worker goes on. ${failure}`, {
        type: "TuppenceObserverWarning",
      });
    }
  };
}
