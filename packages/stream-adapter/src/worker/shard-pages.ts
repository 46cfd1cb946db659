import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import { backoffMs, pause, type Runtime } from "@tuppence/core";
import type { ReadableShard } from "./lineage.ts";
import type { IteratorStart, StreamsApi } from "./streams-api.ts";
import { kindOfStreamsError } from "./streams-error.ts";
import type { Gap } from "./worker-event.ts";

/**
 * The shortest time between two requests for records of a shard, in ms: five a second. AWS names this limit for Kinesis,
 * https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html, and none for DynamoDB Streams but that two
 * processes may read a shard, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-dynamodb-streams
 */
const MIN_INTERVAL_MS = 200;
/** After the first empty page, in ms; it doubles with each that follows. */
const FIRST_IDLE_MS = 200;

const BACKOFF = { baseMs: 200, maxMs: 10_000 };

export interface ShardPage {
  readonly records: readonly _Record[];
  /** Something before these records can't be read. */
  readonly gap: Gap | undefined;
  readonly isLast: boolean;
}

/** What pages are read with. */
export interface PagesContext {
  readonly api: StreamsApi;
  readonly runtime: Runtime;
  readonly compare: (one: string, other: string) => number;
  readonly pageSize: number;
  readonly maxIdleMs: number;
  /** Younger than this, in ms, the oldest record of a shard proves that none before it was trimmed. */
  readonly trimAgeMs: number;
  readonly onRetry: (retry: {
    readonly isThrottle: boolean;
    readonly attempt: number;
    readonly error: unknown;
  }) => void;
}

/**
 * The pages of a shard from a position on, one at a time and paced. The sequence number read last is all that counts; the
 * iterator is thrown away whenever it fails, and made again from it.
 */
export class ShardPages {
  readonly #context: PagesContext;
  readonly #shard: ReadableShard;
  #after: string | undefined;
  #iterator: string | undefined;
  /** Why reading has to begin at the oldest record that is kept; undefined when it has not. */
  #gapReason: Gap["reason"] | undefined;
  /** To be told with the next page. */
  #gap: { readonly reason: Gap["reason"] } | undefined;
  #refusesStart = false;
  #lastCallAt = Number.NEGATIVE_INFINITY;
  #idleMs = 0;

  constructor(context: PagesContext, shard: ReadableShard, after: string | undefined) {
    this.#context = context;
    this.#shard = shard;
    this.#after = after;
    if (after !== undefined) return;
    if (shard.isParentGone) this.#gapReason = "parentGone";
    // Nobody knows whether something is missing before the oldest record that is kept: better told once too often.
    else if (shard.startingSequenceNumber === undefined) this.#gapReason = "trimmed";
  }

