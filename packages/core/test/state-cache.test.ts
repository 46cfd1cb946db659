import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { counted } from "../src/contract/fixtures.ts";
import { createKeyRing, encryptPersons } from "../src/contract/key-ring.ts";
import { createGuardedCommandHandler } from "../src/command-handler/command-handler.ts";
import { HANDLER_GUARDS } from "../src/command-handler/guards.ts";
import {
  createCommandHandler,
  createCommitId,
  createEventStore,
  createStateCache,
  eventsTable,
  meterCapacity,
  type RecordedEvent,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { connect } from "./test-database.ts";

const count = {
  initialState: () => 0,
  evolve: (events: number) => events + 1,
  /** The number is how many events to decide; "full" above 100. */
  decide(command: number, events: number) {
    if (events + command > 100) throw new Error("full");
    return counted(events + 1, events + command);
  },
};

describe("a state cache", () => {
  const storage = createMemoryStorage();
  const open = () => createMemoryEventStore({ storage });

  it("keeps what was loaded, and a later load goes on from there", async () => {
    const [store, other] = [open(), open()];
    const cache = createStateCache<number>();
    await store.append("kept|1", counted(1, 3));
    expect(await store.load("kept|1", count, { cache })).toMatchObject({ state: 3, version: 3 });
    expect(cache.peek("kept|1")).toMatchObject({ state: 3, version: 3 });
    await other.append("kept|1", counted(4, 5));
    expect(await store.load("kept|1", count, { cache })).toMatchObject({ state: 5, version: 5 });
    expect(cache.peek("kept|1")).toMatchObject({ state: 5, version: 5 });
    cache.clear();
    expect([cache.size, cache.peek("kept|1")]).toEqual([0, undefined]);
  });

  it("is left alone by loads of the past or from elsewhere, and not filled by eventual ones", async () => {
    const store = open();
    const cache = createStateCache<number>();
    await store.append("alone|1", counted(1, 3));
    const from = { state: 0, version: 0 };
    for (const options of [
      { toVersion: 2 },
      { asOf: new Date() },
      { from },
      { consistency: "eventual" },
    ] as const) {
      await store.load("alone|1", count, { ...options, cache });
      expect(cache.size).toBe(0);
    }
    await store.load("alone|1", count, { cache });
    await store.append("alone|1", counted(4));
    expect((await store.load("alone|1", count, { toVersion: 2, cache })).state).toBe(2);
    expect((await store.load("alone|1", count, { consistency: "eventual", cache })).state).toBe(4);
    expect(cache.peek("alone|1")?.version).toBe(3);
  });

  it("never goes back when a load that began earlier ends later", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = createMemoryEventStore({
      storage: {
        ...storage,
        async query(range) {
          const page = await storage.query(range);
          if (range.signal !== undefined) await held;
          return page;
        },
      },
    });
    const cache = createStateCache<number>();
    await slow.append("back|1", counted(1));
    const early = slow.load("back|1", count, { cache, signal: new AbortController().signal });
    await slow.append("back|1", counted(2));
    await slow.load("back|1", count, { cache });
    release();
    expect((await early).version).toBe(1);
    expect(cache.peek("back|1")).toMatchObject({ state: 2, version: 2 });
  });

  it("makes room for new streams", async () => {
    const store = open();
    const cache = createStateCache<number>({ maxStreams: 2 });
    for (const id of [1, 2, 3]) await store.load(`room|${id}`, count, { cache });
    expect([cache.size, cache.peek("room|1")]).toEqual([2, undefined]);
  });

  it("belongs to one store and one evolve", async () => {
    const store = open();
    const cache = createStateCache<number>();
    await store.load("owned|1", count, { cache });
    await expect(open().load("owned|1", count, { cache })).rejects.toThrow(TypeError);
    const other = { ...count, evolve: (state: number) => state + 2 };
    await expect(store.load("owned|1", other, { cache })).rejects.toThrow("one evolve function");
    await expect(
      createCommandHandler({ store: open(), decider: count, cache })("owned|1", 1),
    ).rejects.toThrow("one store");
    const foreign = createCommandHandler({ store: open(), decider: count, cache });
    await expect(foreign("owned|1", 1, { commitId: createCommitId() })).rejects.toThrow("one store");
  });

  it("refuses limits that are none, and caches that are none", async () => {
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      expect(() => createStateCache({ maxStreams: limit })).toThrow(RangeError);
      expect(() => createStateCache({ maxCommitIds: limit })).toThrow(String(limit));
    }
    const cache = { size: 0, peek: () => undefined, clear: () => undefined };
    await expect(open().load("none|1", count, { cache })).rejects.toThrow(TypeError);
    expect(() => createCommandHandler({ store: open(), decider: count, cache })).toThrow(TypeError);
  });
});

