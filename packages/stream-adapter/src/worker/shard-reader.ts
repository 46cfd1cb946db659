import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import { backoffMs, LinkedAbort, pause, type Runtime } from "@tuppence/core";
import type { Lease } from "@tuppence/core/leases";
import type { RecordsHandler, StoppedAtRecordError } from "../records-handler.ts";
import type { StreamRecord } from "../stream-record.ts";
import type { ReadableShard, ShardRef } from "./lineage.ts";
import { SHARD_END } from "./shard-lease.ts";
import { type ShardPage, ShardPages } from "./shard-pages.ts";
import type { StreamsApi } from "./streams-api.ts";
import type { Gap, WorkerEvent } from "./worker-event.ts";
import type { WorkerGuards } from "./worker-guards.ts";

/** Repairs, or notes, what can't be read any more. Reading goes on when it resolves. */
export type GapHandler = (gap: Gap, context: { readonly signal: AbortSignal }) => Promise<void>;

/** What all readers of a worker have in common. */
export interface ReaderContext {
  readonly api: StreamsApi;
  readonly runtime: Runtime;
  readonly guards: WorkerGuards;
  readonly decode: (raw: unknown) => StreamRecord;
  readonly handler: RecordsHandler;
  readonly onGap: GapHandler;
  readonly emit: (event: WorkerEvent) => void;
  readonly batchSize: number;
  readonly maxIdleMs: number;
  readonly trimAgeMs: number;
  /** Aborted when the time to stop is over. */
  readonly drained: AbortSignal;
}

/** How far a reader is, for those who look on. */
export interface ReaderStatus {
  position: string | undefined;
  recordsHandled: number;
  /** About when the change handled last was made, in epoch ms. */
  lastChangedAt: number | undefined;
  isAtTip: boolean;
  isBlocked: boolean;
  lastError: unknown;
}

export function newReaderStatus(position: string | undefined): ReaderStatus {
  return {
    position,
    recordsHandled: 0,
    lastChangedAt: undefined,
    isAtTip: false,
    isBlocked: false,
    lastError: undefined,
  };
}

const HANDLER_BACKOFF = { baseMs: 250, maxMs: 30_000 };
const COMMIT_BACKOFF = { baseMs: 100, maxMs: 5_000 };

/** Reads a shard under a lease: each page is handled, then the position moves. One page is read ahead meanwhile. */
export class ShardReader {
  readonly #context: ReaderContext;
  readonly #ref: ShardRef;
  readonly #lease: Lease;
  readonly #status: ReaderStatus;
  readonly #pages: ShardPages;

