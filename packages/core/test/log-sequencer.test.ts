import { describe, expect, it } from "vitest";
import type { Item } from "../src/capacity/item-size.ts";
import { collect, counted, pseudoRandomText } from "../src/contract/fixtures.ts";
import { createCommitId } from "../src/commit-id.ts";
import { LOOK_BACK_MARGIN_MS, type SequenceResult } from "../src/log/sequencer.ts";
import { SYSTEM_RUNTIME } from "../src/runtime.ts";
import { type LogPlace, openMemoryPlace } from "./log-place.ts";

/** What a sequencer does with what it is given, fact by fact; `log-model.test.ts` has what goes wrong by chance. */

const fold = { initialState: () => 0, evolve: (count: number) => count + 1, snapshot: { version: "1" } };
const NOTHING = { requests: 0, readUnits: 0, writeUnits: 0 };
const HOUR_MS = 3_600_000;

/** The log, page by page. */
async function pagesOf(place: LogPlace): Promise<string[][]> {
  const pages = new Map<number, string[]>();
  const { items } = await place.storage.query({
    chain: "$all",
    from: 1,
    to: Number.MAX_SAFE_INTEGER,
    backward: false,
    consistency: "strong",
  });
  for (const { s } of items) pages.set(Number(s?.N), []);
  let lines: string[] = [];
  for (const { position, streamId, version } of await collect(place.open().readAll())) {
    lines = pages.get(position) ?? lines;
    lines.push(`${streamId} ${version}`);
  }
  return [...pages.values()];
}

/** Sequences, and answers what it read and what came of it. */
async function sequence(
  place: LogPlace,
  items: readonly Item[],
): Promise<{ reads: string[] } & SequenceResult> {
  place.reads.length = 0;
  const result = await place.sequencer.sequence(items);
  return { ...result, reads: [...place.reads] };
}

/** A store whose clock says what the test says. */
function clocked(place: LogPlace) {
  const clock = { now: 1_763_900_000_000 };
  const runtime = { ...SYSTEM_RUNTIME, now: () => clock.now };
  return { clock, store: place.open({ runtime }) };
}

const BACK = `$all back from ${Number.MAX_SAFE_INTEGER}`;

