import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { counted } from "../src/contract/fixtures.ts";
import { SYSTEM_RUNTIME } from "../src/runtime.ts";
import type { LogBatch, SubscribeAllOptions } from "../src/log/log-reads.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { type LogPlace, openMemoryPlace, PLACES } from "./log-place.ts";

/** Following the global log, and waiting for events in it. */

const fold = { initialState: () => 0, evolve: (count: number) => count + 1, snapshot: { version: "1" } };

const textOf = ({ events, position, caughtUp }: LogBatch): string =>
  `${events.map((event) => event.position).join(" ")} to ${position}${caughtUp ? ", all" : ""}`;

/** What a subscription gives until it has said so often that it has seen all. */
async function follow(
  store: EventStore,
  options: SubscribeAllOptions & {
    readonly times?: number;
    readonly atEnd?: (times: number) => Promise<void>;
  },
): Promise<string[]> {
  const { times = 1, atEnd, ...rest } = options;
  const batches: string[] = [];
  let ends = 0;
  for await (const batch of store.subscribeAll({ pollIntervalMs: 1, ...rest })) {
    batches.push(textOf(batch));
    if (!batch.caughtUp) continue;
    if (++ends === times) break;
    await atEnd?.(ends);
  }
  return batches;
}

/** A page with one event for each of these streams. */
async function addPage(place: LogPlace, ...streamIds: readonly string[]): Promise<void> {
  const store = place.open();
  for (const streamId of streamIds) await store.append(streamId, counted(1));
  await place.sequence();
}

describe.each(PLACES)("a subscription on %s", (_, openPlace) => {
  it("gives what is there, says once that it is all, and goes on with what comes", async () => {
    const place = await openPlace();
    await addPage(place, "a|1", "b|1");
    await addPage(place, "a|1");
    const atEnd = (times: number) => (times === 1 ? addPage(place, "c|1", "a|1") : addPage(place, "c|1"));
    expect(await follow(place.open(), { times: 3, atEnd })).toEqual([
      "1 2 to 2",
      "3 to 3",
      " to 3, all",
      "4 5 to 5",
      " to 5, all",
      "6 to 6",
      " to 6, all",
    ]);
  });

  it("moves on past what is filtered out", async () => {
    const place = await openPlace();
    await addPage(place, "a|1", "b|1");
    await addPage(place, "a|1");
    await addPage(place, "a|1", "b|1");
    const store = place.open();
    expect(await follow(store, { categories: ["b"] })).toEqual(["2 to 2", " to 3", "5 to 5", " to 5, all"]);
    expect(await follow(store, { types: ["Other"] })).toEqual([" to 2", " to 3", " to 5", " to 5, all"]);
  });

  it("resumes anywhere: inside a page, after everything, and beyond the end", async () => {
    const place = await openPlace();
    await addPage(place, "a|1", "a|1", "a|1");
    await addPage(place, "a|1", "a|1");
    const store = place.open();
    expect(await follow(store, { fromPosition: 2 })).toEqual(["2 3 to 3", "4 5 to 5", " to 5, all"]);
    expect(await follow(store, { fromPosition: 5 })).toEqual(["5 to 5", " to 5, all"]);
    const addOne = () => addPage(place, "a|1");
    expect(await follow(store, { fromPosition: 6, times: 2, atEnd: addOne })).toEqual([
      " to 5, all",
      "6 to 6",
      " to 6, all",
    ]);
    // The page that comes begins before it, and nothing after it tells of that.
    const addThree = () => addPage(place, "a|1", "a|1", "a|1");
    expect(await follow(store, { fromPosition: 9, times: 2, atEnd: addThree })).toEqual([
      " to 8, all",
      "9 to 9",
      " to 9, all",
    ]);
  });

  it("a position beyond an empty log is come to", async () => {
    const place = await openPlace();
    const addThree = () => addPage(place, "a|1", "a|1", "a|1");
    expect(await follow(place.open(), { fromPosition: 2, times: 2, atEnd: addThree })).toEqual([
      " to 1, all",
      "2 3 to 3",
      " to 3, all",
    ]);
  });
});

