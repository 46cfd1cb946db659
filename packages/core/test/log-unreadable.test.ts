import { describe, expect, it } from "vitest";
import { z } from "zod";
import { pseudoRandomText } from "../src/contract/fixtures.ts";
import { createKeyRing, encryptPersons } from "../src/contract/key-ring.ts";
import { createMemoryBlobs } from "../src/contract/memory-blobs.ts";
import { defineEvents, type NewEvent, nextVersion } from "../src/index.ts";
import type { ReadBatch } from "../src/log/log-reads.ts";
import { type LogPlace, openMemoryPlace, PLACES } from "./log-place.ts";

/** Events of the log that can't be given: they are told apart, and do not stand in the way of the others. */

const numbered = z.object({ number: z.number() });
/** Number 13 has no newer form. */
const moved = nextVersion(numbered, numbered, ({ number }) => {
  if (number === 13) throw new Error("unlucky");
  return { number: number * 10 };
});
const events = defineEvents({ Counted: moved });

const ok: NewEvent = { type: "Counted", data: { number: 1 } };
const unlucky: NewEvent = { type: "Counted", data: { number: 13 } };
const unknown: NewEvent = { type: "Unknown", data: 0 };

/** What was read, and what not, by position. */
function told({ events: given, unreadable, position }: ReadBatch) {
  return {
    given: given.map((event) => event.position),
    position,
    unreadable: unreadable.map((event) => [
      event.position,
      `${event.streamId} ${event.version}`,
      event.type,
      (event.error as { readonly code: string }).code,
    ]),
  };
}

/** Appends as of the release before, without definitions. */
async function fill(place: LogPlace, ...commits: readonly (readonly NewEvent[])[]): Promise<void> {
  const store = place.open();
  for (const commit of commits) await store.append("a|1", commit);
  await place.sequence();
}

describe.each(PLACES)("events of a page on %s that can't be read", (_, openPlace) => {
  it("at its first, middle and last place, and inside of a commit", async () => {
    const place = await openPlace();
    await fill(place, [unlucky], [ok, ok, unknown, ok], [unknown, unlucky], [ok], [ok, unlucky], [unknown]);
    await fill(place, [ok]);
    const reader = place.open({ events }).openLogReader();
    place.reads.length = 0;
    const all = await reader.read(0);
    expect(told(all)).toEqual({
      given: [2, 3, 5, 8, 9],
      position: 11,
      unreadable: [
        [1, "a|1 1", "Counted", "upcast"],
        [4, "a|1 4", "Unknown", "unknownEventType"],
        [6, "a|1 6", "Unknown", "unknownEventType"],
        [7, "a|1 7", "Counted", "upcast"],
        [10, "a|1 10", "Counted", "upcast"],
        [11, "a|1 11", "Unknown", "unknownEventType"],
      ],
    });
    expect(all.events.map(({ version, data }) => [version, data])).toEqual(
      [2, 3, 5, 8, 9].map((version) => [version, { number: 10 }]),
    );
    // What is said of an event is what a read of it throws.
    expect(all.unreadable[0]?.error).toMatchObject({ streamId: "a|1", version: 1, eventType: "Counted" });
    expect(told(await reader.read(11))).toEqual({ given: [12], position: 12, unreadable: [] });
    expect(place.reads).toEqual(["$all from 1"]);
  });

  it("count where they are asked for: not before a position, of another type or category", async () => {
    const place = await openPlace();
    await fill(place, [unlucky, ok, unknown, ok, unlucky]);
    await place.open().append("b|1", [unknown, ok]);
    await place.sequence();
    const reader = place.open({ events }).openLogReader();
    const unreadable = async (...read: Parameters<typeof reader.read>) =>
      (await reader.read(...read)).unreadable.map(({ position }) => position);
    expect(await unreadable(0)).toEqual([1, 3, 5]);
    expect(await unreadable(1)).toEqual([3, 5]);
    expect(await unreadable(3)).toEqual([5]);
    expect(await unreadable(0, { types: ["Counted"] })).toEqual([1, 5]);
    expect(await unreadable(5)).toEqual([6]);
    expect(await unreadable(5, { categories: ["a"] })).toEqual([]);
    expect(await unreadable(5, { types: ["Counted"] })).toEqual([]);
    // Nothing is wrong with them for who takes them as they are.
    const raw = place.open({ events: defineEvents({ Counted: numbered }), unknownEvents: "raw" });
    expect(told(await raw.openLogReader().read(0))).toEqual({
      given: [1, 2, 3, 4, 5],
      position: 5,
      unreadable: [],
    });
  });
});

