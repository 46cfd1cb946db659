import type { BatchReply } from "./batch-reply.ts";

/** Records that go to the function together, and what has become of them so far. */
export interface Batch<Entry> {
  readonly entries: readonly Entry[];
  /** Retries so far that count towards the limit; splitting does not. */
  readonly retries: number;
  /** Invocations so far that had the first of these records. */
  readonly invocations: number;
}

export interface RetrySettings {
  /** -1: no limit. */
  readonly maximumRetryAttempts: number;
  readonly bisectBatchOnFunctionError: boolean;
}

/** What comes after an invocation; the records in neither are done. */
export interface AfterInvocation<Entry> {
  /** To be delivered, in this order. */
  readonly todo: readonly Batch<Entry>[];
  /** Given up, after the last retry. */
  readonly exhausted: Batch<Entry> | undefined;
}

/**
 * Decides what Lambda does after the batch was delivered and answered.
 *
 * A failed batch is split in two where splitting is on and it has two records or more, and else retried. A failure
 * from some record on retries from there; where splitting is on, this is the split, and does not count as a retry.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
export function afterInvocation<Entry>(
  delivered: Batch<Entry>,
  reply: BatchReply,
  settings: RetrySettings,
): AfterInvocation<Entry> {
  if (reply.kind === "success") return { todo: [], exhausted: undefined };
  const done = reply.kind === "failure" ? 0 : reply.index;
  const failed: Batch<Entry> = {
    entries: delivered.entries.slice(done),
    retries: delivered.retries,
    invocations: delivered.invocations + 1,
  };
  if (settings.bisectBatchOnFunctionError) {
    if (done > 0) return { todo: [failed], exhausted: undefined };
    if (failed.entries.length > 1) return { todo: halves(failed), exhausted: undefined };
  }
  if (failed.retries === settings.maximumRetryAttempts) return { todo: [], exhausted: failed };
  return { todo: [{ ...failed, retries: failed.retries + 1 }], exhausted: undefined };
}

function halves<Entry>({ entries, ...progress }: Batch<Entry>): readonly Batch<Entry>[] {
  const middle = Math.ceil(entries.length / 2);
  return [
    { ...progress, entries: entries.slice(0, middle) },
    { ...progress, entries: entries.slice(middle) },
  ];
}

/** A batch without the records that are too old; either part may be missing. */
export interface ByAge<Entry> {
  readonly expired: Batch<Entry> | undefined;
  readonly rest: Batch<Entry> | undefined;
}

/** Parts a batch at its first record that is not too old: what comes before has outlived the record age. */
export function partByAge<Entry>(batch: Batch<Entry>, isTooOld: (entry: Entry) => boolean): ByAge<Entry> {
  const fresh = batch.entries.findIndex((entry) => !isTooOld(entry));
  const middle = fresh === -1 ? batch.entries.length : fresh;
  const part = (from: number, to: number): Batch<Entry> | undefined =>
    from === to ? undefined : { ...batch, entries: batch.entries.slice(from, to) };
  return { expired: part(0, middle), rest: part(middle, batch.entries.length) };
}

/** The pause before a batch is delivered: none at first and after a split, doubling with each retry. */
export function retryPauseMs(
  retries: number,
  limits: { readonly baseMs: number; readonly maxMs: number },
): number {
  return retries === 0 ? 0 : Math.min(limits.maxMs, limits.baseMs * 2 ** (retries - 1));
}
