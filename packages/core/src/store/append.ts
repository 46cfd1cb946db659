import { Bill, type Billed } from "../capacity/units.ts";
import {
  appendToChain,
  type ChainAppendResult,
  type ChainContext,
  lookBack,
  readContext,
} from "../chain/chain.ts";
import { appendWithOthers } from "../chain/append-with-others.ts";
import type { GroupEntry } from "../chain/group-commit.ts";
import { readChain } from "../chain/read-chain.ts";
import type { AlsoWrite } from "../chain/storage.ts";
import {
  type ChainItem,
  type CommitSlots,
  EMPTY_CHAIN,
  encodeGroup,
  type ExpectedVersion,
  type CommitPlace,
  GROUP_ENTRY_BYTES,
  type PendingCommit,
} from "../chain/tiling.ts";
import { formatCommitId } from "../commit-id.ts";
import { StreamClosedError, VersionConflictError, WriteRefusedError } from "../conflict-errors.ts";
import { IntegrityError, OutcomeUnknownError, TuppenceError } from "../errors.ts";
import type { EventDefinitions, RecordedCommit, RecordedEvent } from "../events.ts";
import { categoryOf } from "../stream-name.ts";
import type { AlsoOfEvents } from "./also-writes.ts";
import { packCommit, type PackedEvent } from "./commit-content.ts";
import type { AppendResult } from "./write-options.ts";
import { type NextSnapshot, SnapshotOfAppend } from "./next-snapshot.ts";
import { type OpenContext, openEvents } from "./open-events.ts";
import type { PreparedEvents } from "./prepare-events.ts";
import { entryText } from "./stored-event.ts";

/** What appends of one store work with. */
export interface AppendContext extends ChainContext, OpenContext {
  /** The largest item to write, in bytes. */
  readonly maxItemBytes: number;
}

