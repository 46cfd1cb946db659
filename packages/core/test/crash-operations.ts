import { pseudoRandomText } from "../src/contract/fixtures.ts";
import { createCommandHandler, decideAcross, snapshotAfter } from "../src/index.ts";
import type { AlsoWrite } from "../src/chain/storage.ts";
import type { NewEvent, RecordedEvent } from "../src/events.ts";
import type { EventStore } from "../src/store/event-store.ts";
import type { Fold } from "../src/store/read-options.ts";
import type { TransferredCommit } from "../src/store/transferred-commit.ts";

/** What a store does, as a table: each operation is interrupted at each of its requests by `crash-everywhere.ts`. */

/** Where an operation takes place. */
export interface Place {
  /** The full name of one of the operation's streams. */
  readonly nameOf: (stream: string) => string;
  /** The same id each time, for each number. */
  readonly commitId: (number: number) => string;
  /** A write to another table that shows if it is made twice. */
  readonly counting: AlsoWrite;
}

export interface Operation {
  /** Requests of an undisturbed run, and puts of blobs: how many places a fault has. */
  readonly requests: number;
  /** Its streams, and how many events it adds to each, numbered from 1 on. */
  readonly adds: Readonly<Record<string, number>>;
  /** Streams with `BEFORE` events at the start. Default: all. */
  readonly begun?: readonly string[] | undefined;
  readonly closes?: readonly string[] | undefined;
  /** Whether it makes the place's write to another table. Default false. */
  readonly counts?: boolean | undefined;
  /** The first version that is left of each stream. Default 1. */
  readonly firstVersion?: number | undefined;
  /** Whether another's append may leave no place for it. Default false. */
  readonly mayConflict?: boolean | undefined;
  /** Whether others must not write to its streams meanwhile. Default false. */
  readonly isAlone?: boolean | undefined;
  /**
   * Whether it needs the chain to recognise its own commit. Default true. Commands and decisions also meet their commits
   * among the events that they read.
   */
  readonly findsOwn?: boolean | undefined;
  /** A fold of whose states it takes snapshots. Default: `smallFold`. */
  readonly fold?: Fold<Seen, RecordedEvent> | undefined;
  /** Small, so that a few events take several items, or blobs. In bytes. */
  readonly maxItemBytes?: number | undefined;
  /** What may be interrupted, and is then repeated by another process. Answers what the caller was told. */
  readonly run: (store: EventStore, place: Place) => Promise<readonly RecordedEvent[]>;
}

/** Events, one in each commit, that streams have at the start. */
export const BEFORE = 3;

/** Everything that the events said. */
export interface Seen {
  readonly seen: readonly string[];
  readonly padding: string;
}

function seeing(padding: string, version: string): Fold<Seen, RecordedEvent> {
  return {
    initialState: () => ({ seen: [], padding }),
    evolve: ({ seen }, event) => ({ seen: [...seen, JSON.stringify(event)], padding }),
    snapshot: { version, every: 2 },
  };
}

/** Its states ride in commits. */
export const smallFold: Fold<Seen, RecordedEvent> = seeing("", "small");
/** Its states go apart. */
const largeFold: Fold<Seen, RecordedEvent> = seeing(pseudoRandomText(1, 6_000), "large");

const own = (from: number, to: number = from, data?: object): NewEvent[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    type: "Own",
    data: { number: from + index, ...data },
  }));

const TEXT = { text: pseudoRandomText(2, 300) };
const LONG_TEXT = { text: pseudoRandomText(3, 1_500) };
const PERSON = { person: "ada" };

type Options = NonNullable<Parameters<EventStore["append"]>[2]>;

/** One append to one stream. */
function appending(events: readonly NewEvent[], options: Options = {}): Pick<Operation, "adds" | "run"> {
  return {
    adds: { one: events.length },
    async run(store, { nameOf, commitId }) {
      const result = await store.append(nameOf("one"), events, { ...options, commitId: commitId(1) });
      return result.events;
    },
  };
}

