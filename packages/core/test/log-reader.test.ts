import { describe, expect, it } from "vitest";
import { counted } from "../src/contract/fixtures.ts";
import type { LogReader, ReadBatch } from "../src/log/log-reads.ts";
import { SYSTEM_RUNTIME } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { type LogPlace, openMemoryPlace, PLACES } from "./log-place.ts";

/** Many followers of the global log in one process: what they share, and what each is told. */

const textOf = ({ events, position, caughtUp }: ReadBatch): string =>
  `${events.map((event) => event.position).join(" ")} to ${position}${caughtUp ? ", all" : ""}`;

/** A page with one event for each of these streams. */
async function addPage(place: LogPlace, ...streamIds: readonly string[]): Promise<void> {
  const store = place.open();
  for (const streamId of streamIds) await store.append(streamId, counted(1));
  await place.sequence();
}

async function addPages(place: LogPlace, count: number): Promise<void> {
  for (let page = 0; page < count; page++) await addPage(place, "a|1", "b|1");
}

/** A store for which a Query has no more than so many pages of the log. */
function openShort(place: LogPlace, limit = 3): EventStore {
  const { storage } = place;
  const query: typeof storage.query = (range) =>
    storage.query({ ...range, limit: Math.min(limit, range.limit ?? limit) });
  return createChainEventStore({ storage: { ...storage, query } });
}

