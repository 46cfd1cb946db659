import { Bill, type Billed } from "../capacity/units.ts";
import { type ChainConflict, type Participant, transactOnChains } from "../chain/transact.ts";
import { type ExpectedVersion, partsOf } from "../chain/tiling.ts";
import type { Duplicate } from "../chain/chain.ts";
import { formatCommitId, newCommitId, parseCommitId } from "../commit-id.ts";
import { type StreamConflict, TransactConflictError, WriteRefusedError } from "../conflict-errors.ts";
import type { EventDefinitions } from "../events.ts";
import { checkStreamId } from "../stream-name.ts";
import { checkedAlso } from "./also-writes.ts";
import {
  type AppendContext,
  describeWinner,
  describeWritten,
  eventsOf,
  pendingCommit,
  type PreparedAppend,
} from "./append.ts";
import { checkExpectedVersion, expectedForClosing } from "./expected-version.ts";
import type { TransactOptions, TransactResult, TransactWrite } from "./write-options.ts";
import { prepareAppend } from "./prepare-append.ts";

type Stored = TransactResult<EventDefinitions>;

/** A write that has been checked. */
interface PreparedWrite extends PreparedAppend {
  readonly streamId: string;
  readonly expected: ExpectedVersion;
}

/** Appends to several streams, all or none; with nothing to append, only checks. */
export async function transact(
  context: AppendContext,
  writes: readonly TransactWrite<EventDefinitions>[],
  options: TransactOptions & Billed = {},
): Promise<Stored> {
  const { checks = [], bill = new Bill(), signal } = options;
  checkStreams([...writes, ...checks]);
  if (writes.length + checks.length === 0) throw new TypeError("A transaction needs at least one stream.");
  if (writes.length === 0 && options.commitId !== undefined) {
    throw new TypeError("A transaction that only checks stores nothing that a commitId could find again.");
  }
  const also = checkedAlso(context.storage, options.also);
  if (writes.length === 0 && also !== undefined) {
    throw new TypeError("A transaction that only checks can't have other writes with it.");
  }
  const ownId = options.commitId === undefined ? undefined : parseCommitId(options.commitId);
  const commitId = ownId ?? newCommitId(context.runtime.now());
  const prepared: PreparedWrite[] = [];
  for (const write of writes) {
    prepared.push(await prepareWrite(context, write, { commitId, metadata: options.metadata }));
  }
  signal?.throwIfAborted();
  const reservedBytes = prepared.length === 1 ? 0 : sizeOfParts(prepared);
  const participants: Participant[] = [
    ...prepared.map((write) => ({
      chain: write.streamId,
      expected: write.expected,
      commit: pendingCommit(context, write.streamId, { ...write, reservedBytes }),
    })),
    ...checks.map(({ streamId, expectedVersion }) => ({ chain: streamId, expected: expectedVersion })),
  ];
  const ownCommitId = ownId !== undefined;
  const result = await transactOnChains(context, {
    commitId,
    ownCommitId,
    participants,
    also,
    bill,
    signal,
  });
  switch (result.kind) {
    case "written": {
      const offsets = offsetsOf(prepared.map((write) => write.events.length));
      return {
        commitId: formatCommitId(commitId),
        duplicate: false,
        appends: prepared.map((write, index) => {
          const place = result.places[index];
          const where = { first: place?.first ?? 0, t: place?.end.t, offset: offsets[index], bill };
          return withoutCommit(describeWritten(write.streamId, write, where));
        }),
        capacity: bill.total(),
      };
    }
    case "duplicate":
      return describeDuplicate(context, prepared, { ...result, bill, ownCommitId });
    case "refused":
      throw new WriteRefusedError(result.refused, bill.total());
    case "conflict":
      throw new TransactConflictError(
        await Promise.all(result.conflicts.map((conflict) => describeConflict(context, conflict))),
        bill.total(),
      );
  }
}

async function describeConflict(
  context: AppendContext,
  { chain, expected, end, winner }: ChainConflict,
): Promise<StreamConflict> {
  const winningCommit = winner && (await describeWinner(context, chain, winner));
  return { streamId: chain, expected, actual: end.version, closed: end.closed, winningCommit };
}

function checkStreams(
  streams: readonly { readonly streamId: string; readonly expectedVersion?: ExpectedVersion | undefined }[],
): void {
  const names = new Set<string>();
  for (const { streamId, expectedVersion = "any" } of streams) {
    checkStreamId(streamId);
    checkExpectedVersion(expectedVersion);
    if (names.has(streamId)) {
      throw new TypeError(`Stream ${JSON.stringify(streamId)} is named twice in one transaction.`);
    }
    names.add(streamId);
  }
}

async function prepareWrite(
  context: AppendContext,
  write: TransactWrite<EventDefinitions>,
  { commitId, metadata }: { readonly commitId: Uint8Array; readonly metadata: TransactOptions["metadata"] },
): Promise<PreparedWrite> {
  const { streamId, events, close: closes, expectedVersion = "any" } = write;
  const prepared = await prepareAppend(context, streamId, { commitId, events, metadata, closes });
  const isEmpty = prepared.events.length === 0;
  const expected = isEmpty ? expectedForClosing(streamId, expectedVersion) : expectedVersion;
  return { ...prepared, streamId, commitId, closes, expected };
}

/** Around each stream's name in `w`: its quotes, brackets and commas, the first slot and the count, at their largest. */
const PART_BYTES = 40;

function sizeOfParts(writes: readonly PreparedWrite[]): number {
  return writes.reduce(
    (bytes, { streamId }) => bytes + Buffer.byteLength(JSON.stringify(streamId)) + PART_BYTES,
    0,
  );
}

/** How many events are before those of each stream. */
function offsetsOf(counts: readonly number[]): number[] {
  let before = 0;
  return counts.map((count) => {
    const offset = before;
    before += count;
    return offset;
  });
}

async function describeDuplicate(
  context: AppendContext,
  writes: readonly PreparedWrite[],
  duplicate: Duplicate & { readonly bill: Bill; readonly ownCommitId: boolean },
): Promise<Stored> {
  const { slots, found, bill, ownCommitId } = duplicate;
  const { commitId, first } = slots;
  const stored = partsOf(found);
  const alone = { chain: String(found.item["p"]?.S), first, count: slots.last - first + 1 };
  const parts = stored.length === 0 ? [alone] : stored;
  const offsets = offsetsOf(parts.map((part) => part.count));
  const id = formatCommitId(commitId);
  const appends = writes.map(async ({ streamId }) => {
    const index = parts.findIndex((part) => part.chain === streamId);
    const part = parts[index];
    if (part === undefined) {
      throw new RangeError(
        `commitId ${id} was used before, for a transaction without stream ${JSON.stringify(streamId)}.`,
      );
    }
    const last = part.first + part.count - 1;
    const own = { commitId, first: part.first, last, offset: offsets[index] ?? 0 };
    const item = streamId === alone.chain ? found : undefined;
    return {
      streamId,
      firstVersion: part.first,
      version: last,
      events: part.count === 0 ? [] : await eventsOf(context, streamId, { slots: own, found: item, bill }),
    };
  });
  const described = await Promise.all(appends);
  // Without an id of the caller's own, it was this very transaction whose reply was lost.
  return { commitId: id, duplicate: ownCommitId, appends: described, capacity: bill.total() };
}

function withoutCommit(append: ReturnType<typeof describeWritten>): Stored["appends"][number] {
  const { streamId, firstVersion, version, events } = append;
  return { streamId, firstVersion, version, events };
}