  /**
   * Waits as pacing asks for, and reads the next page; tries again until it succeeds. Answers undefined when the signal is
   * aborted.
   *
   * Cost: one read request unit of DynamoDB Streams for each request, also for an empty page.
   */
  async next(signal: AbortSignal): Promise<ShardPage | undefined> {
    const { runtime, onRetry } = this.#context;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await this.#read(signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        const kind = kindOfStreamsError(error);
        const isStartRefused = kind === "invalid" && this.#start().type === "AT_SEQUENCE_NUMBER";
        if (kind === "fatal" || (kind === "invalid" && !isStartRefused)) throw error;
        const isLate = kind === "throttled" || kind === "transient";
        if (!isLate) this.#iterator = undefined;
        if (kind === "gone") return this.#gonePage();
        if (kind === "trimmed") this.#gapReason ??= "trimmed";
        if (isStartRefused) this.#refusesStart = true;
        // The first new iterator needs no pause.
        if (attempt === 0 && !isLate) continue;
        onRetry({ isThrottle: kind === "throttled", attempt: attempt + 1, error });
        if (!(await pause(runtime, backoffMs(attempt, BACKOFF, runtime.random), signal))) return undefined;
      }
    }
    return undefined;
  }

  async #read(signal: AbortSignal): Promise<ShardPage | undefined> {
    const { api, runtime, pageSize, maxIdleMs } = this.#context;
    if (this.#iterator === undefined) {
      const { streamArn, shardId } = this.#shard;
      const start = this.#start();
      if (this.#gapReason !== undefined) this.#gap = { reason: this.#gapReason };
      this.#iterator = await api.getShardIterator({ streamArn, shardId, start }, signal);
    }
    const intervalMs = Math.max(this.#idleMs, MIN_INTERVAL_MS);
    // A clock that was put back can't make it longer.
    const waitMs = Math.min(intervalMs, this.#lastCallAt + intervalMs - runtime.now());
    if (waitMs > 0 && !(await pause(runtime, waitMs, signal))) return undefined;
    this.#lastCallAt = runtime.now();
    const { records, nextIterator } = await api.getRecords(
      { iterator: this.#iterator, limit: pageSize },
      signal,
    );
    this.#iterator = nextIterator;
    this.#idleMs =
      records.length > 0 ? 0 : Math.min(maxIdleMs, this.#idleMs === 0 ? FIRST_IDLE_MS : this.#idleMs * 2);
    return this.#page(records, nextIterator === undefined);
  }

  #start(): IteratorStart {
    if (this.#gapReason !== undefined) return { type: "TRIM_HORIZON" };
    if (this.#after !== undefined) return { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: this.#after };
    const { startingSequenceNumber: first } = this.#shard;
    // From the horizon a record that was trimmed already would be skipped in silence; this start is refused then.
    if (first === undefined || this.#refusesStart) return { type: "TRIM_HORIZON" };
    return { type: "AT_SEQUENCE_NUMBER", sequenceNumber: first };
  }

  #page(records: readonly _Record[], isLast: boolean): ShardPage {
    const { compare } = this.#context;
    const after = this.#after;
    const fresh = records.filter((record) => {
      const number = record.dynamodb?.SequenceNumber;
      return number === undefined || after === undefined || compare(number, after) > 0;
    });
    const [oldest] = fresh;
    const gap = this.#mayBeNoGap(oldest, isLast)
      ? undefined
      : this.#takeGap(oldest?.dynamodb?.SequenceNumber);
    const last = fresh.findLast((record) => record.dynamodb?.SequenceNumber !== undefined);
    if (last !== undefined) {
      this.#after = last.dynamodb?.SequenceNumber;
      this.#gapReason = undefined;
    }
    return { records: fresh, gap, isLast };
  }

  /**
   * A beginning that is refused as trimmed need not be: the number that a shard begins with is not that of a record, and
   * DynamoDB Local refuses it when the first record has a higher one. Records are kept for a day, and shards are written to
   * for hours; so when the oldest record is young, nothing was trimmed before it. Until there is one, nobody knows.
   */
  #mayBeNoGap(oldest: _Record | undefined, isLast: boolean): boolean {
    const { runtime, trimAgeMs } = this.#context;
    if (this.#gap?.reason !== "trimmed" || this.#after !== undefined) return false;
    if (oldest === undefined) return trimAgeMs > 0 && !isLast;
    const createdAt = oldest.dynamodb?.ApproximateCreationDateTime?.getTime();
    const isYoung = createdAt !== undefined && runtime.now() - createdAt < trimAgeMs;
    if (isYoung) this.#gap = undefined;
    return isYoung;
  }

  #gonePage(): ShardPage {
    this.#gap = { reason: "shardGone" };
    return { records: [], gap: this.#takeGap(undefined), isLast: true };
  }

  #takeGap(untilSequenceNumber: string | undefined): Gap | undefined {
    const { streamArn, shardId } = this.#shard;
    const gap = this.#gap && {
      ...this.#gap,
      streamArn,
      shardId,
      afterSequenceNumber: this.#after,
      untilSequenceNumber,
    };
    this.#gap = undefined;
    return gap;
  }
}
