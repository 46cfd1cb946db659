import { describe, expect, it } from "vitest";
import { z } from "zod";
import { collect, counted, pseudoRandomText } from "../src/contract/fixtures.ts";
import { createKeyRing, encryptPersons } from "../src/contract/key-ring.ts";
import { createMemoryBlobs } from "../src/contract/memory-blobs.ts";
import type { RecordedEvent } from "../src/events.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { defineEvents } from "../src/index.ts";
import type { LoggedEvent, ReadAllOptions } from "../src/log/log-reads.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { type LogPlace, openMemoryPlace, PLACES } from "./log-place.ts";

/** Reading the global log, page by page. */

const fold = { initialState: () => 0, evolve: (count: number) => count + 1, snapshot: { version: "1" } };

const lineOf = ({ position, streamId, version }: LoggedEvent): string => `${position} ${streamId} ${version}`;

async function linesOf(store: EventStore, options?: ReadAllOptions): Promise<string[]> {
  return (await collect(store.readAll(options))).map(lineOf);
}

/** Three pages: positions 1 to 5, 6 to 9 and 10 to 11. */
async function fill(place: LogPlace): Promise<EventStore> {
  const store = place.open();
  for (const page of [
    [
      ["a|1", 2],
      ["b|1", 3],
    ],
    [
      ["a|1", 1],
      ["c|1", 1],
      ["b|1", 2],
    ],
    [["a|2", 2]],
  ] as const) {
    for (const [streamId, count] of page) await store.append(streamId, counted(1, count));
    await place.sequence();
  }
  return store;
}

const ALL = [
  "1 a|1 1",
  "2 a|1 2",
  "3 b|1 1",
  "4 b|1 2",
  "5 b|1 3",
  "6 a|1 3",
  "7 c|1 1",
  "8 b|1 4",
  "9 b|1 5",
  "10 a|2 1",
  "11 a|2 2",
];