/** One append, and a write to another table with it. */
function appendingAndCounting(options: Options): Pick<Operation, "adds" | "counts" | "requests" | "run"> {
  return {
    requests: 2,
    adds: { one: 2 },
    counts: true,
    async run(store, { nameOf, commitId, counting }) {
      const given = { ...options, commitId: commitId(1), also: [counting] };
      return (await store.append(nameOf("one"), own(1, 2), given)).events;
    },
  };
}

function appendingSnapshot(fold: Fold<Seen, RecordedEvent>): Operation["run"] {
  return async (store, { nameOf, commitId }) => {
    const loaded = await store.load(nameOf("one"), fold, { toVersion: BEFORE });
    const snapshot = snapshotAfter(fold, loaded);
    const options = { expectedVersion: BEFORE, commitId: commitId(1), snapshot };
    return (await store.append(nameOf("one"), own(1), options)).events;
  };
}

type Write = Parameters<EventStore["transact"]>[0][number];
type Check = { readonly streamId: string; readonly expectedVersion: number };

/** A transaction on streams named by their short names. */
function transacting(
  writes: readonly Write[],
  { checks = [], counts = false }: { readonly checks?: readonly Check[]; readonly counts?: boolean } = {},
): Operation["run"] {
  return async (store, { nameOf, commitId, counting }) => {
    const named = <Named extends { readonly streamId: string }>(each: Named): Named => ({
      ...each,
      streamId: nameOf(each.streamId),
    });
    const also = counts ? [counting] : [];
    const options = { checks: checks.map(named), commitId: commitId(1), also };
    const { appends } = await store.transact(writes.map(named), options);
    return appends.flatMap(({ events }) => events);
  };
}

function handling(options: { readonly batch: boolean; readonly commands: number }): Operation["run"] {
  return async (store, { nameOf, commitId }) => {
    const decide = (number: number): NewEvent => ({ type: "Own", data: { number } });
    const runtime = { random: Math.random, sleep: async () => undefined };
    const handle = createCommandHandler({
      store,
      decider: { ...smallFold, decide },
      batch: options.batch,
      runtime,
    });
    const numbers = Array.from({ length: options.commands }, (_, index) => index + 1);
    const results = await Promise.allSettled(
      numbers.map((number) => handle(nameOf("one"), number, { commitId: commitId(number) })),
    );
    return results.flatMap((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value.events;
    });
  };
}

const deciding: Operation["run"] = async (store, { nameOf, commitId }) => {
  const runtime = { random: Math.random, sleep: async () => undefined };
  const { appends } = await decideAcross(
    store,
    async ({ load, versionOf }) => {
      await Promise.all([load(nameOf("one"), smallFold), load(nameOf("two"), smallFold)]);
      await versionOf(nameOf("three"));
      return [
        { streamId: nameOf("one"), events: own(1, 2) },
        { streamId: nameOf("two"), events: own(1) },
      ];
    },
    { commitId: commitId(1), runtime },
  );
  return appends.flatMap(({ events }) => events);
};

const truncating: Operation["run"] = async (store, { nameOf }) => {
  await store.truncate(nameOf("one"), smallFold, { before: BEFORE });
  return [];
};

