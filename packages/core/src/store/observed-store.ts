import { Bill, type Billed } from "../capacity/units.ts";
import type { EventDefinitions, RecordedCommit, RecordedEvent } from "../events.ts";
import { observe, observeEach } from "../observe.ts";
import type { LoggedEvent, ReadAllOptions, WaitForOptions } from "../log/log-reads.ts";
import type { Observer } from "../observer.ts";
import type { EventStore, ListStreamsOptions } from "./event-store.ts";
import type {
  Fold,
  LoadOptions,
  LoadResult,
  ReadCategoryOptions,
  ReadOptions,
  TruncateOptions,
  TruncateResult,
} from "./read-options.ts";
import type {
  AppendOptions,
  AppendResult,
  CommitGroup,
  CommitGroupOptions,
  TransactOptions,
  TransactResult,
} from "./write-options.ts";
import type { ExportOptions, ImportResult, TransferredCommit } from "./transferred-commit.ts";

/** An event store whose caller may look at the bills. */
export interface BilledEventStore extends EventStore {
  append(
    streamId: string,
    events: Parameters<EventStore["append"]>[1],
    options?: AppendOptions & Billed,
  ): Promise<AppendResult<EventDefinitions>>;
  transact(
    writes: Parameters<EventStore["transact"]>[0],
    options?: TransactOptions & Billed,
  ): Promise<TransactResult<EventDefinitions>>;
  readTransaction(
    event: Parameters<EventStore["readTransaction"]>[0],
    options?: Parameters<EventStore["readTransaction"]>[1] & Billed,
  ): ReturnType<EventStore["readTransaction"]>;
  read(streamId: string, options?: ReadOptions & Billed): AsyncIterable<RecordedEvent>;
  load<State>(
    streamId: string,
    fold: Fold<State, RecordedEvent>,
    options?: LoadOptions<State> & Billed,
  ): Promise<LoadResult<State>>;
  truncate<State>(
    streamId: string,
    fold: Fold<State, RecordedEvent>,
    options: TruncateOptions & Billed,
  ): Promise<TruncateResult>;
  findCommit(
    streamId: string,
    commitId: string,
    options?: { readonly signal?: AbortSignal | undefined } & Billed,
  ): Promise<RecordedCommit | undefined>;
  streamExists(
    streamId: string,
    options?: { readonly signal?: AbortSignal | undefined } & Billed,
  ): Promise<boolean>;
  readCategory(category: string, options?: ReadCategoryOptions & Billed): AsyncIterable<RecordedEvent>;
  listStreams(category: string | undefined, options?: ListStreamsOptions & Billed): AsyncIterable<string>;
  readAll(options?: ReadAllOptions & Billed): AsyncIterable<LoggedEvent>;
  waitFor(streamId: string, version: number, options?: WaitForOptions & Billed): Promise<number>;
  exportCommits(options?: ExportOptions & Billed): AsyncIterable<TransferredCommit>;
  importCommits(
    commits: AsyncIterable<TransferredCommit> | Iterable<TransferredCommit>,
    options?: { readonly signal?: AbortSignal | undefined } & Billed,
  ): Promise<ImportResult>;
}