describe("a sequencer", () => {
  it("appends what it is given once: delivered again, in parts, to another sequencer, or by one that knows nothing", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    await store.append("a|1", counted(1, 2));
    await store.append("a|1", counted(3));
    await store.append("b|1", counted(1));
    const records = place.records.splice(0);
    const first = await sequence(place, records);
    expect(first).toMatchObject({ appended: 4, position: 4, late: [], reads: [BACK] });
    expect(first.capacity).toEqual({ requests: 2, readUnits: 1, writeUnits: 1 });
    const again = await sequence(place, records.toReversed());
    expect(again).toMatchObject({ appended: 0, position: 4, capacity: NOTHING, reads: [] });
    place.reads.length = 0;
    const other = place.openSequencer();
    expect(await other.sequence(records.slice(1))).toMatchObject({ appended: 0, position: 4 });
    expect(place.reads).toEqual([BACK]);
    await store.append("a|1", counted(4));
    const last = place.records.splice(0);
    expect(await other.sequence(last)).toMatchObject({ appended: 1, position: 5 });
    // It loses the next slot to the other, and sees that nothing is left to do.
    expect(await sequence(place, last)).toMatchObject({ appended: 0, position: 5, reads: ["$all from 6"] });
    expect(await pagesOf(place)).toEqual([["a|1 1", "a|1 2", "a|1 3", "b|1 1"], ["a|1 4"]]);
  });

  it("nothing to do costs nothing", async () => {
    const place = await openMemoryPlace();
    expect(await sequence(place, [])).toEqual({
      appended: 0,
      position: 0,
      late: [],
      capacity: NOTHING,
      reads: [],
    });
  });

  it("passes over snapshots, ends without events, and the system's chains", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    await store.append("a|1", counted(1));
    await place.sequence();
    const { items } = await place.storage.query({
      chain: "$all",
      from: 1,
      to: 9,
      backward: false,
      consistency: "strong",
    });
    await store.append("a|1", [], { close: true });
    const closing = place.records.splice(0);
    const state = {
      p: { S: "a|1" },
      s: { N: "9007199254740992" },
      v: { N: "1" },
      t: { N: "1" },
      z: { S: "1" },
    };
    const queue = { ...closing[0], p: { S: "$queue|mail" }, n: { N: "1" } };
    expect(closing).toHaveLength(1);
    const all = [...items, ...closing, state, queue];
    expect(await sequence(place, all)).toEqual({
      appended: 0,
      position: 1,
      late: [],
      capacity: NOTHING,
      reads: [],
    });
    for (const item of all) expect(await store.eventsIn(item)).toEqual([]);
  });

  it("reads a predecessor that is young and not in the log from the table, and takes it first", async () => {
    const place = await openMemoryPlace();
    const { store, clock } = clocked(place);
    for (let version = 1; version <= 4; version++) {
      await store.append("a|1", counted(version));
      clock.now += 1_000;
    }
    const [first, , , last] = place.records.splice(0) as [Item, Item, Item, Item];
    await sequence(place, [first]);
    const result = await sequence(place, [last]);
    expect(result).toMatchObject({ appended: 3, late: [], reads: ["a|1 back from 3", "a|1 back from 2"] });
    expect(await pagesOf(place)).toEqual([["a|1 1"], ["a|1 2", "a|1 3", "a|1 4"]]);
  });

  it("puts records into order that come in another: no reads", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    for (let version = 1; version <= 4; version++) await store.append("a|1", counted(version));
    const result = await sequence(place, place.records.splice(0).toReversed());
    expect(result).toMatchObject({ appended: 4, late: [], reads: [BACK] });
    expect(await pagesOf(place)).toEqual([["a|1 1", "a|1 2", "a|1 3", "a|1 4"]]);
  });

  it("a commit that comes when its successor is in the log goes behind it, and is reported", async () => {
    const place = await openMemoryPlace();
    const { store, clock } = clocked(place);
    await store.append("a|1", counted(1, 2));
    clock.now += LOOK_BACK_MARGIN_MS + 1;
    await store.append("a|1", counted(3));
    await store.append("b|1", counted(1));
    const [old, young, other] = place.records.splice(0) as [Item, Item, Item];
    // The one before is older than what is looked back at: it is not looked for.
    expect(await sequence(place, [young])).toMatchObject({ appended: 1, late: [], reads: [BACK] });
    const result = await sequence(place, [other, old]);
    expect(result).toMatchObject({ appended: 3, late: [{ streamId: "a|1", version: 1, position: 3 }] });
    expect(await pagesOf(place)).toEqual([["a|1 3"], ["b|1 1", "a|1 1", "a|1 2"]]);
    // A millisecond less, and it is.
    const within = await openMemoryPlace();
    const again = clocked(within);
    await again.store.append("a|1", counted(1, 2));
    again.clock.now += LOOK_BACK_MARGIN_MS;
    await again.store.append("a|1", counted(3));
    expect(await sequence(within, within.records.splice(1))).toMatchObject({ appended: 3, late: [] });
  });

  it("keeps the parts of a transaction together: those that did not arrive are read once", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    await store.append("b|1", counted(1));
    await place.sequence();
    await store.transact(["a|1", "b|1", "c|1"].map((streamId) => ({ streamId, events: counted(1, 2) })));
    const [a, b, c] = place.records.splice(0) as [Item, Item, Item];
    expect(await sequence(place, [b])).toMatchObject({
      appended: 6,
      reads: ["a|1 back from 1", "c|1 back from 1"],
    });
    // When the others come, from other shards, nothing is read.
    expect(await sequence(place, [a])).toMatchObject({ appended: 0, capacity: NOTHING, reads: [] });
    expect(await sequence(place, [c])).toMatchObject({ appended: 0, capacity: NOTHING, reads: [] });
    expect(await pagesOf(place)).toEqual([["b|1 1"], ["a|1 1", "a|1 2", "b|1 2", "b|1 3", "c|1 1", "c|1 2"]]);
  });

  it("takes the predecessors of all parts of a transaction first", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    await store.append("a|1", counted(1));
    await store.transact(["b|1", "c|1"].map((streamId) => ({ streamId, events: counted(1) })));
    await store.transact(["a|1", "b|1"].map((streamId) => ({ streamId, events: counted(2) })));
    const last = place.records.splice(0).at(-1) as Item;
    await sequence(place, [last]);
    expect(await pagesOf(place)).toEqual([["a|1 1", "b|1 1", "c|1 1", "a|1 2", "b|1 2"]]);
  });

  it("keeps the items of one commit together: those that did not arrive are read", async () => {
    const place = await openMemoryPlace();
    const store = place.open({ maxItemBytes: 1_500 });
    const events = Array.from({ length: 4 }, (_, seed) => ({
      type: "T",
      data: pseudoRandomText(seed, 1_000),
    }));
    await store.append("a|1", events);
    const records = place.records.splice(0);
    expect(records).toHaveLength(4);
    const result = await sequence(place, records.slice(2, 3));
    expect(result.appended).toBe(4);
    expect(result.reads).toEqual([BACK, "a|1 back from 1", "a|1 back from 2", "a|1 back from 4"]);
    expect(await sequence(place, records)).toMatchObject({ appended: 0, capacity: NOTHING, reads: [] });
    expect(await pagesOf(place)).toEqual([["a|1 1", "a|1 2", "a|1 3", "a|1 4"]]);
  });

  it("what was truncated before it came is left out, and the rest goes on", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    for (let version = 1; version <= 4; version++) await store.append("a|1", counted(version));
    const last = place.records.splice(0).at(-1) as Item;
    await store.truncate("a|1", fold, { before: 3 });
    expect(await sequence(place, [last])).toMatchObject({ appended: 2, late: [] });
    expect(await pagesOf(place)).toEqual([["a|1 3", "a|1 4"]]);
  });

  it("calls that wait for each other share a page; what came of them is counted once", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    for (const streamId of ["a|1", "b|1", "c|1", "d|1"]) await store.append(streamId, counted(1, 2));
    const calls = place.records.splice(0).map((item) => place.sequencer.sequence([item]));
    const results = await Promise.all(calls);
    expect(results.map(({ appended, position }) => [appended, position])).toEqual([
      [2, 2],
      [6, 8],
      [0, 8],
      [0, 8],
    ]);
    expect(results.map(({ capacity }) => capacity.requests)).toEqual([2, 1, 0, 0]);
    expect((await pagesOf(place)).map((page) => page.length)).toEqual([2, 6]);
  });

  it("a call can be given up as long as it waits", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    for (const streamId of ["a|1", "b|1"]) await store.append(streamId, counted(1));
    const [a, b] = place.records.splice(0) as [Item, Item];
    const given = new AbortController();
    const first = place.sequencer.sequence([a]);
    const second = place.sequencer.sequence([b], { signal: given.signal });
    given.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    expect(await first).toMatchObject({ appended: 1 });
    expect(await pagesOf(place)).toEqual([["a|1 1"]]);
  });

  it("what nobody can read does not stop it", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    await store.append("a|1", counted(1));
    await store.append("b|1", counted(1));
    const [a, b] = place.records.splice(0) as [Item, Item];
    for (const broken of [
      { x: { S: "{" } },
      { e: { S: "[" } },
      { e: { B: Buffer.from("x") }, f: { N: "1" } },
    ]) {
      const here = await openMemoryPlace();
      await here.storage.putNew({ ...a, ...broken }, undefined);
      await here.storage.putNew(b, undefined);
      expect(await here.sequence()).toMatchObject({ appended: 2, position: 2 });
      const events = await collect(here.open().readAll({ fromPosition: 2 }));
      expect(events).toMatchObject([{ streamId: "b|1", position: 2 }]);
    }
  });
});