describe("a command handler with a cache", () => {
  const open = (options: { readonly maxCommitIds?: number } = {}) => {
    const storage = createMemoryStorage();
    const store = createMemoryEventStore({ storage });
    const cache = createStateCache<number>(options);
    const handle = createCommandHandler({ store, decider: count, cache });
    return { store, cache, handle, rival: createMemoryEventStore({ storage }) };
  };

  it("keeps the state after each append, and the winner's after a lost race", async () => {
    const { store, cache, rival } = open();
    let beforeAppend = async (): Promise<void> => undefined;
    const decider = {
      ...count,
      async decide(command: number, events: number) {
        await beforeAppend();
        return count.decide(command, events);
      },
    };
    const handle = createCommandHandler({ store, decider, cache });
    await handle("race|1", 2);
    expect(cache.peek("race|1")).toMatchObject({ state: 2, version: 2 });
    beforeAppend = async () => {
      if ((cache.peek("race|1")?.version ?? 0) < 99) await rival.append("race|1", counted(3, 99));
    };
    await expect(handle("race|1", 2)).rejects.toThrow("full");
    expect(cache.peek("race|1")).toMatchObject({ state: 99, version: 99 });
  });

  it("recognises a command whose commit is older than the cached state", async () => {
    const { handle, rival, cache, store } = open();
    const commitId = createCommitId();
    const first = await handle("again|1", 60, { commitId });
    await handle("again|1", 30);
    expect(await handle("again|1", 60, { commitId })).toMatchObject({
      duplicate: true,
      events: first.events,
      version: 90,
      state: 90,
      attempts: 0,
    });
    const elsewhere = createCommitId();
    await rival.append("again|1", counted(91, 92), { commitId: elsewhere });
    for (let repetition = 0; repetition < 2; repetition++) {
      const again = await handle("again|1", 2, { commitId: elsewhere });
      expect(again).toMatchObject({ duplicate: true, version: 92 });
      expect(again.events.map((event) => event.version)).toEqual([91, 92]);
    }
    expect(cache.peek("again|1")?.version).toBe(92);
    expect((await store.load("again|1", count)).version).toBe(92);
  });

  it("does so on a stream of more commits than the cache remembers", async () => {
    const { handle } = open({ maxCommitIds: 3 });
    const ids = Array.from({ length: 8 }, () => createCommitId());
    for (const commitId of ids) expect((await handle("many|1", 1, { commitId })).duplicate).toBe(false);
    for (const commitId of ids) expect((await handle("many|1", 1, { commitId })).duplicate).toBe(true);
  });

  it("would carry it out twice if it did not search behind the cached state", async () => {
    const { store, cache } = open();
    const guards = { ...HANDLER_GUARDS, searchesBehindCache: false };
    const handle = createGuardedCommandHandler({ store, decider: count, cache }, guards);
    const commitId = createCommitId();
    await handle("twice|1", 1, { commitId });
    await handle("twice|1", 1);
    expect((await handle("twice|1", 1, { commitId })).duplicate).toBe(false);
  });

  it("refuses a commit id that is none before anything is read", async () => {
    const { handle } = open();
    await expect(handle("bad|1", 1, { commitId: "no-ulid" })).rejects.toThrow(TypeError);
  });
});

describe("on DynamoDB", () => {
  const client = connect("statecache");
  const meter = meterCapacity(client, { tables: [eventsTable()] });
  const store = createEventStore({ client });
  const cache = createStateCache<number>();
  const handle = createCommandHandler({ store, decider: count, cache });
  const commitId = createCommitId();

  beforeAll(async () => {
    await store.ensureTables();
    await handle("cost|1", 10, { commitId });
    await handle("cost|1", 10, { commitId: createCommitId() });
  });
  beforeEach(() => meter.reset());

  it("a load costs 1 request and 1 RCU when nothing is new", async () => {
    const { capacity } = await store.load("cost|1", count, { cache });
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    expect(capacity).toEqual(meter.total());
  });

  it("a command costs a read of 1 RCU and 1 append, with a new commit id as well", async () => {
    for (const request of [{}, { commitId: createCommitId() }]) {
      meter.reset();
      const { capacity } = await handle("cost|1", 1, request);
      expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
      expect(capacity).toEqual(meter.total());
    }
  });

  it("the first command costs no more than without a cache, with a commit id as well", async () => {
    for (const request of [{}, { commitId: createCommitId() }]) {
      meter.reset();
      const fresh = createCommandHandler({ store, decider: count, cache: createStateCache<number>() });
      await fresh("cost|1", 1, request);
      expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
    }
  });

  it("a command that was handled before costs a read of the stream", async () => {
    expect((await handle("cost|1", 10, { commitId })).duplicate).toBe(true);
    expect(meter.calls.map((call) => call.operation)).toEqual(["Query"]);
  });

  it("one signal may stop any number of calls, without a warning of a leak", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listen);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 20 }, (_, stream) => handle(`signal|${stream}`, 1, { signal })));
    // A warning is given on the next tick.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listen);
    expect(warnings.filter(({ name }) => name === "MaxListenersExceededWarning")).toEqual([]);
  });
});

describe("a state of encrypted events", () => {
  it("is loaded anew after 5 minutes, or as long as the cache says, also while it is in use", async () => {
    for (const [maxAgeMs, limitMs] of [
      [undefined, 300_000],
      [1_000, 1_000],
    ] as const) {
      let now = 1_000_000;
      const keys = createKeyRing();
      const storage = createMemoryStorage();
      const runtime = { now: () => now };
      const store = createMemoryEventStore({ storage, runtime, encryption: encryptPersons(keys) });
      const cache = createStateCache<readonly string[]>({ maxAgeMs });
      const types = {
        initialState: (): readonly string[] => [],
        evolve: (folded: readonly string[], { type }: RecordedEvent) => [...folded, type],
      };
      await store.append("person|1", [{ type: "Named", data: { person: "p1" } }]);
      await store.load("person|1", types, { cache });
      keys.drop("p1");
      now += limitMs - 1;
      await store.append("person|1", [{ type: "Left", data: {} }]);
      expect((await store.load("person|1", types, { cache })).state).toEqual(["Named", "Left"]);
      now += 2;
      expect((await store.load("person|1", types, { cache })).state).toEqual(["$forgotten", "Left"]);
    }
  });
});
