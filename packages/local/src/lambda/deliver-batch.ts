import { randomUUID } from "node:crypto";
import { readReply } from "./batch-reply.ts";
import { afterInvocation, type Batch, partByAge, retryPauseMs } from "./batch-retry.ts";
import { type FailureCondition, failureRecord } from "./failure-record.ts";
import type { InvokeResult } from "./local-function.ts";
import type { MappingSettings } from "./mapping-settings.ts";
import type { Runtime } from "./runtime.ts";
import type { StreamEventRecord } from "./stream-event.ts";

/** Pauses between retries, in milliseconds: short, as nobody wants to wait for them on their own machine. */
const RETRY_PAUSES = { baseMs: 50, maxMs: 1_000 };

/** A record on its way to the function. */
export interface Entry {
  readonly record: StreamEventRecord;
  /** The record as JSON, so that each invocation gets one that nobody has changed. */
  readonly json: string;
  /** Of the JSON. */
  readonly bytes: number;
}

/** What has happened so far, in numbers. */
export interface MappingStats {
  readonly invocations: number;
  /** Invocations that failed, in whole or in part. */
  readonly failures: number;
  /** Records that are done: the function has taken them. */
  readonly delivered: number;
  /** Records that no filter pattern matched. */
  readonly filtered: number;
  /** Records that were given up: tried too often, or too old. */
  readonly discarded: number;
  /** Times that the stream no longer had what was to be read next: records may be missing. */
  readonly gaps: number;
}

/** What all deliveries of a mapping share. */
export interface Delivery {
  readonly settings: MappingSettings;
  readonly runtime: Runtime;
  readonly functionArn: string;
  readonly stats: { -readonly [Name in keyof MappingStats]: MappingStats[Name] };
  /** Aborted when the mapping stops; what runs then, runs to its end. */
  readonly stopping: AbortSignal;
}

interface Invocation {
  readonly requestId: string;
  readonly result: InvokeResult;
}

/** Delivers records of one shard until each is done or given up, or the mapping stops. */
export async function deliverBatch(
  delivery: Delivery,
  shardId: string,
  entries: readonly Entry[],
): Promise<void> {
  const { settings, runtime, stats, stopping } = delivery;
  const invocationOf = new WeakMap<Batch<Entry>, Invocation>();
  const todo: Batch<Entry>[] = [{ entries, retries: 0, invocations: 0 }];
  for (let batch = todo.shift(); batch !== undefined; batch = todo.shift()) {
    const pauseMs = retryPauseMs(batch.retries, RETRY_PAUSES);
    if (pauseMs > 0) await runtime.sleep(pauseMs, stopping);
    if (stopping.aborted) return;
    const { expired, rest } = partByAge(batch, ({ record }) => isTooOld(delivery, record));
    if (expired !== undefined) {
      const givenUp = {
        batch: expired,
        condition: "RecordAgeExceeded",
        last: invocationOf.get(batch),
      } as const;
      await giveUp(delivery, shardId, givenUp);
    }
    if (rest === undefined) continue;
    const last = await invoke(delivery, rest);
    const sequenceNumbers = rest.entries.map(({ record }) => record.dynamodb.SequenceNumber);
    const reply = readReply(last.result, sequenceNumbers, settings.reportBatchItemFailures);
    const { todo: again, exhausted } = afterInvocation(rest, reply, settings);
    for (const next of again) invocationOf.set(next, last);
    todo.unshift(...again);
    if (reply.kind !== "success") stats.failures += 1;
    if (reply.kind !== "failure") {
      stats.delivered += reply.kind === "success" ? rest.entries.length : reply.index;
    }
    if (exhausted !== undefined) {
      await giveUp(delivery, shardId, { batch: exhausted, condition: "RetryAttemptsExhausted", last });
    }
  }
}

async function invoke({ settings, stats }: Delivery, batch: Batch<Entry>): Promise<Invocation> {
  const requestId = randomUUID();
  const event: unknown = JSON.parse(`{"Records":[${batch.entries.map(({ json }) => json).join(",")}]}`);
  stats.invocations += 1;
  return { requestId, result: await settings.function.invoke(event, { requestId }) };
}

function isTooOld({ settings, runtime }: Delivery, { dynamodb }: StreamEventRecord): boolean {
  const { maximumRecordAgeSeconds } = settings;
  if (maximumRecordAgeSeconds === -1 || dynamodb.ApproximateCreationDateTime === undefined) return false;
  return runtime.now() / 1_000 - dynamodb.ApproximateCreationDateTime > maximumRecordAgeSeconds;
}

interface GivingUp {
  readonly batch: Batch<Entry>;
  readonly condition: FailureCondition;
  readonly last: Invocation | undefined;
}

async function giveUp(
  delivery: Delivery,
  shardId: string,
  { batch, condition, last }: GivingUp,
): Promise<void> {
  delivery.stats.discarded += batch.entries.length;
  await delivery.settings.onFailure(
    failureRecord({
      condition,
      records: batch.entries.map(({ record }) => record),
      invocations: batch.invocations,
      requestId: last?.requestId ?? randomUUID(),
      lastResult: last?.result,
      functionArn: delivery.functionArn,
      shardId,
      now: delivery.runtime.now(),
    }),
  );
}