describe.each(PLACES)("reading the log on %s", (name, openPlace) => {
  it("any window, in both directions, with and without a limit or a filter", async () => {
    const store = await fill(await openPlace());
    const positions = name === "memory" ? [undefined, 1, 3, 5, 6, 11, 12, 40] : [undefined, 3, 40];
    for (const low of positions) {
      for (const high of positions) {
        for (const limit of [undefined, 1, 4]) {
          for (const categories of [undefined, ["b", "c"]]) {
            const wanted = ALL.filter((line) => {
              const [position, streamId] = line.split(" ");
              const isIn = Number(position) >= (low ?? 1) && Number(position) <= (high ?? 99);
              return isIn && (categories === undefined || !streamId?.startsWith("a"));
            });
            const options = { limit, categories };
            const forward = { ...options, fromPosition: low, toPosition: high };
            expect(await linesOf(store, forward)).toEqual(wanted.slice(0, limit));
            const backward = {
              ...options,
              fromPosition: high,
              toPosition: low,
              direction: "backward",
            } as const;
            expect(await linesOf(store, backward)).toEqual(wanted.toReversed().slice(0, limit));
          }
        }
      }
    }
  });

  it("an event is what a read of its stream gives, and its position", async () => {
    const place = await openPlace();
    const keys = createKeyRing();
    const store = place.open({
      encryption: encryptPersons(keys),
      blobs: createMemoryBlobs(),
      maxItemBytes: 3_000,
    });
    await store.append("a|1", counted(1, 2), { metadata: { correlationId: "c" } });
    await store.append("a|1", [{ type: "Told", data: { person: "ada" }, metadata: { own: 1 } }], {
      metadata: { c: 2 },
    });
    await store.append("a|1", [{ type: "Told", data: { person: "bob" } }, ...counted(3)]);
    await store.append("a|1", [{ type: "Large", data: pseudoRandomText(1, 5_000) }]);
    await store.append("a|1", [{ type: "Large", data: { person: "ada", text: pseudoRandomText(2, 5_000) } }]);
    await store.append(
      "a|1",
      Array.from({ length: 6 }, (_, seed) => ({ type: "T", data: pseudoRandomText(seed, 900) })),
    );
    await Promise.all(["x", "y", "z"].map((type) => store.append("a|1", [{ type, data: type }])));
    await store.transact([
      { streamId: "b|1", events: counted(1, 2) },
      { streamId: "a|1", events: counted(1) },
    ]);
    await place.sequence();
    const check = async () => {
      const streams = await Promise.all(["a|1", "b|1"].map((streamId) => collect(store.read(streamId))));
      const byKey = new Map(streams.flat().map((event) => [`${event.streamId} ${event.version}`, event]));
      const logged = await collect(store.readAll());
      expect(logged).toHaveLength(byKey.size);
      for (const { position, ...event } of logged) {
        expect(event).toEqual(byKey.get(`${event.streamId} ${event.version}`));
        expect(position).toBeGreaterThan(0);
      }
      return logged;
    };
    await check();
    keys.drop("ada");
    const forgotten = (await check()).filter(({ type }) => type === "$forgotten");
    expect(forgotten).toHaveLength(2);
    // The filter is of types as they are stored.
    expect((await collect(store.readAll({ types: ["Told"] }))).map(({ type }) => type)).toEqual([
      "$forgotten",
      "Told",
    ]);
    expect(await collect(store.readAll({ types: ["$forgotten"] }))).toEqual([]);
  });

  it("what was truncated after it went into the log is still there", async () => {
    const place = await openPlace();
    const store = place.open();
    for (let version = 1; version <= 3; version++) await store.append("a|1", counted(version));
    await place.sequence();
    await store.truncate("a|1", fold, { before: 3 });
    expect((await collect(store.readAll())).map(({ data }) => data)).toEqual(
      [1, 2, 3].map((number) => ({ number })),
    );
    expect(await store.waitFor("a|1", 1)).toBe(1);
  });

  it("what a page only names is read from its stream; truncated, its positions have no events", async () => {
    const place = await openPlace();
    const store = place.open();
    const large = (length: number) => ({ type: "Large", data: pseudoRandomText(length, length) });
    const items = [large(200_000), large(190_000), large(180_000), large(170_000)];
    await store.append("a|1", items);
    await store.append("a|1", counted(5, 6));
    await store.append("a|1", counted(7, 8));
    await place.sequence();
    place.reads.length = 0;
    const events = await collect(store.readAll());
    expect(events.map(({ position, version, type }) => [position, version, type])).toEqual([
      [1, 1, "Large"],
      [2, 2, "Large"],
      [3, 3, "Large"],
      [4, 4, "Large"],
      ...[5, 6, 7, 8].map((version) => [version, version, "Counted"]),
    ]);
    expect(events.map(({ data }) => data).slice(0, 4)).toEqual(items.map(({ data }) => data));
    const named = place.reads.filter((read) => read.startsWith("a|1"));
    expect(named.length).toBeGreaterThan(0);
    await store.truncate("a|1", fold, { before: 5 });
    const left = await linesOf(store);
    expect(left.slice(-4)).toEqual(["5 a|1 5", "6 a|1 6", "7 a|1 7", "8 a|1 8"]);
    expect(left.length).toBe(8 - 2 * named.length);
    // A limit counts events, not positions.
    for (let limit = 1; limit <= left.length; limit++) {
      expect(await linesOf(store, { limit })).toEqual(left.slice(0, limit));
      const backward = { limit, direction: "backward" } as const;
      expect(await linesOf(store, backward)).toEqual(left.toReversed().slice(0, limit));
    }
  });

  it("refuses what is no position, limit or category", async () => {
    const store = (await openPlace()).open();
    for (const options of [
      { fromPosition: 0 },
      { toPosition: 1.5 },
      { limit: 0 },
      { categories: ["a|b"] },
      { categories: [""] },
    ]) {
      expect(() => store.readAll(options)).toThrow(RangeError);
    }
    for (const options of [{ fromPosition: 0 }, { pollIntervalMs: 0 }, { categories: [""] }]) {
      expect(() => store.subscribeAll(options)).toThrow(RangeError);
    }
    expect(await collect(store.readAll())).toEqual([]);
    expect(await collect(store.readAll({ fromPosition: 7 }))).toEqual([]);
    expect(await collect(store.readAll({ direction: "backward", fromPosition: 7 }))).toEqual([]);
  });
});

