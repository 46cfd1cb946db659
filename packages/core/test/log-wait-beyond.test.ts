import { describe, expect, it } from "vitest";
import { counted } from "../src/contract/fixtures.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import { type LogPlace, openMemoryPlace, PLACES } from "./log-place.ts";

/** Followers that wait at the end of the log: one look serves all. */

async function addPage(place: LogPlace, ...streamIds: readonly string[]): Promise<void> {
  const store = place.open();
  for (const streamId of streamIds) await store.append(streamId, counted(1));
  await place.sequence();
}

/** A runtime whose pauses end when something is done. */
function onSleep(slept: (times: number) => Promise<void> | void): Runtime {
  let times = 0;
  return { ...SYSTEM_RUNTIME, sleep: async () => slept(++times) };
}

/** A runtime whose pauses end only when they are aborted, or one says so. */
function sleepingRuntime() {
  const sleepers = new Set<() => void>();
  const sleep: Runtime["sleep"] = (_, signal) =>
    new Promise((resolve, reject) => {
      const wake = (): void => {
        sleepers.delete(wake);
        resolve();
      };
      sleepers.add(wake);
      signal?.addEventListener("abort", () => {
        sleepers.delete(wake);
        reject(signal.reason);
      });
    });
  const wake = (): void => {
    for (const each of sleepers) each();
  };
  return { runtime: { ...SYSTEM_RUNTIME, sleep }, sleepers, wake };
}

const logReads = (place: LogPlace): string[] =>
  place.reads.splice(0).filter((read) => read.startsWith("$all from"));

describe.each(PLACES)("waiting on %s for more of the log", (_, openPlace) => {
  it.each([1, 5])("costs one request a look for %i, and what is found is there for all", async (waiters) => {
    const place = await openPlace();
    await addPage(place, "a|1", "a|1");
    const runtime = onSleep(async (times) => {
      // The other sequencing does not read the log: it knows its end.
      if (times === 4) await addPage(place, "a|1", "a|1");
    });
    const reader = place.open({ runtime }).openLogReader();
    await reader.read(0);
    place.reads.length = 0;
    const all = Array.from({ length: waiters });
    await Promise.all(all.map(() => reader.waitBeyond(2)));
    const batches = await Promise.all(all.map(() => reader.read(2)));
    expect(batches.map(({ position }) => position)).toEqual(all.map(() => 4));
    expect(logReads(place)).toEqual(Array(4).fill("$all from 3"));
    // It is known now, also to those who come later.
    await reader.waitBeyond(0);
    await reader.waitBeyond(3);
    expect(logReads(place)).toEqual([]);
  });

  it("with keptBytes 1, what a look found is asked for again by each that reads it", async () => {
    const place = await openPlace();
    const runtime = onSleep(async (times) => {
      if (times === 1) await addPage(place, "a|1");
    });
    const reader = place.open({ runtime }).openLogReader({ keptBytes: 1 });
    await reader.waitBeyond(0);
    place.reads.length = 0;
    for (let follower = 0; follower < 3; follower++) await reader.read(0);
    expect(logReads(place)).toHaveLength(3);
  });

  it("beyond the end: 1 request a look after the first, until the log has come so far", async () => {
    const place = await openPlace();
    await addPage(place, "a|1", "a|1");
    const runtime = onSleep(async (times) => {
      if (times === 3) await addPage(place, "a|1", "a|1");
      if (times === 5) await addPage(place, "a|1", "a|1", "a|1");
    });
    const reader = place.open({ runtime }).openLogReader();
    place.reads.length = 0;
    await reader.waitBeyond(5);
    expect((await reader.read(5)).events.map(({ position }) => position)).toEqual([6, 7]);
    expect(place.reads.filter((read) => read.startsWith("$all"))).toEqual([
      "$all from 6",
      "$all back from 6",
      "$all from 3",
      // It has come nearer: where it ends now has to be found.
      "$all from 3",
      "$all from 6",
      "$all back from 6",
      "$all from 5",
      "$all from 5",
    ]);
  });
});