describe("a subscription", () => {
  it("looks with one request at a time", async () => {
    const place = await openMemoryPlace();
    await addPage(place, "a|1", "a|1");
    const stop = new AbortController();
    let looks = 0;
    const runtime = { ...SYSTEM_RUNTIME, sleep: async () => void (++looks === 4 && stop.abort()) };
    place.reads.length = 0;
    for await (const batch of place.open({ runtime }).subscribeAll({ signal: stop.signal })) void batch;
    expect(place.reads).toEqual(["$all from 1", ...Array(3).fill("$all from 3")]);
  });

  it("resumed after everything looks back once, and then with one request at a time", async () => {
    const place = await openMemoryPlace();
    await addPage(place, "a|1", "a|1");
    const stop = new AbortController();
    let looks = 0;
    const runtime = { ...SYSTEM_RUNTIME, sleep: async () => void (++looks === 4 && stop.abort()) };
    place.reads.length = 0;
    const batches: string[] = [];
    for await (const batch of place
      .open({ runtime })
      .subscribeAll({ fromPosition: 3, signal: stop.signal })) {
      batches.push(textOf(batch));
    }
    expect(batches).toEqual([" to 2, all"]);
    expect(place.reads).toEqual(["$all from 3", "$all back from 3", ...Array(3).fill("$all from 3")]);
  });

  it("ends without an error when its signal is aborted: before, between batches, in a read and in a wait", async () => {
    const place = await openMemoryPlace();
    await addPage(place, "a|1");
    await addPage(place, "a|1");
    const store = place.open();
    const run = async (options: SubscribeAllOptions, then?: (batch: LogBatch) => void) => {
      const seen: string[] = [];
      for await (const batch of store.subscribeAll(options)) {
        seen.push(textOf(batch));
        then?.(batch);
      }
      return seen;
    };
    expect(await run({ signal: AbortSignal.abort() })).toEqual([]);
    const between = new AbortController();
    expect(await run({ signal: between.signal }, () => between.abort())).toEqual(["1 to 1"]);
    const waiting = new AbortController();
    const abortSoon = ({ caughtUp }: LogBatch) => void (caughtUp && setImmediate(() => waiting.abort()));
    const waited = await run({ signal: waiting.signal, pollIntervalMs: 600_000 }, abortSoon);
    expect(waited).toEqual(["1 to 1", "2 to 2", " to 2, all"]);
    const reading = new AbortController();
    const slow = place.open();
    const query = place.storage.query.bind(place.storage);
    Object.assign(place.storage, {
      query: async (range: Parameters<typeof query>[0]) => {
        reading.abort();
        range.signal?.throwIfAborted();
        return query(range);
      },
    });
    for await (const batch of slow.subscribeAll({ signal: reading.signal })) expect(batch).toBeUndefined();
  });

  it("what goes wrong comes out of the loop", async () => {
    const place = await openMemoryPlace();
    await place.storage.putNew(
      { p: { S: "$all" }, s: { N: "1" }, i: { B: new Uint8Array(16) }, t: { N: "1" }, f: { N: "9" } },
      undefined,
    );
    const first = place.open().subscribeAll()[Symbol.asyncIterator]().next();
    await expect(first).rejects.toMatchObject({ code: "integrity", chain: "$all" });
  });
});

