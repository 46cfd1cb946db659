import { Bill, type Billed } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { GroupCommit } from "../chain/group-commit.ts";
import { KnownEnds } from "../chain/known-ends.ts";
import { LAST_SLOT, lastItemUpTo } from "../chain/read-chain.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { CHAIN_GUARDS, type ChainGuards } from "../chain/tiling.ts";
import { newCommitId, parseCommitId } from "../commit-id.ts";
import type { EventDefinitions, NewEvent } from "../events.ts";
import { MAX_ITEM_BYTES } from "../limits.ts";
import type { Observer } from "../observer.ts";
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
import type { AppendOptions, EventStore } from "./event-store.ts";
import { listNames } from "./list-streams.ts";
import { checkExpectedVersion, expectedForClosing } from "./expected-version.ts";
import { type BilledEventStore, observeStore } from "./observed-store.ts";
import { prepareAppend, prepareMetadata } from "./prepare-events.ts";
import { checkCounts, loadState, planRead, readEvents } from "./read-stream.ts";
import { readTransaction } from "./read-transaction.ts";
import { transact } from "./transact.ts";
import { exportCommits, importCommits } from "./transfer.ts";

/** What an event store is made of, wherever it keeps its chains. */
export interface ChainEventStoreOptions<Definitions extends EventDefinitions> {
  readonly storage: ChainStorage;
  readonly events?: Definitions | undefined;
  readonly runtime?: Runtime | undefined;
  readonly guards?: ChainGuards | undefined;
  readonly maxItemBytes?: number | undefined;
  readonly observer?: Observer | undefined;
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
    maxItemBytes,
  };
  const groups = new GroupCommit<GroupedAppend, StoredAppend>(
    (streamId, appends) => appendGroup(context, streamId, appends),
    // A group is one item, with room to spare.
    maxItemBytes / 3,
  );
  // Inside, events are untyped; the definitions type them on the way in and out.
  const store: BilledEventStore = {
    append: (streamId, events, appendOptions) =>
      append({ context, groups }, streamId, { events, options: appendOptions }),
    transact: (writes, transactOptions) => transact(context, writes, transactOptions),
    readTransaction: (event, readOptions) => readTransaction(context, event, readOptions),
    read(streamId, readOptions) {
      checkStreamId(streamId);
      const { bill = new Bill() } = readOptions ?? {};
      return readEvents(context, streamId, { ...planRead(readOptions ?? {}), bill });
    },
    async load(streamId, fold, loadOptions) {
      checkStreamId(streamId);
      return loadState(context, streamId, { fold, options: loadOptions });
    },
    async streamExists(streamId, { bill = new Bill(), signal } = {}) {
      checkStreamId(streamId);
      if (context.knownEnds.latest(streamId) !== undefined) return true;
      const read = readContext(context, { chain: streamId, bill });
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
    importCommits: (commits, importOptions) => importCommits(context, commits, importOptions ?? {}),
    ensureTables: () => storage.ensureTables(),
  };
  const { observer } = options;
  return (observer === undefined
    ? store
    : observeStore(store, observer)) as unknown as EventStore<Definitions>;
}

async function append(
  store: { readonly context: AppendContext; readonly groups: GroupCommit<GroupedAppend, StoredAppend> },
  streamId: string,
  {
    events,
    options = {},
  }: { readonly events: readonly NewEvent[]; readonly options?: (AppendOptions & Billed) | undefined },
): Promise<StoredAppend> {
  const { context, groups } = store;
  const { expectedVersion = "any", close: closes, bill, signal } = options;
  checkStreamId(streamId);
  checkExpectedVersion(expectedVersion);
  const ownId = options.commitId === undefined ? undefined : parseCommitId(options.commitId);
  const prepared = await prepareAppend(streamId, { events, closes }, context.definitions);
  const expected = prepared.length === 0 ? expectedForClosing(streamId, expectedVersion) : expectedVersion;
  const metadata = prepareMetadata(events, options.metadata);
  const commitId = ownId ?? newCommitId(context.runtime.now());
  const ready = { commitId, events: prepared, metadata, closes, bill, signal };
  signal?.throwIfAborted();
  if (expected !== "any" || ownId !== undefined || closes) {
    return appendCommit(context, streamId, { ...ready, expected, ownCommitId: ownId !== undefined });
  }
  try {
    return await groups.add(streamId, { ...ready, bytes: bytesInGroup(prepared, metadata) });
  } catch (error) {
    throw ownFailure(error, streamId, commitId);
  }
}
