import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChainStorage } from "../src/chain/storage.ts";
import { collect, pseudoRandomText } from "../src/contract/fixtures.ts";
import { createGuardedCommandHandler } from "../src/command-handler/command-handler.ts";
import { HANDLER_GUARDS } from "../src/command-handler/guards.ts";
import {
  createCommandHandler,
  createCommitId,
  createEventStore,
  createStateCache,
  defineEvents,
  type EventDefinitions,
  eventsTable,
  type HandleResult,
  meterCapacity,
  type NewEvent,
  type RecordedEvent,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { z } from "zod";
import { connect } from "./test-database.ts";

/** A room for `PLACES` guests; a guest is let in once, and nobody when it is full. */
const PLACES = 5;
interface Room {
  readonly guests: readonly string[];
  /** Everything the events said: whoever decides on it has to have seen exactly what is stored. */
  readonly seen: readonly string[];
}
const room = {
  initialState: (): Room => ({ guests: [], seen: [] }),
  evolve: ({ guests, seen }: Room, event: RecordedEvent): Room => ({
    guests: [...guests, String(event.data)],
    seen: [...seen, JSON.stringify(event)],
  }),
  decide(guest: string, { guests }: Room): NewEvent | [] {
    if (guests.includes(guest)) return [];
    if (guests.length >= PLACES) throw new Error("full");
    return { type: "Entered", data: guest };
  },
};

const STREAM = "room|1";

/** A storage whose puts wait until the test lets them go. */
function heldStorage() {
  const inner = createMemoryStorage();
  const puts: ((failure?: Error) => void)[] = [];
  let held = false;
  const storage: ChainStorage = {
    ...inner,
    async putNew(item, signal) {
      if (held) {
        const failure = await new Promise<Error | undefined>((resolve) => puts.push(resolve));
        if (failure !== undefined) throw failure;
      }
      return inner.putNew(item, signal);
    },
  };
  const nextPut = async (): Promise<(failure?: Error) => void> => {
    for (;;) {
      const put = puts.shift();
      if (put !== undefined) return put;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { inner, storage, hold: () => void (held = true), letGo: () => void (held = false), nextPut };
}

function open(guards = HANDLER_GUARDS) {
  const { inner, hold, letGo, nextPut, storage } = heldStorage();
  const store = createMemoryEventStore({ storage, runtime: { sleep: async () => undefined } });
  const cache = createStateCache<Room>();
  const runtime = { random: Math.random, sleep: async () => undefined };
  const handle = createGuardedCommandHandler({ store, decider: room, cache, batch: true, runtime }, guards);
  const rival = createMemoryEventStore({ storage: inner });
  const guests = async () => (await rival.load(STREAM, room)).state.guests;
  return { store, cache, handle, rival, guests, hold, letGo, nextPut };
}

const settled = async (promise: Promise<unknown>): Promise<string> => {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([
    promise.then(
      () => "resolved",
      () => "rejected",
    ),
    Promise.resolve("waits"),
  ]);
};

describe("a command handler with batches", () => {
  it("stores what concurrent commands lead to in one item, each with its own id, metadata and result", async () => {
    const { handle, rival, cache } = open();
    const commitId = createCommitId();
    const results = await Promise.all([
      handle(STREAM, "Ada", { metadata: { correlationId: "a" } }),
      handle(STREAM, "Bob", { commitId }),
      handle(STREAM, "Ada"),
      handle(STREAM, "Cleo", { expectedVersion: 2 }),
    ]);
    expect(results.map(({ version, duplicate, attempts }) => [version, duplicate, attempts])).toEqual([
      [1, false, 1],
      [2, false, 1],
      [2, false, 1],
      [3, false, 1],
    ]);
    const stored = await collect(rival.read(STREAM));
    expect(results.flatMap((result) => result.events)).toEqual(stored);
    expect(stored.map((event) => event.metadata)).toEqual([{ correlationId: "a" }, {}, {}]);
    expect(results[1]?.commitId).toBe(commitId);
    expect(new Set(stored.map((event) => event.eventId)).size).toBe(3);
    expect(results.map((result) => result.state.guests)).toEqual([
      ["Ada"],
      ["Ada", "Bob"],
      ["Ada", "Bob"],
      ["Ada", "Bob", "Cleo"],
    ]);
    expect(cache.peek(STREAM)?.state).toEqual((await rival.load(STREAM, room)).state);
  });

  it("decides the second on exactly what the first will have stored", async () => {
    const { handle, rival } = open();
    const results = await Promise.all(["Ada", "Bob", "Cleo"].map((guest) => handle(STREAM, guest)));
    const { state } = await rival.load(STREAM, room);
    for (const [index, result] of results.entries())
      expect(result.state.seen).toEqual(state.seen.slice(0, index + 1));
  });

  it("holds a command to the version after those before it in the batch", async () => {
    const { handle } = open();
    const [, late] = await Promise.allSettled([
      handle(STREAM, "Ada"),
      handle(STREAM, "Bob", { expectedVersion: 0 }),
    ]);
    expect(late).toMatchObject({ reason: { code: "versionConflict", expected: 0, actual: 1 } });
  });

  it("refuses a command only when what it was refused for is stored", async () => {
    const { handle, hold, nextPut, guests } = open();
    for (const guest of ["1", "2", "3"]) await handle(STREAM, guest);
    hold();
    const all = ["4", "5", "6", "4"].map((guest) => handle(STREAM, guest));
    const outcomes = Promise.allSettled(all);
    const put = await nextPut();
    expect(await Promise.all(all.map(settled))).toEqual(["waits", "waits", "waits", "waits"]);
    put();
    expect((await outcomes).map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(await guests()).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("decides again those whose batch was not stored, and fails only whose events were in it", async () => {
    const { handle, hold, letGo, nextPut, guests } = open();
    for (const guest of ["1", "2", "3", "4"]) await handle(STREAM, guest);
    hold();
    const [five, six] = [handle(STREAM, "5"), handle(STREAM, "6")];
    const outcomes = Promise.allSettled([five, six]);
    const put = await nextPut();
    letGo();
    put(Object.assign(new Error("slow down"), { name: "ThrottlingException" }));
    expect(await outcomes).toMatchObject([
      { status: "rejected", reason: { name: "ThrottlingException" } },
      { status: "fulfilled", value: { version: 5 } },
    ]);
    expect(await guests()).toEqual(["1", "2", "3", "4", "6"]);
  });

  it("would refuse it for events that are nowhere if it did not wait", async () => {
    const { handle, hold, nextPut } = open({ ...HANDLER_GUARDS, waitsForStorage: false });
    for (const guest of ["1", "2", "3", "4"]) await handle(STREAM, guest);
    hold();
    const outcomes = Promise.allSettled([handle(STREAM, "5"), handle(STREAM, "6")]);
    const put = await nextPut();
    put(new Error("no"));
    expect(await outcomes).toMatchObject([{ status: "rejected" }, { reason: { message: "full" } }]);
  });

  it("decides the whole batch again after a conflict, on the winner's events", async () => {
    const { handle, hold, letGo, nextPut, rival, guests } = open();
    await handle(STREAM, "1");
    hold();
    const outcomes = Promise.allSettled(["2", "3", "4", "2"].map((guest) => handle(STREAM, guest)));
    const put = await nextPut();
    letGo();
    await rival.append(STREAM, [
      { type: "Entered", data: "3" },
      { type: "Entered", data: "x" },
    ]);
    put();
    expect(await outcomes).toMatchObject([
      { value: { version: 4, attempts: 2 } },
      { value: { version: 4, events: [] } },
      { value: { version: 5 } },
      { value: { version: 5, events: [], duplicate: false } },
    ]);
    expect(await guests()).toEqual(["1", "3", "x", "2", "4"]);
  });

  it("gives a conflict to those who met it too often", async () => {
    const storage = createMemoryStorage();
    const [store, rival] = [createMemoryEventStore({ storage }), createMemoryEventStore({ storage })];
    const decide = async (guest: string) => {
      await rival.append(STREAM, [{ type: "Entered", data: "rival" }]);
      return { type: "Entered", data: guest };
    };
    const runtime = { random: Math.random, sleep: async () => undefined };
    const decider = { ...room, decide };
    const handle = createCommandHandler({ store, decider, batch: true, maxAttempts: 3, runtime });
    const outcomes = await Promise.allSettled([handle(STREAM, "a"), handle(STREAM, "b")]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ reason: { code: "versionConflict", streamId: STREAM } });
  });

  it("stores a command once that comes twice at a time, again, or by way of another process", async () => {
    const { handle, store, rival, guests } = open();
    const [one, two] = [createCommitId(), createCommitId()];
    const sent = [handle(STREAM, "Ada", { commitId: one }), handle(STREAM, "Eve", { commitId: one })];
    const [first, same] = await Promise.all(sent);
    expect(first).toMatchObject({ duplicate: false, version: 1 });
    expect(same).toMatchObject({ duplicate: true, events: first?.events, commitId: one });
    await rival.append(STREAM, [{ type: "Entered", data: "Bob" }], { commitId: two });
    const again = await Promise.all([
      handle(STREAM, "Cleo"),
      handle(STREAM, "Ada", { commitId: one }),
      handle(STREAM, "Bob", { commitId: two }),
    ]);
    expect(again.map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
    expect(again[2]?.events.map((event) => event.version)).toEqual([2]);
    const later = createCommandHandler({ store, decider: room, batch: true });
    expect((await later(STREAM, "Ada", { commitId: one })).duplicate).toBe(true);
    expect(await guests()).toEqual(["Ada", "Bob", "Cleo"]);
  });

  it("recognises commands that another process stored in a batch of its own meanwhile", async () => {
    const { handle, rival, guests, hold, letGo, nextPut } = open();
    await handle(STREAM, "0");
    const elsewhere = createCommandHandler({ store: rival, decider: room, batch: true });
    const alone = createCommandHandler({ store: rival, decider: room });
    const ids = [createCommitId(), createCommitId()];
    hold();
    const here = [
      handle(STREAM, "1", { commitId: ids[0] }),
      handle(STREAM, "2", { commitId: ids[1] }),
      handle(STREAM, "3"),
    ];
    const put = await nextPut();
    letGo();
    const there = [elsewhere(STREAM, "x"), elsewhere(STREAM, "1", { commitId: ids[0] })];
    expect((await Promise.all(there)).map(({ duplicate }) => duplicate)).toEqual([false, false]);
    put();
    expect((await Promise.all(here)).map(({ duplicate }) => duplicate)).toEqual([true, false, false]);
    expect((await alone(STREAM, "1", { commitId: ids[0] })).duplicate).toBe(true);
    expect(await guests()).toEqual(["0", "x", "1", "2", "3"]);
  });

  it("does not take another process's item for its own because the first command is the same", async () => {
    const { handle, rival, guests, hold, letGo, nextPut } = open();
    const commitId = createCommitId();
    hold();
    const here = [handle(STREAM, "1", { commitId }), handle(STREAM, "2")];
    const put = await nextPut();
    letGo();
    await rival.append(STREAM, [{ type: "Entered", data: "other words" }], { commitId });
    put();
    expect(await Promise.all(here)).toMatchObject([
      { duplicate: true, events: [{ data: "other words" }] },
      { duplicate: false, version: 2 },
    ]);
    expect(await guests()).toEqual(["other words", "2"]);
  });

  it("takes a command back while it waits, and leaves one that is being stored", async () => {
    const { handle, guests, hold, letGo, nextPut } = open();
    await handle(STREAM, "0");
    hold();
    const [written, waiting] = [new AbortController(), new AbortController()];
    const first = handle(STREAM, "1", { signal: written.signal });
    const put = await nextPut();
    const second = handle(STREAM, "2", { signal: waiting.signal });
    const outcomes = Promise.allSettled([first, second, handle(STREAM, "3")]);
    written.abort();
    waiting.abort();
    letGo();
    put();
    expect(await outcomes).toMatchObject([
      { status: "fulfilled" },
      { reason: { name: "AbortError" } },
      { status: "fulfilled" },
    ]);
    expect(await guests()).toEqual(["0", "1", "3"]);
    await expect(handle(STREAM, "4", { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
  });

  it("fails a command alone whose events are none, whose evolve throws or which fits nowhere", async () => {
    const events = defineEvents({ Entered: z.object({ name: z.string().default("nobody") }) });
    const store = createMemoryEventStore({ events });
    const decider = {
      initialState: () => 0,
      evolve(count: number, { data }: { data: { name: string } }) {
        if (data.name === "poison") throw new Error("can't fold that");
        return count + 1;
      },
      decide: (name: string, count: number) => ({
        type: "Entered" as const,
        data: (name === "bad" ? { name: count } : name === "" ? {} : { name }) as { name?: string },
      }),
    };
    const handle = createCommandHandler({ store, decider, batch: true });
    const names = ["a", "bad", "poison", "", pseudoRandomText(1, 600_000), "b"];
    const outcomes = await Promise.allSettled(names.map((name) => handle(STREAM, name)));
    expect(outcomes).toMatchObject([
      { value: { version: 1 } },
      { reason: { code: "invalidEvent" } },
      { reason: { message: "can't fold that" } },
      { value: { version: 2, events: [{ data: { name: "nobody" } }] } },
      { reason: { code: "eventTooLarge" } },
      { value: { version: 3 } },
    ]);
    expect(await collect(store.read(STREAM))).toHaveLength(3);
  });

  it("fails those who wait when the stream can't be read, and goes on with those who come later", async () => {
    const storage = createMemoryStorage();
    let failures = 1;
    const query: ChainStorage["query"] = (range) =>
      failures-- > 0 ? Promise.reject(new Error("no network")) : storage.query(range);
    const store = createMemoryEventStore({ storage: { ...storage, query } });
    const handle = createCommandHandler({ store, decider: room, batch: true });
    const outcomes = await Promise.allSettled([handle(STREAM, "1"), handle(STREAM, "2")]);
    expect(outcomes).toMatchObject([
      { reason: { message: "no network" } },
      { reason: { message: "no network" } },
    ]);
    expect(await handle(STREAM, "3")).toMatchObject({ version: 1 });
  });

  it("never answers by a state that was the stream's before the command came only", async () => {
    const { handle, rival } = open();
    // Its caller goes on at once: the batches have not ended, and know the state that the first one left.
    const second = handle(STREAM, "1").then(async () => {
      await rival.append(STREAM, [{ type: "Entered", data: "2" }]);
      return handle(STREAM, "2");
    });
    expect(await second).toMatchObject({ events: [], version: 2 });
    // The same while a batch is under way.
    let during: Promise<unknown> | undefined;
    const decide = (guest: string, state: Room) => {
      during ??= rival
        .append(STREAM, [{ type: "Entered", data: "4" }])
        .then(() => Promise.all([nosy(STREAM, "4"), nosy(STREAM, "1")]));
      return room.decide(guest, state);
    };
    const decider = { ...room, decide };
    const nosy = createCommandHandler({ store: rival, decider, batch: true });
    await nosy(STREAM, "3");
    expect(await during).toMatchObject([{ events: [] }, { events: [] }]);
    expect((await rival.load(STREAM, room)).state.guests).toEqual(["1", "2", "4", "3"]);
  });

  it("splits what does not fit into one item, and limits how many go together", async () => {
    const storage = createMemoryStorage();
    const store = createMemoryEventStore({ storage });
    const decider = {
      initialState: () => 0,
      evolve: (count: number) => count + 1,
      decide: (text: string, count: number) => ({ type: "Noted", data: { count, text } }),
    };
    const handle = createCommandHandler({ store, decider, batch: true });
    const large = Array.from({ length: 7 }, (_, seed) => pseudoRandomText(seed, 60_000));
    const small = Array.from({ length: 250 }, (_, number) => String(number));
    const texts = [...large, pseudoRandomText(9, 300_000), ...small];
    const results = await Promise.all(texts.map((text) => handle("large|1", text)));
    expect(results.map((result) => result.version)).toEqual(texts.map((_, index) => index + 1));
    const stored = await collect(store.read("large|1"));
    expect(stored.map((event) => event.data)).toEqual(texts.map((text, count) => ({ count, text })));
    const all = { chain: "large|1", from: 1, to: 1_000, backward: false, consistency: "strong" } as const;
    const { items } = await storage.query(all);
    expect(items.map((item) => Number(item["n"]?.N ?? 1))).toEqual([2, 2, 2, 1, 1, 100, 100, 50]);
  });
});

describe("on DynamoDB", () => {
  const client = connect("batches");
  const meter = meterCapacity(client, { tables: [eventsTable()] });
  const store = createEventStore({ client });
  const counter = {
    initialState: () => 0,
    evolve: (count: number) => count + 1,
    decide: (limit: number, count: number) => (count < limit ? { type: "Counted", data: count } : []),
  };
  beforeAll(() => store.ensureTables());
  beforeEach(() => meter.reset());

  /** After it, a batch that has settled its last command has ended. */
  const idle = () => new Promise((resolve) => setImmediate(resolve));

  it("32 commands at once cost 1 load and 1 append, 32 that come meanwhile 1 append more", async () => {
    const meanwhile: Promise<HandleResult<EventDefinitions, number>>[] = [];
    const decide = (limit: number, count: number): NewEvent | NewEvent[] => {
      if (count === 32) meanwhile.push(...many());
      return counter.decide(limit, count);
    };
    const handle = createCommandHandler({ store, decider: { ...counter, decide }, batch: true });
    const many = () => Array.from({ length: 32 }, () => handle("cost|1", 1_000));
    await handle("cost|1", 1_000);
    await idle();
    meter.reset();
    const results = [...(await Promise.all(many())), ...(await Promise.all(meanwhile))];
    expect(meter.calls.map((call) => call.operation)).toEqual(["Query", "PutItem", "PutItem"]);
    const sum = (unit: "requests" | "readUnits" | "writeUnits"): number =>
      results.reduce((total, { capacity }) => total + capacity[unit], 0);
    expect([sum("requests"), sum("readUnits"), sum("writeUnits")]).toEqual(Object.values(meter.total()));
    expect(meter.total()).toEqual({ requests: 3, readUnits: 1, writeUnits: 2 });
    expect((await store.load("cost|1", counter)).version).toBe(65);
  });

  it("a batch of commands that lead to nothing costs 1 load, 2 when some came during it", async () => {
    const handle = createCommandHandler({ store, decider: counter, batch: true });
    await handle("cost|1", 0);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    await idle();
    meter.reset();
    await Promise.all(Array.from({ length: 20 }, () => handle("cost|1", 0)));
    expect(meter.total()).toEqual({ requests: 2, readUnits: 2, writeUnits: 0 });
  });

  it("a command by itself costs what it costs without batches", async () => {
    const handle = createCommandHandler({ store, decider: counter, batch: true });
    const { capacity } = await handle("cost|2", 10);
    expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 2 });
    expect(capacity).toEqual(meter.total());
    await idle();
    meter.reset();
    await handle("cost|2", 10, { commitId: createCommitId() });
    expect(meter.total()).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
  });
});
