import {
  type Capacity,
  type EventStore,
  type Item,
  itemSize,
  SYSTEM_RUNTIME,
  snapshotAfter,
} from "@tuppence/core";
import { createMemoryControlStorage } from "@tuppence/core/leases";
import {
  type ChainStorage,
  createMemoryEventStore,
  createMemorySequencer,
  createMemoryStorage,
} from "@tuppence/core/memory";
import { encodeDocument } from "@tuppence/projections";
import { createQueue } from "@tuppence/queue";
import {
  createSampleClock,
  sampleDocument,
  sampleEvents,
  sampleFold,
  sampleMessages,
  sampleStream,
} from "./sample.ts";
import type { Workload } from "./workload.ts";

/**
 * What single operations of a workload cost, as the library itself has it: a sample of the workload is done on its storage in
 * memory, by the code that runs on DynamoDB, and what that says of its costs and stores is taken. On average.
 */
export interface Sample {
  /** One append, its part of the entries in the index of streams included. */
  readonly append: Capacity;
  /** What is read before one append. */
  readonly load: Capacity;
  /** The item of one append, and its part of the index, in bytes. */
  readonly appendBytes: number;
  /** A page of the log that holds so many appends, a part of one included. */
  readonly page: (appends: number) => PageSample;
  /** The put of a document. */
  readonly documentBytes: number;
  /** One call that enqueues. */
  readonly enqueue: Capacity;
  readonly enqueueBytes: number;
}

interface PageSample {
  readonly writeUnits: number;
  readonly bytes: number;
}

/** Appends in a sample: the average of fewer would be one of chance. */
const SAMPLE_APPENDS = 100;

/** Events of one stream at most: the sample is to take a second, not a minute. */
export const MAX_EVENTS_PER_STREAM = 1_000;

/** Loads of one stream that are measured at most, evenly spread. */
const LOADS = 20;

/** An item of DynamoDB takes so many bytes besides, and so does an entry of an index. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
export const ITEM_OVERHEAD_BYTES = 100;

function createRuntime(): typeof SYSTEM_RUNTIME {
  return { ...SYSTEM_RUNTIME, now: createSampleClock() };
}

/** A sample of at least so many appends, and enough for a page of the log with so many. */
export async function measureSample(
  workload: Workload,
  pageAppends: number,
  atLeast: number = SAMPLE_APPENDS,
): Promise<Sample> {
  const written: Item[] = [];
  const memory = createMemoryStorage();
  const storage: ChainStorage = {
    ...memory,
    async putNew(item, signal) {
      written.push(item);
      return memory.putNew(item, signal);
    },
    async transact(transaction, signal) {
      written.push(...transaction.puts);
      return memory.transact(transaction, signal);
    },
  };
  const store = createMemoryEventStore({ storage, runtime: createRuntime() });
  const appends = Math.max(atLeast, Math.ceil(pageAppends));
  const events = await measureEvents(store, workload, appends);
  const items = [...written];
  return {
    ...events,
    appendBytes: storedBytes(items, events.indexEntries) / events.appends,
    page: await measurePages(items, pageAppends),
    documentBytes: documentBytes(workload),
    ...(await measureQueue(workload)),
  };
}

interface EventsSample extends Pick<Sample, "append" | "load"> {
  readonly appends: number;
  readonly indexEntries: number;
}

/** Streams that grow side by side, each from its first event to its last. */
async function measureEvents(store: EventStore, workload: Workload, atLeast: number): Promise<EventsSample> {
  const { eventsPerStream, eventsPerAppend, reads } = workload;
  const appendsPerStream = Math.ceil(eventsPerStream / eventsPerAppend);
  const streams = Math.ceil(atLeast / appendsPerStream);
  const appended: Capacity[] = [];
  const loaded: Capacity[] = [];
  const step = reads === "stream" ? Math.ceil(appendsPerStream / LOADS) : 1;
  const fold = sampleFold(workload);
  for (let append = 0; append < appendsPerStream; append++) {
    for (let stream = 0; stream < streams; stream++) {
      const streamId = sampleStream(stream);
      const count = Math.min(eventsPerAppend, eventsPerStream - append * eventsPerAppend);
      const first = stream * eventsPerStream + append * eventsPerAppend;
      const isRead = reads !== "nothing" && append % step === 0;
      const state = isRead ? await store.load(streamId, fold) : undefined;
      if (state) loaded.push(state.capacity);
      const snapshot = reads === "snapshot" && state ? snapshotAfter(fold, state) : undefined;
      const expectedVersion = append * eventsPerAppend;
      const made = await store.append(streamId, sampleEvents(workload, first, count), {
        expectedVersion,
        snapshot,
      });
      appended.push(made.capacity);
    }
  }
  return {
    append: average(appended),
    load: average(loaded),
    appends: appended.length,
    indexEntries: streams,
  };
}

