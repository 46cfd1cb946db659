import { Bill, type Billed } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { GroupCommit } from "../chain/group-commit.ts";
import { KnownEnds } from "../chain/known-ends.ts";
import { LAST_SLOT, lastItemUpTo } from "../chain/read-chain.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { CHAIN_GUARDS, type ChainGuards, readSlots } from "../chain/tiling.ts";
import { newCommitId, parseCommitId } from "../commit-id.ts";
import type { EventDefinitions, NewEvent, RecordedEvent } from "../events.ts";
import { MAX_ITEM_BYTES } from "../limits.ts";
import { planLogRead, readLog, readLogEnd } from "../log/read-log.ts";
import { holdsEvents } from "../log/sequencer.ts";
import { createLogReader } from "../log/log-reader.ts";
import { planSubscription, subscribeLog } from "../log/subscribe.ts";
import { waitForEvent } from "../log/wait-for.ts";
import type { Observer } from "../observer.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import { cachedStates } from "../state-cache.ts";
import { checkCategory, checkStreamId } from "../stream-name.ts";
import { checkedAlsoOfAppend } from "./also-writes.ts";
import {
  type AppendContext,
  appendCommit,
  appendGroup,
  bytesInGroup,
  findCommit,
  ownFailure,
  type GroupedAppend,
  type StoredAppend,
} from "./append.ts";
import type { BodyOptions } from "./body-options.ts";
import type { EventStore } from "./event-store.ts";
import type { Fold, LoadOptions, LoadResult } from "./read-options.ts";
import type { AppendOptions } from "./write-options.ts";
import { openGroup } from "./commit-group.ts";
import { listNames } from "./list-streams.ts";
import { checkExpectedVersion, expectedForClosing } from "./expected-version.ts";
import { type BilledEventStore, observeStore } from "./observed-store.ts";
import { prepareAppend } from "./prepare-append.ts";
import { loadCached } from "./load-cached.ts";
import { openEvents } from "./open-events.ts";
import { loadState } from "./load-state.ts";
import { checkCounts, planRead, readEvents } from "./read-stream.ts";
import { readCategory } from "./read-category.ts";
import { readTransaction } from "./read-transaction.ts";
import { transact } from "./transact.ts";
import { truncateStream } from "./truncate.ts";
import { exportCommits, importCommits } from "./transfer.ts";
import { Turns } from "./turns.ts";