describe("reading the log", () => {
  it("is lazy: nothing is read before the first step, and nothing after the last", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    // Pages that do not fit one reply of a Query.
    for (let page = 1; page <= 12; page++) {
      await store.append("a|1", [{ type: "T", data: pseudoRandomText(page, 300_000) }]);
      await place.sequence();
    }
    place.reads.length = 0;
    const events = store.readAll();
    expect(place.reads).toEqual([]);
    for await (const { position } of events) if (position === 1) break;
    // One page is fetched ahead.
    expect(place.reads).toEqual(["$all from 1", "$all from 6"]);
    place.reads.length = 0;
    expect(await collect(store.readAll({ limit: 1, direction: "backward" }))).toHaveLength(1);
    expect(place.reads).toHaveLength(1);
  });

  it("opens nothing that a limit leaves out", async () => {
    const place = await openMemoryPlace();
    const events = defineEvents({ Counted: z.object({ number: z.number() }) });
    const untyped = place.open();
    await untyped.append("a|1", [
      { type: "Unknown", data: 0 },
      ...counted(1, 3),
      { type: "Unknown", data: 0 },
    ]);
    await place.sequence();
    const store = place.open({ events });
    expect(await collect(store.readAll({ fromPosition: 2, limit: 3 }))).toHaveLength(3);
    expect(await collect(store.readAll({ fromPosition: 4, limit: 3, direction: "backward" }))).toHaveLength(
      3,
    );
    await expect(collect(store.readAll())).rejects.toMatchObject({
      code: "unknownEventType",
      eventType: "Unknown",
    });
    expect(await collect(store.readAll({ types: ["Counted"] }))).toHaveLength(3);
    expect(await collect(place.open({ events, unknownEvents: "raw" }).readAll())).toHaveLength(5);
    const types = ["Unknown"] as never[];
    expect(() => store.readAll({ types })).toThrow(
      new TypeError('"Unknown" is none of the store\'s event types.'),
    );
    expect(() => store.subscribeAll({ types })).toThrow(TypeError);
  });

  it("hands out what an unreadable commit's stream would: an error, and all before it", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    await store.append("a|1", counted(1));
    await store.append("a|1", counted(2));
    const [first, second] = place.records.splice(0) as [RecordedItem, RecordedItem];
    await place.sequencer.sequence([first, { ...second, x: { S: "{" } }]);
    // The stream has it whole: the page only names it.
    expect(await linesOf(store)).toEqual(["1 a|1 1", "2 a|1 2"]);
    const place2 = await openMemoryPlace();
    await place2.storage.putNew(first, undefined);
    await place2.storage.putNew({ ...second, e: { S: "[[" } }, undefined);
    await place2.sequence();
    const seen: RecordedEvent[] = [];
    const read = async () => {
      for await (const event of place2.open().readAll({ limit: 1 })) seen.push(event);
      for await (const event of place2.open().readAll({ fromPosition: 2 })) seen.push(event);
    };
    await expect(read()).rejects.toMatchObject({ code: "integrity", chain: "a|1", slot: 2 });
    expect(seen).toHaveLength(1);
  });

  it("is up to date for every reader of a memory store, also for those at once", async () => {
    const storage = createMemoryStorage();
    const stores = [createMemoryEventStore({ storage }), createMemoryEventStore({ storage })];
    await stores[0]?.append("a|1", counted(1, 3));
    const reads = await Promise.all(stores.map(async (store) => collect(store.readAll())));
    expect(reads.map((events) => events.length)).toEqual([3, 3]);
  });
});

type RecordedItem = LogPlace["records"][number];
