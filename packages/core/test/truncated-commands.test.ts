import { beforeEach, describe, expect, it } from "vitest";
import { collect, pseudoRandomText } from "../src/contract/fixtures.ts";
import type { ChainStorage } from "../src/chain/storage.ts";
import {
  createCommandHandler,
  createCommitId,
  createStateCache,
  decideAcross,
  type EventStore,
  type NewEvent,
  snapshotAfter,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";

/** Commands and decisions whose events were truncated since: they are still recognised, and nothing is decided again. */

const STREAM = "counter|1";
const LAST = 6;

/** How often it was asked to decide. */
let decided = 0;
const counter = {
  initialState: () => 0,
  evolve: (count: number) => count + 1,
  decide(_: null, count: number): NewEvent {
    decided += 1;
    return { type: "Counted", data: { count } };
  },
  snapshot: { version: "1" },
};

let storage: ChainStorage;
let commitIds: string[];
const open = (): EventStore => createMemoryEventStore({ storage });
const versions = async (): Promise<number[]> =>
  (await collect(open().read(STREAM))).map(({ version }) => version);

beforeEach(async () => {
  storage = createMemoryStorage();
  commitIds = Array.from({ length: LAST }, () => createCommitId());
  const handle = createCommandHandler({ store: open(), decider: counter });
  for (const commitId of commitIds) await handle(STREAM, null, { commitId });
  decided = 0;
});

const truncate = () => open().truncate(STREAM, counter, { before: 5 });
const ALL = Array.from({ length: LAST }, (_, index) => index + 1);
/** Of those that were truncated, and of those that were not. */
const told = (result: { readonly duplicate: boolean; readonly events: readonly unknown[] }) => [
  result.duplicate,
  result.events.length,
];
const TOLD = [...ALL.slice(0, 4).map(() => [true, 0]), [true, 1], [true, 1]];

describe.each([false, true])("a command handler (batches: %s)", (batch) => {
  it.each([false, true])("knows the commands of a truncated stream (a cache: %s)", async (cached) => {
    await truncate();
    const cache = cached ? createStateCache<number>() : undefined;
    const handle = createCommandHandler({ store: open(), decider: counter, batch, cache });
    // With a state from the snapshot in the cache, and without.
    if (cached) await open().load(STREAM, counter);
    const results = [];
    for (const commitId of commitIds) results.push(await handle(STREAM, null, { commitId }));
    expect(results.map(told)).toEqual(TOLD);
    expect(results.map(({ state, version }) => [state, version])).toEqual(ALL.map(() => [LAST, LAST]));
    expect([decided, await versions()]).toEqual([0, [5, 6]]);
  });

  it("knows them when it holds the stream from before it was truncated", async () => {
    const store = open();
    const cache = createStateCache<number>();
    const handle = createCommandHandler({ store, decider: counter, batch, cache });
    await store.load(STREAM, counter, { cache, toVersion: 2 });
    // Others' commands, which it has not met, and of which the truncation leaves no events.
    const others = createCommandHandler({ store: open(), decider: counter });
    expect((await handle(STREAM, null, { commitId: commitIds[0] })).duplicate).toBe(true);
    const late = createCommitId();
    await others(STREAM, null, { commitId: late });
    await others(STREAM, null);
    await open().truncate(STREAM, counter, { before: LAST + 2 });
    const again = await handle(STREAM, null, { commitId: late });
    expect([told(again), again.state, again.version]).toEqual([[true, 0], LAST + 2, LAST + 2]);
    expect((await handle(STREAM, null, { commitId: commitIds[2] })).duplicate).toBe(true);
    expect(decided).toBe(2);
    // What is new is decided on the whole state.
    const { state, duplicate } = await handle(STREAM, null, { commitId: createCommitId() });
    expect([state, duplicate]).toEqual([LAST + 3, false]);
  });

  it("tells commands that come at once apart: known ones, and new ones", async () => {
    await truncate();
    const handle = createCommandHandler({ store: open(), decider: counter, batch });
    const results = await Promise.all(
      [commitIds[1], createCommitId(), commitIds[3], createCommitId(), commitIds[5]].map((commitId) =>
        handle(STREAM, null, { commitId }),
      ),
    );
    expect(results.map(({ duplicate }) => duplicate)).toEqual([true, false, true, false, true]);
    expect(await versions()).toEqual([5, 6, 7, 8]);
    const { state } = await open().load(STREAM, counter);
    expect(state).toBe(LAST + 2);
  });

  it("knows one whose stream is truncated while it is decided", async () => {
    const commitId = createCommitId();
    const other = createCommandHandler({ store: open(), decider: counter });
    let isFirst = true;
    const handle = createCommandHandler({
      store: open(),
      batch,
      decider: {
        ...counter,
        async decide(command: null, count: number) {
          if (isFirst) {
            isFirst = false;
            // The same command, by another process; then its events are taken away.
            await other(STREAM, null, { commitId });
            await other(STREAM, null);
            await open().truncate(STREAM, counter, { before: LAST + 2 });
          }
          return counter.decide(command, count);
        },
      },
    });
    const result = await handle(STREAM, null, { commitId });
    expect([told(result)[0], result.version]).toEqual([true, LAST + 2]);
    expect(await versions()).toEqual([LAST + 2]);
  });
});

describe("decideAcross", () => {
  const OTHER = "counter|2";
  const decide = (commitId: string | undefined, streams: readonly string[] = [STREAM, OTHER]) =>
    decideAcross(
      open(),
      async ({ load }) => {
        const counts = await Promise.all(streams.map((streamId) => load(streamId, counter)));
        return streams.map((streamId, index) => ({
          streamId,
          events: [counter.decide(null, counts[index] ?? 0)],
        }));
      },
      { commitId },
    );

  it("knows a decision of a truncated stream", async () => {
    for (const commitId of commitIds) {
      const result = await (await truncate(), decide(commitId, [STREAM]));
      expect([result.duplicate, result.attempts, result.commitId]).toEqual([true, 0, commitId]);
    }
    expect([decided, await versions()]).toEqual([0, [5, 6]]);
  });

  it("knows a decision of which one stream was truncated, and one of which all were", async () => {
    const commitId = createCommitId();
    const first = await decide(commitId);
    decided = 0;
    for (const streamId of [STREAM, OTHER]) {
      await open().append(streamId, [{ type: "Counted", data: null }]);
      const { version } = await open().load(streamId, counter);
      await open().truncate(streamId, counter, { before: version });
      const again = await decide(commitId);
      expect(again).toMatchObject({ duplicate: true, commitId, attempts: 0 });
      expect(again.appends.map((append) => [append.streamId, append.version])).toEqual(
        first.appends.map((append) => [append.streamId, append.version]),
      );
    }
    expect(decided).toBe(0);
  });

  it("decides on the whole state after what was in its way has been truncated", async () => {
    let isFirst = true;
    const counts: number[] = [];
    const { appends } = await decideAcross(
      open(),
      async ({ load }) => {
        const count = await load(STREAM, counter);
        await load(OTHER, counter);
        counts.push(count);
        if (isFirst) {
          isFirst = false;
          await open().append(STREAM, [{ type: "Counted", data: null }]);
          await open().append(STREAM, [{ type: "Counted", data: null }]);
          await open().truncate(STREAM, counter, { before: LAST + 2 });
        }
        return { streamId: STREAM, events: [{ type: "Counted", data: { count } }] };
      },
      { runtime: { random: Math.random, sleep: async () => undefined } },
    );
    expect(counts.at(-1)).toBe(LAST + 2);
    expect(appends[0]).toMatchObject({ version: LAST + 3, events: [{ data: { count: LAST + 2 } }] });
  });
});

it("a snapshot apart that ends right before events truncated with another fold is no start for a load", async () => {
  const fold = (version: string, padding: string) => ({
    initialState: () => ({ count: 0, padding }),
    evolve: ({ count }: { readonly count: number }) => ({ count: count + 1, padding }),
    snapshot: { version, every: 1 },
  });
  const [older, newer] = [fold("older", pseudoRandomText(1, 6_000)), fold("newer", "")];
  const store = open();
  const event = [{ type: "Counted", data: null }];
  const loaded = await store.load(STREAM, older);
  const { snapshotVersion } = await store.append(STREAM, event, {
    expectedVersion: LAST,
    snapshot: snapshotAfter(older, loaded),
  });
  expect(snapshotVersion).toBe(LAST + 1);
  await store.append(STREAM, event);
  await store.append(STREAM, event);
  await store.truncate(STREAM, newer, { before: LAST + 3 });
  expect((await store.load(STREAM, newer)).state.count).toBe(LAST + 3);
  // The event after the older fold's snapshot is gone: its state must not be told without it.
  await expect(store.load(STREAM, older)).rejects.toMatchObject({
    code: "streamTruncated",
    firstVersion: LAST + 3,
  });
});
