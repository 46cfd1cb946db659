import type { Item } from "../capacity/item-size.ts";
import { Bill, type Billed } from "../capacity/units.ts";
import { appendToChain, readContext } from "../chain/chain.ts";
import { LAST_SLOT, readChain } from "../chain/read-chain.ts";
import type { ChainItem, PendingCommit } from "../chain/tiling.ts";
import { formatCommitId, newCommitId, parseCommitId } from "../commit-id.ts";
import { InvalidImportError } from "../input-errors.ts";
import type { JsonValue } from "../json.ts";
import { checkStreamId } from "../stream-name.ts";
import { type AppendContext, conflictError, pendingCommit, type PreparedAppend } from "./append.ts";
import { unpackCommits } from "./commit-content.ts";
import type {
  ExportOptions,
  ImportResult,
  TransferredCommit,
  TransferredState,
  TruncatedCommit,
} from "./transferred-commit.ts";
import { listNames } from "./list-streams.ts";
import { checkCounts } from "./read-stream.ts";
import { storedState } from "./snapshot.ts";
import { placeBodies } from "./place-bodies.ts";
import { describeTransferred, prepareTransferred } from "./transferred-events.ts";

/** Streams that are imported side by side; the commits of one stream follow each other. */
const IMPORT_CONCURRENCY = 32;

/** The commits of the streams asked for, each stream's in order. */
export async function* exportCommits(
  context: AppendContext,
  { streamId, category, bill = new Bill(), signal }: ExportOptions & Billed,
): AsyncGenerator<TransferredCommit, void, undefined> {
  if (streamId !== undefined) {
    yield* exportStream(context, streamId, { bill, signal });
    return;
  }
  for await (const name of listNames(context.storage, { category, bill, signal })) {
    yield* exportStream(context, name, { bill, signal });
  }
}

async function* exportStream(
  context: AppendContext,
  streamId: string,
  { bill, signal }: { readonly bill: Bill; readonly signal: AbortSignal | undefined },
): AsyncGenerator<TransferredCommit, void, undefined> {
  const read = readContext(context, { chain: streamId, bill });
  const window = { low: 1, high: LAST_SLOT, backward: false, consistency: "strong", signal } as const;
  /** The first items of a commit that takes several. */
  let begun: TransferredCommit | undefined;
  for await (const item of readChain(read, window)) {
    for (const commit of await describeItem(context, streamId, item)) {
      const whole = begun === undefined ? commit : joined(begun, commit);
      begun = item.last < item.commitLast ? whole : undefined;
      if (begun === undefined) yield whole;
    }
  }
}

/** The next part of a commit that takes several items. */
function joined(begun: TransferredCommit, next: TransferredCommit): TransferredCommit {
  const { truncated } = next;
  return {
    ...begun,
    events: begun.events.concat(next.events),
    ...(truncated && {
      truncated: { ...truncated, events: (begun.truncated?.events ?? 0) + truncated.events },
    }),
  };
}

async function describeItem(
  { blobs }: AppendContext,
  streamId: string,
  item: ChainItem,
): Promise<TransferredCommit[]> {
  const commits: TransferredCommit[] = [];
  for (const { slots, first, events, metadata } of unpackCommits(item)) {
    commits.push({
      streamId,
      firstVersion: slots.first,
      commitId: formatCommitId(slots.commitId),
      recordedAt: new Date(item.recordedAt).toISOString(),
      ...(metadata === undefined ? undefined : { metadata }),
      ...(item.closed ? { closes: true } : undefined),
      ...describeTruncated(item, first, Math.min(slots.last, item.last)),
      events: await describeTransferred(blobs, { streamId, version: first }, events),
    });
  }
  return commits;
}

function describeTruncated(
  item: ChainItem,
  first: number,
  last: number,
): { readonly truncated: TruncatedCommit } | undefined {
  const { truncatedBefore: before } = item;
  if (before === undefined) return undefined;
  const stored = last === item.last ? storedState(item.item) : undefined;
  const snapshot = stored && describeState(stored);
  return { truncated: { events: last - first + 1, before, ...(snapshot && { snapshot }) } };
}