  constructor(
    context: ReaderContext,
    shard: ReadableShard,
    { lease, status }: { readonly lease: Lease; readonly status: ReaderStatus },
  ) {
    const { api, runtime, guards, batchSize: pageSize, maxIdleMs, trimAgeMs, emit } = context;
    this.#context = context;
    this.#ref = { streamArn: shard.streamArn, shardId: shard.shardId };
    this.#lease = lease;
    this.#status = status;
    const onRetry = (retry: { isThrottle: boolean; attempt: number; error: unknown }): void => {
      status.lastError = retry.error;
      emit({ type: "requestFailed", request: "records", shard: this.#ref, ...retry });
    };
    const { compare } = guards;
    const pagesContext = { api, runtime, compare, pageSize, maxIdleMs, trimAgeMs, onRetry };
    this.#pages = new ShardPages(pagesContext, shard, lease.position);
  }

  /** Ends when the shard is finished, or when the lease is to be let go or is lost. Rejects when nothing would help. */
  async run(): Promise<void> {
    const { emit, drained } = this.#context;
    const { lost, release } = this.#lease;
    emit({ type: "shardStarted", ...this.#ref, position: this.#status.position });
    using work = new LinkedAbort(lost, drained);
    using fetching = new LinkedAbort(lost, drained, release);
    let next = this.#fetch(fetching.signal);
    try {
      for (;;) {
        const page = await next;
        if (page === undefined || fetching.signal.aborted) break;
        // Read ahead while the handler runs, and only one page.
        if (!page.isLast) next = this.#fetch(fetching.signal);
        if (!(await this.#handle(page, work.signal))) break;
        if (!page.isLast) continue;
        if (!(await this.#commit(SHARD_END, "finish"))) break;
        emit({ type: "shardFinished", ...this.#ref });
        return;
      }
      if (this.#lease.lost.aborted) emit({ type: "leaseLost", ...this.#ref });
      else emit({ type: "shardReleased", ...this.#ref, position: this.#status.position });
    } finally {
      fetching.abort();
      await next.catch(() => undefined);
    }
  }

  #fetch(signal: AbortSignal): Promise<ShardPage | undefined> {
    const page = this.#pages.next(signal);
    // It is awaited after the handler; until then its failure is not unhandled.
    page.catch(() => undefined);
    return page;
  }

  /** Answers whether to go on: all is done, and the lease is still held and wanted. */
  async #handle({ records, gap, isLast }: ShardPage, signal: AbortSignal): Promise<boolean> {
    if (gap !== undefined && !(await this.#reportGap(gap, signal))) return false;
    if (records.length > 0) return this.#handleRecords(records, signal);
    if (!this.#status.isAtTip && !isLast) this.#context.emit({ type: "caughtUp", ...this.#ref });
    this.#status.isAtTip = true;
    return true;
  }

  async #reportGap(gap: Gap, signal: AbortSignal): Promise<boolean> {
    this.#context.emit({ type: "gap", ...gap });
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#context.onGap(gap, { signal });
        this.#status.isBlocked = false;
        return !this.#lease.lost.aborted;
      } catch (error) {
        if (!(await this.#block({ attempt, sequenceNumber: undefined, error }))) return false;
      }
    }
  }

  async #handleRecords(raw: readonly _Record[], signal: AbortSignal): Promise<boolean> {
    const { runtime, decode, handler, guards } = this.#context;
    const { shardId } = this.#ref;
    const records = raw.map(decode);
    this.#status.isAtTip = false;
    let first = 0;
    for (let attempt = 1; first < records.length; attempt++) {
      if (!guards.commitsWhenDone) await this.#commitBefore(raw, records.length);
      const startedAt = runtime.now();
      const rest = records.slice(first);
      let failure: { readonly error: unknown } | undefined;
      try {
        await handler(rest, { signal, shardId });
      } catch (error) {
        failure = { error };
      }
      const done = failure === undefined ? rest.length : doneBefore(failure.error, rest.length);
      // What was done for a lease that is lost does not count.
      if (this.#lease.lost.aborted) return false;
      if (done > 0) {
        first += done;
        attempt = 1;
        if (!(await this.#commitBefore(raw, first))) return false;
        this.#noteHandled(rest.slice(0, done), runtime.now() - startedAt);
      }
      if (failure === undefined) break;
      const sequenceNumber = raw[first]?.dynamodb?.SequenceNumber;
      if (!(await this.#block({ attempt, sequenceNumber, error: failure.error }))) return false;
    }
    this.#status.isBlocked = false;
    return true;
  }

  /** Waits before the next attempt. Answers false when the lease is lost or to be let go: somebody else will try. */
  async #block(failure: {
    readonly attempt: number;
    readonly sequenceNumber: string | undefined;
    readonly error: unknown;
  }): Promise<boolean> {
    const { runtime, emit, drained } = this.#context;
    this.#status.isBlocked = true;
    this.#status.lastError = failure.error;
    using quit = new LinkedAbort(this.#lease.lost, this.#lease.release, drained);
    const pauseMs = backoffMs(failure.attempt - 1, HANDLER_BACKOFF, runtime.random);
    emit({ type: "blocked", ...this.#ref, ...failure, pauseMs });
    return pause(runtime, pauseMs, quit.signal);
  }

  #noteHandled(records: readonly StreamRecord[], handlerMs: number): void {
    const status = this.#status;
    status.recordsHandled += records.length;
    const changedAt = records.at(-1)?.changedAt?.getTime();
    status.lastChangedAt = changedAt ?? status.lastChangedAt;
    this.#context.emit({
      type: "batchHandled",
      ...this.#ref,
      records: records.length,
      position: String(status.position),
      handlerMs,
      lagMs: changedAt === undefined ? undefined : Math.max(0, this.#context.runtime.now() - changedAt),
    });
  }

  /** Moves the position to the last of the records before an index. */
  async #commitBefore(raw: readonly _Record[], index: number): Promise<boolean> {
    const last = raw.slice(0, index).findLast((record) => record.dynamodb?.SequenceNumber !== undefined);
    const position = last?.dynamodb?.SequenceNumber;
    return position === undefined || this.#commit(position);
  }

  /** Answers false when the lease is lost: another worker goes on from what was committed. */
  async #commit(position: string, how: "commit" | "finish" = "commit"): Promise<boolean> {
    const { runtime, emit } = this.#context;
    // Bounded by the lease, which is lost when no request succeeds for long.
    for (let attempt = 1; !this.#lease.lost.aborted; attempt++) {
      try {
        await this.#lease[how](position);
        this.#status.position = position;
        return true;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "leaseLost") return false;
        this.#status.lastError = error;
        const failure = { shard: this.#ref, isThrottle: false, attempt, error } as const;
        emit({ type: "requestFailed", request: "commit", ...failure });
        await pause(runtime, backoffMs(attempt - 1, COMMIT_BACKOFF, runtime.random), this.#lease.lost);
      }
    }
    return false;
  }
}

/** How many records of a batch are done, by what its handler failed with. */
function doneBefore(error: unknown, length: number): number {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "stoppedAtRecord") return 0;
  const { index } = error as StoppedAtRecordError;
  return Number.isInteger(index) && index > 0 && index < length ? index : 0;
}
