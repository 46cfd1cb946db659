import { Bill } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { GroupCommit } from "../chain/group-commit.ts";
import { KnownEnds } from "../chain/known-ends.ts";
import { LAST_SLOT, lastItemUpTo } from "../chain/read-chain.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { CHAIN_GUARDS, type ChainGuards, type ExpectedVersion } from "../chain/tiling.ts";
import { newCommitId, parseCommitId } from "../commit-id.ts";
import type { EventDefinitions, NewEvent } from "../events.ts";
import { MAX_ITEM_BYTES } from "../limits.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import { checkStreamId } from "../stream-name.ts";
import {
  type AppendContext,
  appendCommit,
  appendGroup,
  bytesInGroup,
  ownFailure,
  type GroupedAppend,
  type StoredAppend,
} from "./append.ts";
import type { BodyOptions } from "./body-options.ts";
import type { AppendOptions, EventStore } from "./event-store.ts";
import { listNames } from "./list-streams.ts";
import { prepareAppend } from "./prepare-append.ts";
import { checkCounts, loadState, planRead, readEvents } from "./read-stream.ts";
import { exportCommits, importCommits } from "./transfer.ts";
import { Turns } from "./turns.ts";

/** What an event store is made of, wherever it keeps its chains. */
export interface ChainEventStoreOptions<Definitions extends EventDefinitions> extends BodyOptions {
  readonly storage: ChainStorage;
  readonly events?: Definitions | undefined;
  readonly runtime?: Runtime | undefined;
  readonly guards?: ChainGuards | undefined;
  readonly maxItemBytes?: number | undefined;
  /** Of how many chains to remember the ends. */
  readonly knownChains?: number | undefined;
}

/** An event store over any storage of chains: the one implementation behind all of them. */
export function createChainEventStore<Definitions extends EventDefinitions>(
  options: ChainEventStoreOptions<Definitions>,
): EventStore<Definitions> {
  const { storage, events: definitions, runtime = SYSTEM_RUNTIME, guards = CHAIN_GUARDS } = options;
  const { maxItemBytes = MAX_ITEM_BYTES } = options;
  const context = {
    storage,
    runtime,
    guards,
    knownEnds: new KnownEnds(options.knownChains),
    definitions,
    unknownEvents: options.unknownEvents,
    encryption: options.encryption,
    blobs: options.blobs,
    maxItemBytes,
  };
  const groups = new GroupCommit<GroupedAppend, StoredAppend>(
    (streamId, appends) => appendGroup(context, streamId, appends),
    // A group is one item, with room to spare.
    maxItemBytes / 3,
  );
  const turns = new Turns();
  // Inside, events are untyped; the definitions type them on the way in and out.
  const store: EventStore = {
    append: (streamId, events, appendOptions) =>
      append({ context, groups, turns }, streamId, { events, options: appendOptions }),
    read(streamId, readOptions) {
      checkStreamId(streamId);
      return readEvents(context, streamId, { ...planRead(readOptions ?? {}), bill: new Bill() });
    },
    async load(streamId, fold, loadOptions) {
      checkStreamId(streamId);
      return loadState(context, streamId, { fold, options: loadOptions });
    },
    async streamExists(streamId, { signal } = {}) {
      checkStreamId(streamId);
      if (context.knownEnds.latest(streamId) !== undefined) return true;
      const read = readContext(context, { chain: streamId, bill: new Bill() });
      return (await lastItemUpTo(read, LAST_SLOT, signal)) !== undefined;
    },
    listStreams(category, listOptions) {
      checkCounts({ limit: listOptions?.limit });
      return listNames(storage, { ...listOptions, category });
    },
    exportCommits(exportOptions = {}) {
      if (exportOptions.streamId !== undefined) checkStreamId(exportOptions.streamId);
      return exportCommits(context, exportOptions);
    },
    importCommits: (commits, importOptions) => importCommits(context, commits, importOptions?.signal),
    ensureTables: () => storage.ensureTables(),
  };
  return store as unknown as EventStore<Definitions>;
}

async function append(
  store: {
    readonly context: AppendContext;
    readonly groups: GroupCommit<GroupedAppend, StoredAppend>;
    readonly turns: Turns;
  },
  streamId: string,
  {
    events,
    options = {},
  }: { readonly events: readonly NewEvent[]; readonly options?: AppendOptions | undefined },
): Promise<StoredAppend> {
  const { context, groups, turns } = store;
  const { expectedVersion: expected = "any", signal } = options;
  checkStreamId(streamId);
  checkExpectedVersion(expected);
  // Appends that may go into one put together stay in their order, however long each takes to be prepared.
  const mayShare = expected === "any" && options.commitId === undefined;
  const ownId = options.commitId === undefined ? undefined : parseCommitId(options.commitId);
  const commitId = ownId ?? newCommitId(context.runtime.now());
  const preparing = prepareAppend(context, streamId, { commitId, events, metadata: options.metadata });
  const prepared = await (mayShare ? turns.take(streamId, preparing) : preparing);
  const ready = { ...prepared, commitId, signal };
  signal?.throwIfAborted();
  if (!mayShare) {
    return appendCommit(context, streamId, { ...ready, expected, ownCommitId: ownId !== undefined });
  }
  try {
    return await groups.add(streamId, { ...ready, bytes: bytesInGroup(prepared) });
  } catch (error) {
    throw ownFailure(error, streamId, commitId);
  }
}

function checkExpectedVersion(expected: ExpectedVersion): void {
  if (expected === "any" || expected === "noStream" || expected === "streamExists") return;
  if (Number.isSafeInteger(expected) && expected >= 0) return;
  throw new RangeError(
    `expectedVersion is ${String(expected)}; it has to be a whole number from 0, "any", "noStream" or "streamExists".`,
  );
}