/** Stores commits where they were, with their ids and times. */
export async function importCommits(
  context: AppendContext,
  commits: AsyncIterable<TransferredCommit> | Iterable<TransferredCommit>,
  { bill = new Bill(), signal }: { readonly signal?: AbortSignal | undefined } & Billed,
): Promise<ImportResult> {
  const counts = { commits: 0, events: 0, duplicates: 0 };
  /** The last import under way of each stream. */
  const underWay = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  const importNext = async (commit: CheckedCommit, previous: Promise<void> | undefined): Promise<void> => {
    await previous;
    if (failures.length > 0) return;
    try {
      const duplicate = await importCommit(context, commit, bill);
      counts.commits += 1;
      counts.events += commit.events.length;
      counts.duplicates += duplicate ? 1 : 0;
    } catch (error) {
      failures.push(error);
    }
  };
  let index = 0;
  try {
    for await (const given of commits) {
      const commit = await checkCommit(given, { index: index++, signal });
      if (failures.length > 0) break;
      const { streamId } = commit;
      const done = importNext(commit, underWay.get(streamId)).finally(() => {
        if (underWay.get(streamId) === done) underWay.delete(streamId);
      });
      underWay.set(streamId, done);
      if (underWay.size >= IMPORT_CONCURRENCY) await Promise.race(underWay.values());
    }
  } finally {
    await Promise.all(underWay.values());
  }
  if (failures.length > 0) throw failures[0];
  return { ...counts, capacity: bill.total() };
}

interface CheckedCommit extends PreparedAppend {
  readonly streamId: string;
  readonly firstVersion: number;
  readonly ownCommitId: boolean;
  /** Epoch milliseconds; undefined: now. */
  readonly recordedAt: number | undefined;
  readonly truncated: TruncatedCommit | undefined;
}

async function checkCommit(
  given: TransferredCommit,
  { index, signal }: { readonly index: number; readonly signal: AbortSignal | undefined },
): Promise<CheckedCommit> {
  try {
    const { streamId, firstVersion, commitId, recordedAt, metadata, closes, truncated, events } = given;
    checkStreamId(streamId);
    if (!(Number.isSafeInteger(firstVersion) && firstVersion >= 1)) {
      throw new RangeError(`firstVersion is ${String(firstVersion)}; it has to be a whole number from 1`);
    }
    const recorded = recordedAt === undefined ? undefined : Date.parse(recordedAt);
    if (Number.isNaN(recorded))
      throw new RangeError(`recordedAt is ${recordedAt}; it has to be an ISO 8601 time`);
    return {
      streamId,
      firstVersion,
      ownCommitId: commitId !== undefined,
      commitId: commitId === undefined ? newCommitId(recorded ?? Date.now()) : parseCommitId(commitId),
      recordedAt: recorded,
      closes,
      truncated: truncated && checkTruncated(truncated),
      ...(await prepareTransferred(streamId, {
        events,
        metadata,
        mayBeEmpty: closes || truncated !== undefined,
      })),
      signal,
    };
  } catch (error) {
    throw new InvalidImportError(index, { cause: error });
  }
}

function describeState({
  version,
  subjects,
  text,
  body,
}: NonNullable<ReturnType<typeof storedState>>): TransferredState {
  return body === undefined
    ? { version, state: JSON.parse(String(text)) as JsonValue }
    : { version, subjects, body: Buffer.from(body).toString("base64") };
}

/** As `describeState` found it. */
function stateItem({ version, state, subjects = [], body }: TransferredState): Item {
  const y = { S: version };
  if (body === undefined) return { y, z: { S: JSON.stringify(state) } };
  return { y, z: { B: Buffer.from(body, "base64") }, h: { L: subjects.map((subject) => ({ S: subject })) } };
}

function checkTruncated(truncated: TruncatedCommit): TruncatedCommit {
  checkCounts({ "truncated.events": truncated.events, "truncated.before": truncated.before });
  return truncated;
}

/** A commit whose events were truncated, as it was. */
function emptied(commit: PendingCommit, { events: count, before, snapshot }: TruncatedCommit): PendingCommit {
  const content = { d: { N: String(before) }, ...(snapshot && stateItem(snapshot)) };
  return { ...commit, parts: [{ count, content }] };
}

/** @returns whether the commit was there already */
async function importCommit(context: AppendContext, commit: CheckedCommit, bill: Bill): Promise<boolean> {
  const { streamId, firstVersion, ownCommitId, recordedAt, truncated, signal } = commit;
  const placed = { ...commit, ...(await placeBodies(context, commit, commit)) };
  const pending = { ...pendingCommit(context, streamId, placed), recordedAt };
  const expected = firstVersion - 1;
  const result = await appendToChain(context, {
    chain: streamId,
    commit: truncated ? emptied(pending, truncated) : pending,
    expected,
    ownCommitId,
    bill,
    signal,
  });
  if (result.kind === "conflict") throw await conflictError(context, streamId, { ...result, expected, bill });
  return result.kind === "duplicate" && ownCommitId;
}