describe("waiting for more of the log", () => {
  it("at several places: each ends when the log has come so far", async () => {
    const place = await openMemoryPlace();
    await addPage(place, "a|1");
    const ended: number[] = [];
    const runtime = onSleep(() => addPage(place, "a|1", "a|1"));
    const reader = place.open({ runtime }).openLogReader();
    const waits = [6, 1, 2, 3, 4].map(async (position) => {
      await reader.waitBeyond(position);
      ended.push(position);
    });
    await Promise.all(waits);
    expect(ended).toEqual([1, 2, 3, 4, 6]);
  });

  it("ends for the one whose signal is aborted; the last one ends the looking", async () => {
    const place = await openMemoryPlace();
    const { runtime, sleepers, wake } = sleepingRuntime();
    const reader = place.open({ runtime }).openLogReader();
    const [first, second] = [new AbortController(), new AbortController()];
    const one = reader.waitBeyond(0, { signal: first.signal });
    const other = reader.waitBeyond(0, { signal: second.signal });
    const third = reader.waitBeyond(0);
    expect(sleepers.size).toBe(1);
    const reason = new Error("enough");
    first.abort(reason);
    await expect(one).rejects.toBe(reason);
    expect(sleepers.size).toBe(1);
    await addPage(place, "a|1");
    wake();
    await Promise.all([other, third]);
    expect(sleepers.size).toBe(0);
    const last = reader.waitBeyond(1, { signal: second.signal });
    expect(sleepers.size).toBe(1);
    second.abort(reason);
    await expect(last).rejects.toBe(reason);
    expect(sleepers.size).toBe(0);
    await expect(reader.waitBeyond(0, { signal: second.signal })).rejects.toBe(reason);
    // One that comes while the looking ends is looked for again.
    const again = new AbortController();
    const left = reader.waitBeyond(1, { signal: again.signal });
    again.abort(reason);
    const later = reader.waitBeyond(1);
    await expect(left).rejects.toBe(reason);
    await addPage(place, "a|1");
    await expect.poll(() => sleepers.size).toBe(1);
    wake();
    await later;
    expect(sleepers.size).toBe(0);
  });

  it("that is given up as its pause ends looks no more", async () => {
    const place = await openMemoryPlace();
    const stop = new AbortController();
    const runtime = onSleep(() => stop.abort(new Error("enough")));
    const reader = place.open({ runtime }).openLogReader();
    place.reads.length = 0;
    await expect(reader.waitBeyond(0, { signal: stop.signal })).rejects.toThrow("enough");
    expect(place.reads).toEqual([]);
  });

  it("that is given up at about the time that its pause ends looks for nobody's place", async () => {
    const place = await openMemoryPlace();
    for (let steps = 0; steps < 12; steps++) {
      const { runtime, wake } = sleepingRuntime();
      const stop = new AbortController();
      const wait = place.open({ runtime }).openLogReader().waitBeyond(0, { signal: stop.signal });
      const outcome = wait.catch((error: unknown) => error);
      stop.abort("enough");
      for (let step = 0; step < steps; step++) await Promise.resolve();
      wake();
      expect(await outcome).toBe("enough");
    }
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    // A look for the one that is about to leave is all right.
    expect(place.reads.filter((read) => read !== "$all from 1")).toEqual([]);
  });

  it("a look that fails is told to all that wait; who waits again is looked for again", async () => {
    const place = await openMemoryPlace();
    let looks = 0;
    const query: typeof place.storage.query = async (range) => {
      if (++looks === 2) throw new Error("throttled");
      return place.storage.query(range);
    };
    const runtime = onSleep(async (times) => {
      if (times === 4) await addPage(place, "a|1");
    });
    const reader = createChainEventStore({
      storage: { ...place.storage, query },
      runtime,
    }).openLogReader();
    const waits = await Promise.allSettled([reader.waitBeyond(0), reader.waitBeyond(3)]);
    expect(waits.map((each) => each.status === "rejected" && String(each.reason))).toEqual(
      Array(2).fill("Error: throttled"),
    );
    await reader.waitBeyond(0);
    expect((await reader.read(0)).position).toBe(1);
  });

  it("a runtime that can't wait is told to all that do", async () => {
    const place = await openMemoryPlace();
    let isBroken = true;
    const runtime = onSleep(async (times) => {
      if (isBroken) throw new Error("no timers");
      if (times === 3) await addPage(place, "a|1");
    });
    const reader = place.open({ runtime }).openLogReader();
    const waits = await Promise.allSettled([reader.waitBeyond(0), reader.waitBeyond(0)]);
    expect(waits.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isBroken = false;
    await reader.waitBeyond(0);
  });
});
