import { Bill } from "../capacity/units.ts";
import { appendToChain, readContext } from "../chain/chain.ts";
import { LAST_SLOT, lastItemUpTo } from "../chain/read-chain.ts";
import { type ChainEnd, type ChainItem, type CommitPart, EMPTY_CHAIN, encodeGroup } from "../chain/tiling.ts";
import { newCommitId, parseCommitId, sameCommitId } from "../commit-id.ts";
import type { EventDefinitions, RecordedEvent } from "../events.ts";
import { categoryOf } from "../stream-name.ts";
import {
  type AppendContext,
  bytesInGroup,
  conflictError,
  describeWritten,
  mergeEvents,
  type PreparedAppend,
  sharedMetadata,
  type StoredAppend,
} from "./append.ts";
import { packCommit } from "./commit-content.ts";
import type { CommitGroup, CommitGroupOptions } from "./write-options.ts";
import { SnapshotOfAppend } from "./next-snapshot.ts";
import { prepareAppend } from "./prepare-append.ts";

interface GroupedCommit extends PreparedAppend {
  /** Whether the id is the caller's own, so that another process may have stored the same commit. */
  readonly ownCommitId: boolean;
}

/** Where a group goes, and when. */
interface GroupPlace {
  readonly streamId: string;
  readonly version: number;
  /** Epoch milliseconds of the group's commits: known before they are written, as decisions may follow from it. */
  readonly t: number;
  readonly maxBytes: number;
}

/** Begins a group of commits after a version; what it has to know of the stream's end is read if need be. */
export async function openGroup(
  context: AppendContext,
  streamId: string,
  options: CommitGroupOptions & { readonly maxBytes: number },
): Promise<CommitGroup<EventDefinitions>> {
  const { expectedVersion: version, maxBytes, signal } = options;
  const bill = new Bill();
  const end = await endAt(context, streamId, { version, bill, signal });
  const t = Math.max(context.runtime.now(), end.t ?? 0);
  const place = { streamId, version, t, maxBytes };
  const commits: GroupedCommit[] = [];
  const recorded: RecordedEvent[] = [];
  let bytes = 0;
  let next = version + 1;
  return {
    async add(events, { commitId, metadata } = {}) {
      const ownId = commitId === undefined ? undefined : parseCommitId(commitId);
      if (ownId !== undefined && commits.some((other) => sameCommitId(other.commitId, ownId))) {
        throw new TypeError(`The group holds commit ${String(commitId)} already.`);
      }
      const id = ownId ?? newCommitId(context.runtime.now());
      const prepared = await prepareAppend(context, streamId, { commitId: id, events, metadata });
      const commit: GroupedCommit = { ...prepared, commitId: id, ownCommitId: ownId !== undefined };
      const more = bytesInGroup(commit);
      if (commits.length > 0 && bytes + more > maxBytes) return undefined;
      // One that is large goes alone. What fits nowhere is refused here.
      if (more > maxBytes) pack(context, streamId, [commit]);
      commits.push(commit);
      bytes += more;
      const { events: own } = describeWritten(streamId, commit, { first: next, t, bill: new Bill() });
      next += own.length;
      recorded.push(...own);
      return own;
    },
    append: ({ snapshot: following } = {}) => {
      const eventsAt = (): readonly RecordedEvent[] => recorded;
      const snapshot = following && new SnapshotOfAppend(following, { ...context, eventsAt });
      return appendCommits(context, place, { commits, snapshot, bill });
    },
  };
}

/** @throws VersionConflictError when the stream does not end there. */
async function endAt(
  context: AppendContext,
  streamId: string,
  end: { readonly version: number; readonly bill: Bill; readonly signal?: AbortSignal | undefined },
): Promise<ChainEnd> {
  const { version, bill, signal } = end;
  const { guards } = context;
  const known = version === 0 ? EMPTY_CHAIN : context.knownEnds.find(streamId, version);
  if (known !== undefined && guards.isOpen(known)) return known;
  const item = await lastItemUpTo(readContext(context, { chain: streamId, bill }), LAST_SLOT, signal);
  const tail = item === undefined ? EMPTY_CHAIN : guards.endAfter(item);
  context.knownEnds.add(streamId, tail);
  if (guards.provesEnd(tail, version) && guards.isOpen(tail)) return { ...tail, version };
  const { version: actual, closed } = tail;
  throw await conflictError(context, streamId, { kind: "conflict", actual, closed, expected: version, bill });
}

function pack(context: AppendContext, streamId: string, commits: readonly GroupedCommit[]): CommitPart[] {
  // A commit that is alone is stored like any other.
  const group =
    commits.length === 1
      ? undefined
      : encodeGroup(commits.map(({ commitId, events }) => ({ id: commitId, count: events.length })));
  return packCommit({
    streamId,
    events: mergeEvents(commits),
    metadata: sharedMetadata(commits),
    group,
    maxItemBytes: context.maxItemBytes,
  });
}

async function appendCommits(
  context: AppendContext,
  { streamId, version, t }: GroupPlace,
  {
    commits,
    snapshot,
    bill,
  }: {
    readonly commits: readonly GroupedCommit[];
    readonly snapshot: SnapshotOfAppend | undefined;
    readonly bill: Bill;
  },
): Promise<readonly StoredAppend[]> {
  const [leader] = commits;
  if (leader === undefined) return [];
  const parts = pack(context, streamId, commits);
  const chainContent = { c: { S: categoryOf(streamId) } };
  const result = await appendToChain(context, {
    chain: streamId,
    commit: { id: leader.commitId, parts, chainContent, t, atPlace: snapshot?.atPlace },
    expected: version,
    ownCommitId: commits.some((commit) => commit.ownCommitId),
    bill,
  });
  if (result.kind === "conflict")
    throw await conflictError(context, streamId, { ...result, expected: version, bill });
  // With a caller's own id first, the item in the way may be another process's, which holds that commit and not ours.
  if (result.kind === "duplicate" && leader.ownCommitId && !isSameItem(result.found, { version, t, parts })) {
    const { found: winner } = result;
    const actual = context.guards.endAfter(winner).version;
    const conflict = { kind: "conflict", actual, winner, closed: winner.closed } as const;
    throw await conflictError(context, streamId, { ...conflict, expected: version, bill });
  }
  const taken = await snapshot?.finish(context.storage, bill, undefined);
  let first = version + 1;
  return commits.map((commit) => {
    const own = commit === leader ? bill : new Bill();
    const described = describeWritten(streamId, commit, { first, t, bill: own });
    first += commit.events.length;
    return commit === leader ? { ...described, ...taken } : described;
  });
}

/** Whether an item is the very one that was to be put, or says the same in every respect. */
function isSameItem(
  found: ChainItem,
  put: { readonly version: number; readonly t: number; readonly parts: readonly CommitPart[] },
): boolean {
  const [part] = put.parts;
  const { e, g } = found.item;
  if (part === undefined || found.first !== put.version + 1 || found.t !== put.t) return false;
  return (
    e?.S === part.content["e"]?.S &&
    sameBytes(e?.B, part.content["e"]?.B) &&
    sameBytes(g?.B, part.content["g"]?.B)
  );
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && sameCommitId(one, other));
}