/** What a follower is given up to a position. */
async function follow(reader: LogReader, from: number, to: number): Promise<number[]> {
  const seen: number[] = [];
  let after = from;
  while (after < to) {
    const { events, position, caughtUp } = await reader.read(after);
    if (caughtUp) throw new Error(`The log ends at ${position}.`);
    seen.push(...events.map((event) => event.position));
    after = position;
  }
  return seen;
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(PLACES)("followers of the log on %s", (_, openPlace) => {
  it("have all of it for the requests of one: together, and one after the other", async () => {
    const place = await openPlace();
    await addPages(place, 20);
    const requests = async (run: (reader: LogReader) => Promise<unknown>, keptBytes?: number) => {
      const reader = openShort(place).openLogReader({ keptBytes });
      place.reads.length = 0;
      await run(reader);
      return place.reads.length;
    };
    const all = numbers(1, 40);
    const one = async (reader: LogReader) => expect(await follow(reader, 0, 40)).toEqual(all);
    const five = [one, one, one, one, one];
    const inTurn = async (reader: LogReader) => {
      for (const each of five) await each(reader);
    };
    const together = (reader: LogReader) => Promise.all(five.map((each) => each(reader)));
    const ofOne = await requests(one);
    // 20 pages, 3 a request.
    expect(ofOne).toBe(7);
    expect(await requests(together)).toBe(ofOne);
    expect(await requests(inTurn)).toBe(ofOne);
    // With nothing kept, each page is asked for by each of them; and some in vain, ahead.
    expect(await requests(inTurn, 1)).toBeGreaterThanOrEqual(5 * 20);
  });

  it("one in front and one behind share what is kept, and each look at the end is 1 request", async () => {
    const place = await openPlace();
    await addPages(place, 7);
    const reader = openShort(place).openLogReader();
    place.reads.length = 0;
    await follow(reader, 6, 14);
    expect(place.reads.splice(0)).toEqual(["$all from 7", "$all from 13"]);
    await follow(reader, 8, 14);
    expect(place.reads).toEqual([]);
    // What is before it has to be asked for, and one request more is sent ahead.
    await follow(reader, 0, 14);
    expect(place.reads.splice(0)).toEqual(["$all from 1", "$all from 7"]);
    for (let look = 0; look < 2; look++) expect(textOf(await reader.read(14))).toBe(" to 14, all");
    expect(place.reads).toEqual(["$all from 15", "$all from 15"]);
  });

  it("that ask for the same place at a time share the request, at the end too", async () => {
    const place = await openPlace();
    await addPage(place, "a|1", "b|1");
    const reader = place.open().openLogReader();
    place.reads.length = 0;
    const first = await Promise.all([reader.read(0), reader.read(0), reader.read(0)]);
    expect(first.map(textOf)).toEqual(Array(3).fill("1 2 to 2"));
    expect(place.reads.splice(0)).toEqual(["$all from 1"]);
    const end = await Promise.all([reader.read(2), reader.read(2)]);
    expect(end.map(textOf)).toEqual(Array(2).fill(" to 2, all"));
    expect(place.reads).toEqual(["$all from 3"]);
  });

  it("begin anywhere: inside a page, after everything, and beyond the end", async () => {
    const place = await openPlace();
    const reader = place.open().openLogReader();
    expect(textOf(await reader.read(0))).toBe(" to 0, all");
    await addPage(place, "a|1", "a|1", "a|1");
    await addPage(place, "a|1", "a|1");
    expect(textOf(await reader.read(1))).toBe("2 3 to 3");
    expect(textOf(await reader.read(2))).toBe("3 to 3");
    expect(textOf(await reader.read(4))).toBe("5 to 5");
    expect(textOf(await reader.read(5))).toBe(" to 5, all");
    expect(textOf(await reader.read(7))).toBe(" to 7, all");
    // The page that comes begins before it, and nothing after it tells of that.
    await addPage(place, "a|1", "a|1", "a|1", "a|1");
    expect(textOf(await reader.read(7))).toBe("8 9 to 9");
    expect(textOf(await place.open().openLogReader().read(8))).toBe("9 to 9");
  });

  it("are given at once what was added since the end was seen", async () => {
    const place = await openPlace();
    const reader = place.open().openLogReader();
    for (let page = 1; page <= 3; page++) {
      await addPage(place, "a|1");
      expect(textOf(await reader.read(page - 1))).toBe(`${page} to ${page}`);
    }
    expect(textOf(await reader.read(3))).toBe(" to 3, all");
    await addPage(place, "a|1");
    expect(textOf(await reader.read(3))).toBe("4 to 4");
  });

  it("beyond the end, look with 1 request at a time after the first", async () => {
    const place = await openPlace();
    await addPage(place, "a|1", "a|1");
    const reader = place.open().openLogReader();
    place.reads.length = 0;
    for (let look = 0; look < 3; look++) expect(textOf(await reader.read(4))).toBe(" to 4, all");
    expect(place.reads.splice(0)).toEqual(["$all from 5", "$all back from 5", "$all from 3", "$all from 3"]);
    // It comes nearer, not near enough: the new end has to be found.
    await addPage(place, "a|1");
    for (let look = 0; look < 2; look++) expect(textOf(await reader.read(4))).toBe(" to 4, all");
    expect(place.reads.filter((read) => read.startsWith("$all"))).toHaveLength(4);
    place.reads.length = 0;
    await addPage(place, "a|1", "a|1", "a|1");
    expect(textOf(await reader.read(4))).toBe("5 6 to 6");
    expect(place.reads.filter((read) => read.startsWith("$all"))).toEqual(["$all from 4"]);
  });

  it("filter each for itself", async () => {
    const place = await openPlace();
    await place.open().append("a|1", [{ type: "Rare", data: 0 }, ...counted(1)]);
    await addPage(place, "b|1", "a|1");
    const reader = place.open().openLogReader();
    expect(textOf(await reader.read(0, { categories: ["b"] }))).toBe("3 to 4");
    expect(textOf(await reader.read(0, { types: ["Rare"] }))).toBe("1 to 4");
    expect(textOf(await reader.read(1, { types: ["Rare"] }))).toBe(" to 4");
    expect(textOf(await reader.read(0, { types: ["Counted"], categories: ["a", "b"] }))).toBe("2 3 4 to 4");
  });
});

describe("a read of a shared log", () => {
  it("says how much it is, and when it was written", async () => {
    const place = await openMemoryPlace();
    let now = 5_000;
    const store = place.open({ runtime: { ...SYSTEM_RUNTIME, now: () => now } });
    const events = Array.from({ length: 10 }, (_, number) => ({
      type: "T",
      data: `${number}`.repeat(1_000),
    }));
    await store.append("a|1", events);
    now = 7_000;
    await store.append("b|1", counted(1));
    await place.sequence();
    const reader = store.openLogReader();
    const all = await reader.read(0);
    expect(all.t).toBe(7_000);
    expect(all.characters).toBeGreaterThan(10_000);
    expect(all.characters).toBeLessThan(11_000);
    const half = await reader.read(6);
    expect(half.characters / all.characters).toBeCloseTo(5 / 11, 2);
    expect((await reader.read(0, { types: ["None"] })).characters).toBe(0);
    expect(await reader.read(11)).toEqual({
      events: [],
      unreadable: [],
      position: 11,
      caughtUp: true,
      characters: 0,
      t: undefined,
    });
  });

  it("gives events that are its own: what one follower does to them, another does not see", async () => {
    const place = await openMemoryPlace();
    const event = { type: "T", data: { list: [1] }, metadata: { own: { deep: 1 } } };
    await place.open().append("a|1", [event, event]);
    await place.sequence();
    const reader = place.open().openLogReader();
    const first = await reader.read(0);
    const asGiven = structuredClone(first);
    for (const { data, metadata } of first.events) {
      (data as { list: number[] }).list.push(2);
      Object.assign(metadata["own"] as object, { deep: 2 });
    }
    expect(first).not.toEqual(asGiven);
    expect(await reader.read(0)).toEqual(asGiven);
  });

  it("ends for the one whose signal is aborted, and for no other", async () => {
    const place = await openMemoryPlace();
    await addPage(place, "a|1");
    const stop = new AbortController();
    const reason = new Error("enough");
    const query = place.storage.query.bind(place.storage);
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const storage = {
      ...place.storage,
      query: async (range: Parameters<typeof query>[0]) => {
        await asked;
        return query(range);
      },
    };
    const reader = createChainEventStore({ storage }).openLogReader();
    const one = reader.read(0, { signal: stop.signal });
    const other = reader.read(0);
    stop.abort(reason);
    await expect(one).rejects.toBe(reason);
    answer();
    expect(textOf(await other)).toBe("1 to 1");
    await expect(reader.read(0, { signal: stop.signal })).rejects.toBe(reason);
  });

  it("that fails can be repeated; so can one whose page had been asked for ahead", async () => {
    const place = await openMemoryPlace();
    await addPages(place, 6);
    const failures = new Set([1, 3]);
    let queries = 0;
    const query: typeof place.storage.query = async (range) => {
      if (failures.has(++queries)) throw new Error(`request ${queries} failed`);
      return place.storage.query({ ...range, limit: 3 });
    };
    const reader = createChainEventStore({ storage: { ...place.storage, query } }).openLogReader();
    await expect(reader.read(0)).rejects.toThrow("request 1 failed");
    // The third request is sent ahead, and fails: that comes out where it is needed, not before.
    expect(await follow(reader, 0, 6)).toEqual(numbers(1, 6));
    expect(queries).toBe(3);
    await expect(reader.read(6)).rejects.toThrow("request 3 failed");
    expect(await follow(reader, 6, 12)).toEqual(numbers(7, 12));
  });

  it("refuses what is no position, and options that can't be", async () => {
    const store = (await openMemoryPlace()).open();
    const reader = store.openLogReader();
    for (const position of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER, "1" as never]) {
      await expect(reader.read(position)).rejects.toThrow(RangeError);
      await expect(reader.waitBeyond(position)).rejects.toThrow(RangeError);
    }
    await expect(reader.read(0, { categories: ["a|b"] })).rejects.toThrow(RangeError);
    expect(() => store.openLogReader({ keptBytes: 0 })).toThrow(RangeError);
    expect(() => store.openLogReader({ pollIntervalMs: 0.5 })).toThrow(RangeError);
  });
});