const importing: Operation["run"] = async (store, { nameOf, commitId }) => {
  const commits: TransferredCommit[] = ["one", "two"].flatMap((stream) =>
    [1, 2, 3].map((number) => ({
      streamId: nameOf(stream),
      firstVersion: number,
      commitId: commitId(number),
      recordedAt: new Date(1_000 * number).toISOString(),
      closes: stream === "two" && number === 3,
      events: own(number),
    })),
  );
  await store.importCommits(commits);
  return [];
};

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "append to any version": { requests: 2, ...appending(own(1, 2)) },
  "append to a new stream": {
    requests: 1,
    begun: [],
    mayConflict: true,
    ...appending(own(1, 2), { expectedVersion: "noStream" }),
  },
  "append at a version": {
    requests: 2,
    mayConflict: true,
    ...appending(own(1), { expectedVersion: BEFORE }),
  },
  "append of several items": {
    requests: 2,
    maxItemBytes: 700,
    ...appending(own(1, 5, TEXT)),
  },
  "append of several items at a version": {
    requests: 2,
    mayConflict: true,
    maxItemBytes: 700,
    ...appending(own(1, 5, TEXT), { expectedVersion: BEFORE }),
  },
  "append that closes": { requests: 2, closes: ["one"], ...appending(own(1), { close: true }) },
  "append that only closes": { requests: 2, closes: ["one"], ...appending([], { close: true }) },
  "append to any version, and another write": appendingAndCounting({}),
  "append at a version, and another write": {
    mayConflict: true,
    ...appendingAndCounting({ expectedVersion: BEFORE }),
  },
  "append with a snapshot in it": {
    requests: 2,
    adds: { one: 1 },
    mayConflict: true,
    run: appendingSnapshot(smallFold),
  },
  "append with a snapshot apart": {
    requests: 3,
    adds: { one: 1 },
    mayConflict: true,
    fold: largeFold,
    run: appendingSnapshot(largeFold),
  },
  "append with bodies in blobs": {
    requests: 4,
    maxItemBytes: 1_100,
    ...appending(own(1, 2, LONG_TEXT)),
  },
  "append that is encrypted": { requests: 2, ...appending(own(1, 2, PERSON)) },
  "append that is encrypted, in blobs": {
    requests: 3,
    maxItemBytes: 1_100,
    ...appending(own(1, 1, { ...PERSON, ...LONG_TEXT })),
  },
  "transaction of two streams": {
    requests: 3,
    adds: { one: 2, two: 1 },
    run: transacting([
      { streamId: "one", events: own(1, 2) },
      { streamId: "two", events: own(1) },
    ]),
  },
  "transaction of two streams, and another write": {
    requests: 3,
    adds: { one: 2, two: 1 },
    counts: true,
    run: transacting(
      [
        { streamId: "one", events: own(1, 2) },
        { streamId: "two", events: own(1) },
      ],
      { counts: true },
    ),
  },
  "transaction at versions, with a check": {
    requests: 4,
    adds: { one: 2, two: 1, three: 0 },
    mayConflict: true,
    run: transacting(
      [
        { streamId: "one", events: own(1, 2), expectedVersion: BEFORE },
        { streamId: "two", events: own(1), expectedVersion: BEFORE },
      ],
      { checks: [{ streamId: "three", expectedVersion: BEFORE }] },
    ),
  },
  "transaction that closes one stream and begins another": {
    requests: 2,
    adds: { one: 1, two: 1 },
    begun: ["one"],
    closes: ["one"],
    mayConflict: true,
    run: transacting([
      { streamId: "one", events: own(1), expectedVersion: BEFORE, close: true },
      { streamId: "two", events: own(1), expectedVersion: "noStream" },
    ]),
  },
  "transaction of several items": {
    requests: 3,
    maxItemBytes: 700,
    adds: { one: 3, two: 2 },
    run: transacting([
      { streamId: "one", events: own(1, 3, TEXT) },
      { streamId: "two", events: own(1, 2, TEXT) },
    ]),
  },
  "decision on three streams": {
    requests: 4,
    findsOwn: false,
    adds: { one: 2, two: 1, three: 0 },
    run: deciding,
  },
  command: { requests: 2, findsOwn: false, adds: { one: 1 }, run: handling({ batch: false, commands: 1 }) },
  "batch of commands": {
    requests: 2,
    findsOwn: false,
    adds: { one: 3 },
    run: handling({ batch: true, commands: 3 }),
  },
  truncation: {
    requests: 6,
    adds: { one: 0 },
    firstVersion: BEFORE,
    findsOwn: false,
    run: truncating,
  },
  import: {
    requests: 6,
    adds: { one: 3, two: 3 },
    begun: [],
    closes: ["two"],
    isAlone: true,
    run: importing,
  },
};