describe.each(PLACES)("waiting on %s for an event to be in the log", (_, openPlace) => {
  it("ends at once when it is there, whatever came after it", async () => {
    const place = await openPlace();
    const store = place.open();
    await store.append("a|1", counted(1, 3));
    await store.append("b|1", counted(1, 2));
    await place.sequence();
    for (let page = 0; page < 12; page++) await addPage(place, "c|1");
    for (const [streamId, version, position] of [
      ["a|1", 1, 1],
      ["a|1", 3, 3],
      ["b|1", 2, 5],
      ["c|1", 12, 17],
    ] as const) {
      expect(await store.waitFor(streamId, version, { timeoutMs: 1 })).toBe(position);
    }
  });

  it("ends when it comes: appended already or not yet", async () => {
    const place = await openPlace();
    const store = place.open();
    await addPage(place, "c|1");
    await store.append("a|1", counted(1, 2));
    const soon = store.waitFor("a|1", 2, { pollIntervalMs: 1 });
    const later = store.waitFor("b|1", 1, { pollIntervalMs: 1 });
    await place.sequence();
    expect(await soon).toBe(3);
    await addPage(place, "b|1");
    expect(await later).toBe(4);
  });

  it("gives up in time", async () => {
    const place = await openPlace();
    const store = place.open();
    const failure = { code: "waitTimeout", timeoutMs: 20, retryable: true };
    const options = { timeoutMs: 20, pollIntervalMs: 5 };
    await expect(store.waitFor("a|1", 1, options)).rejects.toMatchObject({
      ...failure,
      awaited: "version 1 of stream a|1 in the log",
    });
    await addPage(place, "a|1");
    await expect(store.waitFor("a|1", 2, options)).rejects.toMatchObject(failure);
    await store.append("a|1", counted(2));
    await expect(store.waitFor("a|1", 2, options)).rejects.toMatchObject(failure);
  });

  it("what was truncated before it went into the log is waited for no longer", async () => {
    const place = await openPlace();
    const store = place.open();
    for (let version = 1; version <= 4; version++) await store.append("a|1", counted(version));
    await place.sequencer.sequence(place.records.splice(0, 1));
    await store.truncate("a|1", fold, { before: 4 });
    expect(await store.waitFor("a|1", 1)).toBe(1);
    await expect(store.waitFor("a|1", 2)).rejects.toMatchObject({ code: "streamTruncated", firstVersion: 4 });
    const empty = await openPlace();
    const other = empty.open();
    for (let version = 1; version <= 2; version++) await other.append("a|1", counted(version));
    await other.truncate("a|1", fold, { before: 2 });
    await expect(other.waitFor("a|1", 1)).rejects.toMatchObject({ code: "streamTruncated", firstVersion: 2 });
    // The stream ends there: what is not appended yet is not truncated.
    const options = { timeoutMs: 10, pollIntervalMs: 5 };
    await expect(other.waitFor("a|1", 9, options)).rejects.toMatchObject({ code: "waitTimeout" });
  });

  it("can be given up", async () => {
    const place = await openPlace();
    const store = place.open();
    const reason = new Error("enough");
    await expect(store.waitFor("a|1", 1, { signal: AbortSignal.abort(reason) })).rejects.toBeDefined();
    const waiting = new AbortController();
    const waited = store.waitFor("a|1", 1, {
      signal: waiting.signal,
      pollIntervalMs: 600_000,
      timeoutMs: 600_000,
    });
    const outcome = waited.catch((error: unknown) => error);
    await sleep(1);
    waiting.abort(reason);
    expect(await outcome).toSatisfy(
      (error: Error) => error === reason || error.cause === reason || error.name === "AbortError",
    );
  });
});

describe("waiting for an event to be in the log", () => {
  it("looks with one request at a time, behind what it has seen", async () => {
    const place = await openMemoryPlace();
    await addPage(place, "c|1");
    await place.open().append("a|1", counted(1));
    const records = place.records.splice(0);
    let looks = 0;
    const runtime = {
      ...SYSTEM_RUNTIME,
      async sleep() {
        if (++looks === 2) await addPage(place, "b|1");
        if (looks === 4) await place.sequencer.sequence(records);
      },
    };
    place.reads.length = 0;
    expect(await place.open({ runtime }).waitFor("a|1", 1)).toBe(3);
    const reads = place.reads.filter((read) => !read.startsWith("b|1"));
    expect(reads).toEqual([
      `$all back from ${Number.MAX_SAFE_INTEGER}`,
      "a|1 back from 1",
      "$all from 2",
      "$all from 2",
      "$all from 2",
      "$all from 3",
      "$all from 3",
    ]);
  });

  it("a time that jumps does not end it", async () => {
    const place = await openMemoryPlace();
    let now = 1_000;
    let looks = 0;
    const runtime = {
      ...SYSTEM_RUNTIME,
      now: () => (now += 1_000_000),
      monotonic: () => 5,
      async sleep() {
        if (++looks === 3) await addPage(place, "a|1");
      },
    };
    expect(await place.open({ runtime }).waitFor("a|1", 1)).toBe(1);
  });

  it("refuses what is no version, time or stream", async () => {
    const store = (await openMemoryPlace()).open();
    await expect(store.waitFor("a|1", 0)).rejects.toThrow(RangeError);
    await expect(store.waitFor("a|1", 1, { timeoutMs: 0 })).rejects.toThrow(RangeError);
    await expect(store.waitFor("a|1", 1, { pollIntervalMs: 0.5 })).rejects.toThrow(RangeError);
    await expect(store.waitFor("$all", 1)).rejects.toMatchObject({ code: "invalidStreamId" });
  });
});