/** What an event store is made of, wherever it keeps its chains. */
export interface ChainEventStoreOptions<Definitions extends EventDefinitions> extends BodyOptions {
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
  const { storage, events: definitions, guards = CHAIN_GUARDS } = options;
  const { now, ...rest } = options.runtime ?? SYSTEM_RUNTIME;
  // What is stored is whole milliseconds, whatever clock it comes from.
  const runtime: Runtime = { ...rest, now: () => Math.floor(now()) };
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
  // A group is one item, with room to spare.
  const maxGroupBytes = maxItemBytes / 3;
  const groups = new GroupCommit<GroupedAppend, StoredAppend>(
    (streamId, appends) => appendGroup(context, streamId, appends),
    maxGroupBytes,
  );
  const turns = new Turns();
  // Inside, events are untyped; the definitions type them on the way in and out.
  const store: BilledEventStore = {
    append: (streamId, events, appendOptions) =>
      append({ context, groups, turns }, streamId, { events, options: appendOptions }),
    transact: (writes, transactOptions) => transact(context, writes, transactOptions),
    async openGroup(streamId, groupOptions) {
      checkStreamId(streamId);
      const { expectedVersion } = groupOptions;
      if (!(Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)) {
        throw new RangeError(
          `expectedVersion is ${String(expectedVersion)}; it has to be a whole number from 0.`,
        );
      }
      return openGroup(context, streamId, { ...groupOptions, maxBytes: maxGroupBytes });
    },
    readTransaction: (event, readOptions) => readTransaction(context, event, readOptions),
    read(streamId, readOptions) {
      checkStreamId(streamId);
      const { bill = new Bill() } = readOptions ?? {};
      return readEvents(context, streamId, { ...planRead(readOptions ?? {}), bill });
    },
    async load(streamId, fold, loadOptions) {
      checkStreamId(streamId);
      return load(context, streamId, { fold, options: loadOptions });
    },
    async findCommit(streamId, commitId, { bill = new Bill(), signal } = {}) {
      checkStreamId(streamId);
      return findCommit(context, streamId, { commitId: parseCommitId(commitId), bill, signal });
    },
    async truncate(streamId, fold, truncateOptions) {
      checkStreamId(streamId);
      return truncateStream(context, streamId, { fold, ...truncateOptions });
    },
    async streamExists(streamId, { bill = new Bill(), signal } = {}) {
      checkStreamId(streamId);
      if (context.knownEnds.latest(streamId) !== undefined) return true;
      const read = readContext(context, { chain: streamId, bill });
      return (await lastItemUpTo(read, LAST_SLOT, signal)) !== undefined;
    },
    readCategory(category, categoryOptions = {}) {
      checkCategory(category);
      planRead({ asOf: categoryOptions.asOf });
      return readCategory(context, category, categoryOptions);
    },
    listStreams(category, listOptions) {
      checkCounts({ limit: listOptions?.limit });
      if (category === undefined && listOptions?.after !== undefined) {
        throw new RangeError("Streams of all categories are in no order: `after` needs a category.");
      }
      return listNames(storage, { ...listOptions, category });
    },
    async eventsIn(item) {
      if (!holdsEvents(item)) return [];
      const read = readSlots(item);
      return openEvents(context, read, { low: read.first, high: read.last });
    },
    readAll: (readOptions = {}) =>
      readLog(context, { ...planLogRead(context, readOptions), bill: readOptions.bill }),
    subscribeAll: (subscribeOptions = {}) =>
      subscribeLog(context, planSubscription(context, subscribeOptions)),
    logEnd: ({ consistency = "strong", signal } = {}) => readLogEnd(context, { consistency, signal }),
    openLogReader: (readerOptions = {}) => createLogReader(context, readerOptions),
    async waitFor(streamId, version, waitOptions = {}) {
      checkStreamId(streamId);
      return waitForEvent(context, { streamId, version }, waitOptions);
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

async function load<State>(
  context: AppendContext,
  streamId: string,
  {
    fold,
    options = {},
  }: {
    readonly fold: Fold<State, RecordedEvent>;
    readonly options: (LoadOptions<State> & Billed) | undefined;
  },
): Promise<LoadResult<State>> {
  const { cache: given, ...rest } = options;
  const cache = given && cachedStates(given);
  cache?.claim(context, fold.evolve);
  const wholeState = rest.from === undefined && rest.toVersion === undefined && rest.asOf === undefined;
  if (cache === undefined || !wholeState) return loadState(context, streamId, { fold, options: rest });
  return loadCached(context, streamId, { fold, options: rest, cache });
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
  }: { readonly events: readonly NewEvent[]; readonly options?: (AppendOptions & Billed) | undefined },
): Promise<StoredAppend> {
  const { context, groups, turns } = store;
  const { expectedVersion = "any", close: closes, snapshot, metadata, bill, signal } = options;
  checkStreamId(streamId);
  checkExpectedVersion(expectedVersion);
  const also = checkedAlsoOfAppend(context.storage, options.also);
  if (snapshot !== undefined && snapshot.after !== expectedVersion) {
    throw new TypeError(
      `The snapshot is of the state after version ${snapshot.after}, but expectedVersion is ${String(expectedVersion)}.`,
    );
  }
  // Appends that may go into one put together stay in their order, however long each takes to be prepared.
  const mayShare = expectedVersion === "any" && options.commitId === undefined && !closes && !also;
  const ownId = options.commitId === undefined ? undefined : parseCommitId(options.commitId);
  const commitId = ownId ?? newCommitId(context.runtime.now());
  const preparing = prepareAppend(context, streamId, { commitId, events, metadata, closes });
  const prepared = await (mayShare ? turns.take(streamId, preparing) : preparing);
  const isEmpty = prepared.events.length === 0;
  const expected = isEmpty ? expectedForClosing(streamId, expectedVersion) : expectedVersion;
  const ready = { ...prepared, commitId, closes, snapshot, bill, signal };
  signal?.throwIfAborted();
  if (!mayShare) {
    return appendCommit(context, streamId, { ...ready, also, expected, ownCommitId: ownId !== undefined });
  }
  try {
    return await groups.add(streamId, { ...ready, bytes: bytesInGroup(prepared) });
  } catch (error) {
    throw ownFailure(error, streamId, commitId);
  }
}