describe("how far the log is read", () => {
  /** A log of a page each minute, for hours. */
  async function longLog(minutes: number) {
    const place = await openMemoryPlace();
    const { store, clock } = clocked(place);
    for (let minute = 0; minute < minutes; minute++) {
      await store.append(`a|${minute}`, counted(1));
      await place.sequence();
      clock.now += 60_000;
    }
    return { place, store, clock };
  }

  it("the first call of a process reads the pages of ten minutes; the next reads nothing", async () => {
    const { place, store } = await longLog(200);
    await store.append("b|1", counted(1));
    await store.append("b|1", counted(2));
    const [one, two] = place.records.splice(0) as [Item, Item];
    place.reads.length = 0;
    const cold = place.openSequencer();
    // Pages of four items, then sixteen: ten are young enough.
    expect(await cold.sequence([one])).toMatchObject({
      appended: 1,
      capacity: { requests: 3, readUnits: 2 },
    });
    expect(place.reads).toEqual([BACK, "$all back from 196"]);
    expect((await cold.sequence([two])).capacity).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    expect(place.reads).toHaveLength(2);
  });

  it("imports of events that were recorded long ago are as young as the import", async () => {
    const { place, store } = await longLog(200);
    const commits = Array.from({ length: 30 }, (_, index) => ({
      streamId: `permit|${index}`,
      firstVersion: 1,
      commitId: createCommitId(),
      recordedAt: new Date(Date.UTC(2011, 9, index + 1)).toISOString(),
      closes: false,
      events: [{ type: "Received", data: null }],
    }));
    await store.importCommits(commits);
    const records = place.records.splice(0);
    expect(records).toHaveLength(30);
    const result = await sequence(place, records);
    expect(result).toMatchObject({
      appended: 30,
      late: [],
      reads: [],
      capacity: { requests: 1, readUnits: 0 },
    });
    const events = await collect(place.open().readAll({ fromPosition: 201 }));
    expect(events.map(({ recordedAt }) => recordedAt.toISOString())).toEqual(
      commits.map(({ recordedAt }) => recordedAt),
    );
    place.reads.length = 0;
    expect(await place.openSequencer().sequence(records)).toMatchObject({ appended: 0 });
    expect(place.reads).toEqual([BACK, "$all back from 197"]);
  });

  it("an old batch has the log read back to its time, and no further", async () => {
    const { place, store, clock } = await longLog(120);
    const now = clock.now;
    clock.now = now - 1.5 * HOUR_MS;
    await store.append("old|1", counted(1));
    const old = place.records.splice(0);
    const first = await sequence(place, old);
    expect(first).toMatchObject({ appended: 1, late: [] });
    // 100 of the 120 pages are young enough.
    expect(first.reads).toEqual([
      "$all back from 120",
      "$all back from 116",
      "$all back from 100",
      "$all back from 36",
    ]);
    // While a process lags behind, what it needs is kept.
    expect((await sequence(place, old)).reads).toEqual([]);
  });

  it("one commit of a clock far ahead does not make every later batch read the log back", async () => {
    const { place, store, clock } = await longLog(5);
    const { now } = clock;
    clock.now = now + 48 * HOUR_MS;
    await store.append("ahead|1", counted(1));
    clock.now = now;
    expect(await sequence(place, place.records.splice(0))).toMatchObject({ appended: 1 });
    for (let commit = 0; commit < 3; commit++) {
      await store.append("behind|1", counted(1));
      // The page's time stays ahead, and what the log has is known all the same.
      const records = place.records.splice(0);
      expect(await sequence(place, records)).toMatchObject({ appended: 1, reads: [], late: [] });
      expect(await sequence(place, records)).toMatchObject({ appended: 0, reads: [] });
    }
  });

  it("commits carry whole milliseconds, whatever clock they come from", async () => {
    const { place, store, clock } = await longLog(1);
    clock.now += 0.25;
    await store.append("fraction|1", counted(1));
    const [item] = place.records.splice(0);
    expect(item?.["t"]?.N).toMatch(/^[0-9]+$/);
  });
});