/** The same store under an observer's eyes. What is read lazily is checked at once and observed from its first step. */
export function observeStore(store: BilledEventStore, observer: Observer): EventStore {
  return {
    append: (streamId, events, options) =>
      observe(
        observer,
        { name: "append", streamId, expectedVersion: options?.expectedVersion ?? "any" },
        {
          work: (bill) => store.append(streamId, events, { ...options, bill }),
          facts: ({ events: stored, version, duplicate }) => ({ events: stored.length, version, duplicate }),
        },
      ),
    transact: (writes, options) =>
      observe(
        observer,
        { name: "transact" },
        {
          work: (bill) => store.transact(writes, { ...options, bill }),
          facts: ({ appends, duplicate }) => ({
            events: appends.reduce((count, each) => count + each.events.length, 0),
            streams: appends.length,
            duplicate,
          }),
        },
      ),
    readTransaction: (event, options) =>
      observe(
        observer,
        { name: "read", streamId: event.streamId },
        {
          work: (bill) => store.readTransaction(event, { ...options, bill }),
          facts: (found) => ({
            events: found?.appends.reduce((count, each) => count + each.events.length, 0) ?? 0,
          }),
        },
      ),
    read(streamId, options) {
      const { bill = new Bill() } = (options ?? {}) as Billed;
      const elements = store.read(streamId, { ...options, bill });
      const facts = (events: number) => ({ events });
      return observeEach(observer, { name: "read", streamId }, { elements, bill, facts });
    },
    load: (streamId, fold, options) =>
      observe(
        observer,
        { name: "load", streamId },
        {
          work: (bill) => store.load(streamId, fold, { ...options, bill }),
          facts: ({ version }, { events }) => ({ version, events }),
        },
      ),
    truncate: (streamId, fold, options) =>
      observe(
        observer,
        { name: "truncate", streamId },
        {
          work: (bill) => store.truncate(streamId, fold, { ...options, bill }),
          facts: () => ({}),
        },
      ),
    findCommit: (streamId, commitId, options) =>
      observe(
        observer,
        { name: "findCommit", streamId },
        { work: (bill) => store.findCommit(streamId, commitId, { ...options, bill }), facts: () => ({}) },
      ),
    async openGroup(streamId, options) {
      const group = await store.openGroup(streamId, options);
      return {
        ...group,
        append: (appendOptions) => observeGroup(observer, { streamId, group, appendOptions, options }),
      };
    },
    streamExists: (streamId, options) =>
      observe(
        observer,
        { name: "streamExists", streamId },
        { work: (bill) => store.streamExists(streamId, { ...options, bill }), facts: () => ({}) },
      ),
    readCategory(category, options) {
      const bill = new Bill();
      const elements = store.readCategory(category, { ...options, bill });
      const facts = (events: number) => ({ events });
      return observeEach(observer, { name: "readCategory", category }, { elements, bill, facts });
    },
    listStreams(category, options) {
      const bill = new Bill();
      const elements = store.listStreams(category, { ...options, bill });
      const facts = (streams: number) => ({ streams });
      return observeEach(observer, { name: "listStreams", category }, { elements, bill, facts });
    },
    readAll(options) {
      const bill = new Bill();
      const elements = store.readAll({ ...options, bill });
      const facts = (events: number) => ({ events });
      return observeEach(observer, { name: "readAll" }, { elements, bill, facts });
    },
    waitFor: (streamId, version, options) =>
      observe(
        observer,
        { name: "waitFor", streamId },
        { work: (bill) => store.waitFor(streamId, version, { ...options, bill }), facts: () => ({}) },
      ),
    // It has no end to be observed, and what is in a record was read already.
    subscribeAll: (options) => store.subscribeAll(options),
    logEnd: (options) => store.logEnd(options),
    openLogReader: (options) => store.openLogReader(options),
    eventsIn: (item) => store.eventsIn(item),
    exportCommits(options = {}) {
      const bill = new Bill();
      const elements = store.exportCommits({ ...options, bill });
      const { streamId, category } = options;
      const facts = (commits: number) => ({ commits });
      return observeEach(observer, { name: "exportCommits", streamId, category }, { elements, bill, facts });
    },
    importCommits: (commits, options) =>
      observe(
        observer,
        { name: "importCommits" },
        {
          work: (bill) => store.importCommits(commits, { ...options, bill }),
          facts: ({ commits: imported, events }) => ({ commits: imported, events }),
        },
      ),
    ensureTables: () =>
      observe(observer, { name: "ensureTables" }, { work: () => store.ensureTables(), facts: () => ({}) }),
  };
}

/** A group is appended as one, so it is seen as one append. */
function observeGroup(
  observer: Observer,
  observed: {
    readonly streamId: string;
    readonly group: CommitGroup<EventDefinitions>;
    readonly appendOptions: Parameters<CommitGroup<EventDefinitions>["append"]>[0];
    readonly options: CommitGroupOptions;
  },
): ReturnType<CommitGroup<EventDefinitions>["append"]> {
  const { streamId, group, appendOptions, options } = observed;
  const { expectedVersion } = options;
  return observe(
    observer,
    { name: "append", streamId, expectedVersion },
    {
      work: async (bill) => {
        const results = await group.append(appendOptions);
        for (const { capacity } of results) bill.add(capacity);
        return results;
      },
      facts: (results) => ({
        events: results.reduce((count, { events }) => count + events.length, 0),
        version: results.at(-1)?.version,
      }),
    },
  );
}