describe("what can't be read of the log", () => {
  it("without the keys and the blobs: only what needs them", async () => {
    const place = await openMemoryPlace();
    const blobs = createMemoryBlobs();
    const encryption = encryptPersons(createKeyRing());
    const store = place.open({ encryption, blobs, maxItemBytes: 3_000 });
    const large = (seed: number): NewEvent => ({ type: "Large", data: pseudoRandomText(seed, 5_000) });
    await store.append("a|1", [ok, { type: "Told", data: { person: "ada" } }, ok]);
    await store.append("a|1", [large(1), large(2), ok]);
    await place.sequence();
    expect(told(await place.open().openLogReader().read(0))).toEqual({
      given: [1, 3, 6],
      position: 6,
      unreadable: [
        [2, "a|1 2", "Told", "encryptionMissing"],
        [4, "a|1 4", "Large", "blobsMissing"],
        [5, "a|1 5", "Large", "blobsMissing"],
      ],
    });
    const [gone = ""] = blobs.bodies.keys();
    blobs.bodies.delete(gone);
    const reader = place.open({ encryption, blobs }).openLogReader();
    const all = await reader.read(0);
    expect(all.events).toHaveLength(5);
    expect(all.unreadable).toMatchObject([{ position: 4, type: "Large", error: { code: "integrity" } }]);
  });

  it("because a hook fails is not said of the events: the read fails, and can be repeated", async () => {
    const place = await openMemoryPlace();
    const encryption = encryptPersons(createKeyRing());
    const blobs = createMemoryBlobs();
    const store = place.open({ encryption, blobs, maxItemBytes: 3_000 });
    await store.append("a|1", [ok, { type: "Told", data: { person: "ada" } }]);
    await place.sequence();
    await store.append("a|1", [{ type: "Large", data: pseudoRandomText(1, 5_000) }, ok]);
    // Beside one that can't be read for good, too.
    await store.append("a|1", [{ type: "Unknown", data: 0 }]);
    await place.sequence();
    let isDown = true;
    const failing = <Hook extends (...args: never[]) => unknown>(hook: Hook, error: Error): Hook =>
      (async (...args: never[]) => {
        if (isDown) throw error;
        return hook(...args);
      }) as unknown as Hook;
    const keysDown = new Error("keys are down");
    const blobsDown = new Error("blobs are down");
    const definitions = defineEvents({ Counted: numbered, Told: z.unknown(), Large: z.unknown() });
    const reader = place
      .open({
        events: definitions,
        encryption: { ...encryption, decrypt: failing(encryption.decrypt, keysDown) },
        blobs: { ...blobs, get: failing(blobs.get, blobsDown) },
      })
      .openLogReader();
    await expect(reader.read(0)).rejects.toBe(keysDown);
    await expect(reader.read(2)).rejects.toBe(blobsDown);
    isDown = false;
    expect((await reader.read(0)).events).toHaveLength(2);
    expect(told(await reader.read(2))).toEqual({
      given: [3, 4],
      position: 5,
      unreadable: [[5, "a|1 5", "Unknown", "unknownEventType"]],
    });
  });

  it("of a commit that the page only names: read as a whole, and once for all of its events", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    const text = (seed: number): NewEvent => ({ type: "Large", data: pseudoRandomText(seed, 2_000) });
    for (let commit = 0; commit < 2; commit++) {
      await store.append("a|1", [text(1), unknown, text(2), ok, text(3)]);
    }
    const [first, second] = place.records.splice(0) as [Item, Item];
    // Of one the log is told what it can't put into a page.
    await place.sequencer.sequence([first, { ...second, x: { S: "{" } }]);
    const definitions = defineEvents({ Counted: numbered, Large: z.string() });
    const reader = place.open({ events: definitions }).openLogReader();
    place.reads.length = 0;
    expect(told(await reader.read(0))).toEqual({
      given: [1, 3, 4, 5, 6, 8, 9, 10],
      position: 10,
      unreadable: [
        [2, "a|1 2", "Unknown", "unknownEventType"],
        [7, "a|1 7", "Unknown", "unknownEventType"],
      ],
    });
    // As a whole, and then once for all of its events.
    expect(place.reads).toEqual(["$all from 1", ...Array(2).fill("a|1 back from 6")]);
  });

  it.each([
    ["bodies", { e: { S: "[[" } }],
    ["metadata", { x: { S: "{" } }],
    ["an unknown format", { f: { N: "9" } }],
  ])("of a commit that can't be decoded (%s): all of its events, without a type", async (_, damage) => {
    const place = await openMemoryPlace();
    const source = await openMemoryPlace();
    for (let commit = 0; commit < 3; commit++) await source.open().append("a|1", [ok, ok]);
    const [first, second, third] = source.records as [Item, Item, Item];
    for (const item of [first, { ...second, ...damage }, third]) await place.storage.putNew(item, undefined);
    await place.sequence();
    const reader = place.open().openLogReader();
    expect(told(await reader.read(0))).toEqual({
      given: [1, 2, 5, 6],
      position: 6,
      unreadable: [
        [3, "a|1 3", undefined, "integrity"],
        [4, "a|1 4", undefined, "integrity"],
      ],
    });
    expect((await reader.read(3)).unreadable.map(({ position }) => position)).toEqual([4]);
  });

  it("of a page as a whole is an error, as nobody knows what is in it", async () => {
    const place = await openMemoryPlace();
    await fill(place, [ok]);
    const page = { p: { S: "$all" }, s: { N: "2" }, i: { B: new Uint8Array(16) }, t: { N: "1" } };
    await place.storage.putNew({ ...page, f: { N: "9" } }, undefined);
    const reader = place.open().openLogReader();
    expect((await reader.read(0)).position).toBe(1);
    for (let time = 0; time < 2; time++) {
      await expect(reader.read(1)).rejects.toMatchObject({ code: "integrity", chain: "$all", slot: 2 });
    }
    expect((await reader.read(0)).position).toBe(1);
  });

  it("is opened one by one only in the commits concerned", async () => {
    const place = await openMemoryPlace();
    const keys = createKeyRing();
    const encryption = encryptPersons(keys);
    const store = place.open({ encryption });
    const secret: NewEvent = { type: "Counted", data: { number: 1, person: "ada" } };
    await store.append("a|1", [secret, secret, secret]);
    await place.sequence();
    await store.append("a|1", [secret, secret, secret]);
    await store.append("a|1", [secret, unknown]);
    await place.sequence();
    let decrypted = 0;
    const decrypt: typeof encryption.decrypt = (...args) => {
      decrypted++;
      return encryption.decrypt(...args);
    };
    const definitions = defineEvents({ Counted: z.unknown() });
    const reader = place
      .open({ events: definitions, encryption: { ...encryption, decrypt } })
      .openLogReader();
    await reader.read(0);
    expect(decrypted).toBe(3);
    decrypted = 0;
    const { unreadable } = await reader.read(3);
    expect(unreadable).toHaveLength(1);
    // All at once, by commit, and the one of the commit concerned.
    expect(decrypted).toBeLessThanOrEqual(4 + 4 + 1);
  });
});

type Item = LogPlace["records"][number];