/** With what DynamoDB counts for each item and each entry of the index, whose keys are those of the item. */
function storedBytes(items: readonly Item[], indexEntries: number): number {
  const inIndex = items.find(({ c: category }) => category !== undefined);
  const { p, s, c } = inIndex ?? {};
  const entry = itemSize({ ...(p && { p }), ...(s && { s }), ...(c && { c }) }) + ITEM_OVERHEAD_BYTES;
  const bytes = items.reduce((total, item) => total + itemSize(item) + ITEM_OVERHEAD_BYTES, 0);
  return bytes + indexEntries * entry;
}

/** Pages are of whole numbers of commits: of others, the two next to it have their parts. */
async function measurePages(items: readonly Item[], appends: number): Promise<Sample["page"]> {
  const sizes = new Map<number, PageSample>([[0, { writeUnits: 0, bytes: 0 }]]);
  for (const size of [Math.floor(appends), Math.ceil(appends)]) {
    if (!sizes.has(size)) sizes.set(size, await measurePage(items, size));
  }
  return (count) => {
    const [low, high] = [Math.floor(count), Math.ceil(count)].map((size) => {
      const found = sizes.get(size);
      if (found === undefined) throw new RangeError(`${size} appends to a page were not measured.`);
      return found;
    }) as [PageSample, PageSample];
    const part = count - Math.floor(count);
    const between = (one: number, other: number): number => one + part * (other - one);
    return {
      writeUnits: between(low.writeUnits, high.writeUnits),
      bytes: between(low.bytes, high.bytes),
    };
  };
}

/** Pages of a new log that hold so many commits each, on average. */
async function measurePage(items: readonly Item[], commits: number): Promise<PageSample> {
  const pages: Item[] = [];
  const memory = createMemoryStorage();
  const storage: ChainStorage = {
    ...memory,
    async putNew(item, signal) {
      pages.push(item);
      return memory.putNew(item, signal);
    },
  };
  const sequencer = createMemorySequencer({ storage, runtime: createRuntime() });
  const calls: Capacity[] = [];
  for (let from = 0; from + commits <= items.length; from += commits) {
    calls.push((await sequencer.sequence(items.slice(from, from + commits))).capacity);
  }
  const bytes = pages.reduce((total, page) => total + itemSize(page) + ITEM_OVERHEAD_BYTES, 0);
  return { writeUnits: average(calls).writeUnits, bytes: bytes / Math.max(calls.length, 1) };
}

function documentBytes(workload: Workload): number {
  const state = JSON.stringify(sampleDocument(workload));
  const record = { state, position: 1e9, revision: 100, streams: new Map<string, number>() };
  return itemSize(encodeDocument({ partition: "orders@1|0", key: sampleStream(1), record }, 0));
}

async function measureQueue(workload: Workload): Promise<Pick<Sample, "enqueue" | "enqueueBytes">> {
  const items: Item[] = [];
  const memory = createMemoryStorage();
  const storage: ChainStorage = {
    ...memory,
    async putNew(item, signal) {
      items.push(item);
      return memory.putNew(item, signal);
    },
  };
  const control = createMemoryControlStorage();
  const queue = createQueue({ storage, control, name: "letters", runtime: createRuntime() });
  const calls: Capacity[] = [];
  // The first call looks at the queue's end.
  await queue.enqueue(sampleMessages(workload, 0));
  items.length = 0;
  for (let call = 1; call <= LOADS; call++) {
    calls.push((await queue.enqueue(sampleMessages(workload, call))).capacity);
  }
  await queue.close();
  const bytes = items.reduce((total, item) => total + itemSize(item) + ITEM_OVERHEAD_BYTES, 0);
  return { enqueue: average(calls), enqueueBytes: bytes / items.length };
}

function average(capacities: readonly Capacity[]): Capacity {
  const of = (value: (capacity: Capacity) => number): number =>
    capacities.reduce((total, capacity) => total + value(capacity), 0) / Math.max(capacities.length, 1);
  return {
    requests: of(({ requests }) => requests),
    readUnits: of((capacity) => capacity.readUnits),
    writeUnits: of(({ writeUnits }) => writeUnits),
  };
}
