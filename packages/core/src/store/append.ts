import { Bill } from "../capacity/units.ts";
import { appendToChain, type ChainAppendResult, type ChainContext, readContext } from "../chain/chain.ts";
import type { GroupEntry } from "../chain/group-commit.ts";
import { readChain } from "../chain/read-chain.ts";
import {
  type ChainItem,
  type CommitSlots,
  encodeGroup,
  type ExpectedVersion,
  GROUP_ENTRY_BYTES,
} from "../chain/tiling.ts";
import { formatCommitId } from "../commit-id.ts";
import { IntegrityError, OutcomeUnknownError, TuppenceError, VersionConflictError } from "../errors.ts";
import type { EventDefinitions, RecordedCommit, RecordedEvent } from "../events.ts";
import { categoryOf } from "../stream-name.ts";
import { packCommit, type PackedEvent } from "./commit-content.ts";
import type { AppendResult } from "./event-store.ts";
import { type OpenContext, openEvents } from "./open-events.ts";
import type { PreparedEvents } from "./prepare-events.ts";
import { entryText } from "./stored-event.ts";

/** What appends of one store work with. */
export interface AppendContext extends ChainContext, OpenContext {
  /** The largest item to write, in bytes. */
  readonly maxItemBytes: number;
}

/** An append that has been checked. */
export interface PreparedAppend extends PreparedEvents {
  readonly commitId: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** An append that may share its put with others. */
export type GroupedAppend = PreparedAppend & GroupEntry;

/** What an append comes to, for the untyped inside of the store. */
export type StoredAppend = AppendResult<EventDefinitions>;

/** Appends one commit where it is expected. */
export async function appendCommit(
  context: AppendContext,
  streamId: string,
  append: PreparedAppend & { readonly expected: ExpectedVersion; readonly ownCommitId: boolean },
): Promise<StoredAppend> {
  const { commitId, events, metadata, expected, ownCommitId, signal } = append;
  const bill = new Bill();
  const { maxItemBytes } = context;
  const parts = packCommit({ streamId, events, metadata, maxItemBytes });
  const commit = { id: commitId, parts, chainContent: { c: { S: categoryOf(streamId) } } };
  const result = await appendToChain(context, {
    chain: streamId,
    commit,
    expected,
    ownCommitId,
    bill,
    signal,
  });
  switch (result.kind) {
    case "written":
      return describeWritten(streamId, append, { first: result.first, t: result.end.t, bill });
    case "duplicate":
      // Without an id of the caller's own, it was this very append whose reply was lost.
      return ownCommitId
        ? describeDuplicate(context, streamId, { ...result, bill })
        : describeWritten(streamId, append, { first: result.slots.first, t: result.found.t, bill });
    case "conflict":
      throw await conflictError(context, streamId, { ...result, expected, bill });
  }
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
  const bill = new Bill();
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
  const t = result.kind === "written" ? result.end.t : result.found.t;
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

function sharedMetadata(appends: readonly PreparedAppend[]): string | undefined {
  const metadata = appends[0]?.metadata;
  return appends.every((append) => append.metadata === metadata) ? metadata : undefined;
}

/** The events; what their appends don't share of metadata goes into each. */
function mergeEvents(appends: readonly PreparedAppend[]): PackedEvent[] {
  const shared = sharedMetadata(appends);
  return appends.flatMap<PackedEvent>(({ events, metadata }) => {
    if (metadata === shared || metadata === undefined) return events;
    const common = JSON.parse(metadata) as object;
    return events.map((event) =>
      event.apart ? event : { text: entryText({ ...event, metadata: { ...common, ...event.metadata } }) },
    );
  });
}

function describeWritten(
  streamId: string,
  { commitId, events, metadata }: PreparedAppend,
  written: { readonly first: number; readonly t: number | undefined; readonly bill: Bill },
): StoredAppend {
  const { first, t = 0, bill } = written;
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
      eventId: `${id}/${index}`,
      recordedAt: new Date(t),
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
  const events: RecordedEvent[] = [];
  const own = { low: slots.first, high: slots.last };
  if (found.first <= slots.first && slots.last <= found.last) {
    events.push(...(await openEvents(context, found, own)));
  } else {
    // A commit of several items, of which one was found.
    const window = { ...own, backward: false, consistency: "strong" } as const;
    for await (const item of readChain(readContext(context, { chain: streamId, bill }), window)) {
      events.push(...(await openEvents(context, item, own)));
    }
  }
  return {
    streamId,
    firstVersion: slots.first,
    version: slots.last,
    commitId: formatCommitId(slots.commitId),
    duplicate: true,
    events,
    capacity: bill.total(),
  };
}

export async function conflictError(
  context: AppendContext,
  streamId: string,
  conflict: ChainAppendResult & { readonly kind: "conflict" } & {
    readonly expected: ExpectedVersion;
    readonly bill: Bill;
  },
): Promise<VersionConflictError> {
  const { expected, actual, winner, bill } = conflict;
  const winningCommit = winner && (await describeWinner(context, streamId, winner));
  return new VersionConflictError({ streamId, expected, actual, winningCommit, capacity: bill.total() });
}

/** The winner, when all of it came back and its events can be read: otherwise reading the stream will tell. */
async function describeWinner(
  context: AppendContext,
  streamId: string,
  winner: ChainItem,
): Promise<RecordedCommit | undefined> {
  if (winner.first !== winner.commitFirst || winner.last !== winner.commitLast) return undefined;
  try {
    const events = await openEvents(context, winner, { low: winner.first, high: winner.last });
    return {
      streamId,
      commitId: formatCommitId(winner.commitId),
      firstVersion: winner.first,
      version: winner.last,
      recordedAt: new Date(winner.t),
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