/** An append that has been checked. */
export interface PreparedAppend extends PreparedEvents, Billed {
  readonly commitId: Uint8Array;
  /** Whether the stream ends with it; only then it may be without events. */
  readonly closes?: boolean | undefined;
  readonly snapshot?: NextSnapshot | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An append that may share its put with others. */
export type GroupedAppend = PreparedAppend & GroupEntry;

/** What an append comes to, for the untyped inside of the store. */
export type StoredAppend = AppendResult<EventDefinitions>;

/** Appends one commit where it is expected, and other writes with it. */
export async function appendCommit(
  context: AppendContext,
  streamId: string,
  append: PreparedAppend & {
    readonly expected: ExpectedVersion;
    readonly ownCommitId: boolean;
    readonly also?: readonly AlsoWrite[] | AlsoOfEvents | undefined;
  },
): Promise<StoredAppend> {
  const { expected, ownCommitId, also, bill = new Bill(), signal } = append;
  const snapshot = append.snapshot && snapshotOf(context, streamId, { ...append, snapshot: append.snapshot });
  const commit = { ...pendingCommit(context, streamId, append), atPlace: snapshot?.atPlace };
  const eventsAt = eventsOfAppend(streamId, append);
  const alsoAtPlace = typeof also === "function" ? async (place: CommitPlace) => also(eventsAt(place)) : also;
  const toChain = { chain: streamId, commit, expected, ownCommitId, bill, signal };
  const result = alsoAtPlace
    ? await appendWithOthers(context, toChain, alsoAtPlace)
    : await appendToChain(context, toChain);
  switch (result.kind) {
    case "conflict":
      throw await conflictError(context, streamId, { ...result, expected, bill });
    case "refused":
      throw new WriteRefusedError(result.refused, bill.total());
    case "duplicate":
      if (ownCommitId) return describeDuplicate(context, streamId, { ...result, bill });
  }
  // Without an id of the caller's own, a duplicate is this very append, whose reply was lost.
  const written =
    result.kind === "written"
      ? { first: result.first, t: result.end.recordedAt ?? result.end.t }
      : { first: result.slots.first, t: result.found.recordedAt };
  const taken = await snapshot?.finish(context.storage, bill, signal);
  return { ...describeWritten(streamId, append, { ...written, bill }), ...taken };
}

function snapshotOf(
  { maxItemBytes, encryption }: AppendContext,
  streamId: string,
  append: PreparedAppend & { readonly snapshot: NextSnapshot },
): SnapshotOfAppend {
  const eventsAt = eventsOfAppend(streamId, append);
  return new SnapshotOfAppend(append.snapshot, { eventsAt, maxItemBytes, encryption });
}

/** The events as they are stored at a place. */
function eventsOfAppend(
  streamId: string,
  append: PreparedAppend,
): (place: CommitPlace) => readonly RecordedEvent[] {
  return ({ after, t }) =>
    describeWritten(streamId, append, { first: after + 1, t, bill: new Bill() }).events;
}

/** A checked append as a commit that waits for its place. */
export function pendingCommit(
  { maxItemBytes }: AppendContext,
  streamId: string,
  append: PreparedAppend & { readonly reservedBytes?: number | undefined },
): PendingCommit {
  const { commitId: id, events, metadata, closes, reservedBytes } = append;
  const parts = packCommit({ streamId, events, metadata, reservedBytes, maxItemBytes });
  return { id, parts, closes, chainContent: { c: { S: categoryOf(streamId) } } };
}

/**
 * Appends the commits of several callers in one put. Each stays a commit of its own, with its own id: a caller
 * whose outcome is unknown can find out about its own.
 */
export async function appendGroup(
  context: AppendContext,
  streamId: string,
  appends: readonly PreparedAppend[],
): Promise<readonly StoredAppend[]> {
  const [leader] = appends;
  if (leader === undefined) return [];
  if (appends.length === 1) {
    return [await appendCommit(context, streamId, { ...leader, expected: "any", ownCommitId: false })];
  }
  const { bill = new Bill() } = leader;
  const group = encodeGroup(appends.map(({ commitId, events }) => ({ id: commitId, count: events.length })));
  const metadata = sharedMetadata(appends);
  const { maxItemBytes } = context;
  const parts = packCommit({ streamId, events: mergeEvents(appends), metadata, group, maxItemBytes });
  const commit = { id: leader.commitId, parts, chainContent: { c: { S: categoryOf(streamId) } } };
  const result = await appendToChain(context, {
    chain: streamId,
    commit,
    expected: "any",
    ownCommitId: false,
    bill,
  });
  if (result.kind === "conflict")
    throw await conflictError(context, streamId, { ...result, expected: "any", bill });
  const t = result.kind === "written" ? (result.end.recordedAt ?? result.end.t) : result.found.recordedAt;
  let first = result.kind === "written" ? result.first : result.found.first;
  return appends.map((append) => {
    const described = describeWritten(streamId, append, {
      first,
      t,
      bill: append === leader ? bill : new Bill(),
    });
    first += append.events.length;
    return described;
  });
}

/** The most that an append may add to an item it shares: its metadata may have to go into each event. */
export function bytesInGroup({ events, metadata }: PreparedEvents): number {
  const metadataBytes = metadata === undefined ? 0 : Buffer.byteLength(metadata);
  const each = ({ text, body }: PackedEvent): number =>
    Buffer.byteLength(text) + metadataBytes + 1 + (body === undefined ? 0 : body.byteLength + 1);
  return events.reduce((total, event) => total + each(event), GROUP_ENTRY_BYTES);
}

export function sharedMetadata(appends: readonly PreparedAppend[]): string | undefined {
  const metadata = appends[0]?.metadata;
  return appends.every((append) => append.metadata === metadata) ? metadata : undefined;
}

/** The events; what their appends don't share of metadata goes into each. */
export function mergeEvents(appends: readonly PreparedAppend[]): PackedEvent[] {
  const shared = sharedMetadata(appends);
  return appends.flatMap<PackedEvent>(({ events, metadata }) => {
    if (metadata === shared || metadata === undefined) return events;
    const common = JSON.parse(metadata) as object;
    return events.map((event) =>
      event.apart ? event : { text: entryText({ ...event, metadata: { ...common, ...event.metadata } }) },
    );
  });
}

export function describeWritten(
  streamId: string,
  { commitId, events, metadata }: PreparedAppend,
  written: {
    readonly first: number;
    readonly t: number | undefined;
    readonly offset?: number | undefined;
    readonly bill: Bill;
  },
): StoredAppend {
  const { first, t = 0, offset = 0, bill } = written;
  const id = formatCommitId(commitId);
  const shared = metadata === undefined ? undefined : (JSON.parse(metadata) as object);
  return {
    streamId,
    firstVersion: first,
    version: first + events.length - 1,
    commitId: id,
    duplicate: false,
    events: events.map((event, index) => ({
      type: event.type,
      data: event.data,
      metadata: { ...shared, ...event.metadata },
      streamId,
      version: first + index,
      eventId: `${id}/${offset + index}`,
      recordedAt: new Date(t),
      ...(event.apart?.subject === undefined ? undefined : { subject: event.apart.subject }),
    })),
    capacity: bill.total(),
  };
}

async function describeDuplicate(
  context: AppendContext,
  streamId: string,
  duplicate: { readonly slots: CommitSlots; readonly found: ChainItem; readonly bill: Bill },
): Promise<StoredAppend> {
  const { slots, found, bill } = duplicate;
  return {
    streamId,
    firstVersion: slots.first,
    version: slots.last,
    commitId: formatCommitId(slots.commitId),
    duplicate: true,
    events: await eventsOf(context, streamId, { slots, found, bill }),
    capacity: bill.total(),
  };
}

/** The commit of an id, if it is in the stream. */
export async function findCommit(
  context: AppendContext,
  streamId: string,
  search: { readonly commitId: Uint8Array; readonly bill: Bill; readonly signal?: AbortSignal | undefined },
): Promise<RecordedCommit | undefined> {
  const { commitId: id, bill, signal } = search;
  const { duplicate } = await lookBack(
    context,
    { chain: streamId, bill, signal, commit: { id } },
    EMPTY_CHAIN,
  );
  if (duplicate === undefined) return undefined;
  const { slots, found } = duplicate;
  return {
    streamId,
    commitId: formatCommitId(id),
    firstVersion: slots.first,
    version: slots.last,
    recordedAt: new Date(found.recordedAt),
    events: await eventsOf(context, streamId, { slots, found, bill }),
  };
}

/** The events in a commit's slots, of which an item may have come back already. */
export async function eventsOf(
  context: AppendContext,
  streamId: string,
  commit: {
    readonly slots: CommitSlots;
    readonly found?: ChainItem | undefined;
    readonly bill: Bill;
  },
): Promise<readonly RecordedEvent[]> {
  const { slots, found, bill } = commit;
  const events: RecordedEvent[] = [];
  const own = { low: slots.first, high: slots.last };
  if (found !== undefined && found.first <= slots.first && slots.last <= found.last) {
    events.push(...(await openEvents(context, found, own)));
  } else {
    // A commit of several items, of which one was found, or one of several streams.
    const window = { ...own, backward: false, consistency: "strong" } as const;
    for await (const item of readChain(readContext(context, { chain: streamId, bill }), window)) {
      events.push(...(await openEvents(context, item, own)));
    }
  }
  return events;
}

export async function conflictError(
  context: AppendContext,
  streamId: string,
  conflict: ChainAppendResult & { readonly kind: "conflict" } & {
    readonly expected: ExpectedVersion;
    readonly bill: Bill;
  },
): Promise<VersionConflictError | StreamClosedError> {
  const { expected, actual, closed, winner, bill } = conflict;
  if (closed) return new StreamClosedError({ streamId, version: actual, capacity: bill.total() });
  const winningCommit = winner && (await describeWinner(context, streamId, winner));
  return new VersionConflictError({ streamId, expected, actual, winningCommit, capacity: bill.total() });
}

/** The winner, when all of it came back and its events can be read: otherwise reading the stream will tell. */
export async function describeWinner(
  context: AppendContext,
  streamId: string,
  winner: ChainItem,
): Promise<RecordedCommit | undefined> {
  if (winner.first !== winner.commitFirst || winner.last !== winner.commitLast) return undefined;
  // Without its events, which were truncated since, no state can go on from it.
  if (winner.truncatedBefore !== undefined) return undefined;
  try {
    const events = await openEvents(context, winner, { low: winner.first, high: winner.last });
    return {
      streamId,
      commitId: formatCommitId(winner.commitId),
      firstVersion: winner.first,
      version: winner.last,
      recordedAt: new Date(winner.recordedAt),
      events,
    };
  } catch (error) {
    if (error instanceof TuppenceError && !(error instanceof IntegrityError)) return undefined;
    throw error;
  }
}

/** Makes a group's failure the failure of one of its appends: each has to ask for its own commit. */
export function ownFailure(error: unknown, streamId: string, commitId: Uint8Array): unknown {
  if (!(error instanceof OutcomeUnknownError)) return error;
  return new OutcomeUnknownError(streamId, formatCommitId(commitId), { cause: error.cause });
}
