import { describe, expect, test } from "vitest";
import type { Item } from "../src/capacity/item-size.ts";
import type { ChainStorage } from "../src/chain/storage.ts";
import { auditLog } from "../src/dynamodb/audit-log.ts";
import { createEventStore } from "../src/dynamodb/create-event-store.ts";
import { createSequencer } from "../src/dynamodb/create-sequencer.ts";
import type { RecordedEvent } from "../src/events.ts";
import { auditChainLog, type AuditOptions, type AuditReport } from "../src/log/audit-log.ts";
import { createChainSequencer } from "../src/log/sequencer.ts";
import { createMemoryStorage } from "../src/memory/memory-storage.ts";
import { SYSTEM_RUNTIME } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import type { Fold } from "../src/store/read-options.ts";
import { connect } from "./test-database.ts";

const EVENT = { type: "Numbered", data: { number: 1 } };

/** A store of 3 streams of 3 commits each, 10 minutes after they were written. */
async function createWorld(): Promise<{
  readonly storage: ChainStorage;
  readonly store: EventStore;
  readonly items: Item[];
  readonly sequence: (chosen: (item: Item) => boolean) => Promise<unknown>;
  readonly audit: (options?: AuditOptions) => Promise<AuditReport>;
}> {
  const storage = createMemoryStorage();
  let now = 1_000;
  const runtime = { ...SYSTEM_RUNTIME, now: () => now };
  const store = createChainEventStore({ storage, runtime });
  const items: Item[] = [];
  for (const streamId of ["a|1", "b|1", "c|1"]) {
    for (let commit = 0; commit < 3; commit++) await store.append(streamId, [EVENT, EVENT]);
    const all = { chain: streamId, from: 1, to: 100, backward: false, consistency: "strong" } as const;
    items.push(...(await storage.query(all)).items);
  }
  now += 600_000;
  return {
    storage,
    store,
    items,
    sequence: (chosen) => createChainSequencer({ storage, runtime }).sequence(items.filter(chosen)),
    audit: (options) => auditChainLog({ storage, runtime }, options),
  };
}

const isAt = (streamId: string, version: number) => (item: Item) =>
  item["p"]?.S === streamId && item["s"]?.N === String(version);

async function placesOf(store: EventStore): Promise<string[]> {
  const places: string[] = [];
  for await (const { position, streamId, version } of store.readAll()) {
    places.push(`${position} ${streamId} ${version}`);
  }
  return places;
}

describe("an audit of the log", () => {
  test("finds nothing where all is there", async () => {
    const { sequence, audit } = await createWorld();
    await sequence(() => true);
    expect(await audit({ repair: true })).toEqual({
      positions: 18,
      streams: 3,
      missing: [],
      truncated: [],
      outOfOrder: [],
      repeated: [],
      repaired: 0,
      // The log, the list of streams, and each stream's tail.
      capacity: { requests: 5, readUnits: 4.5, writeUnits: 0 },
    });
  });

  test("finds what an outage left out, repairs it, and finds nothing more", async () => {
    const { storage, store, items, audit } = await createWorld();
    // The last of one stream, and all of another; c|1 5 makes the sequencer fetch what it needs by itself.
    const lost = items.filter((item) => item["p"]?.S === "b|1" || isAt("a|1", 5)(item));
    await createChainSequencer({ storage }).sequence(items.filter((item) => !lost.includes(item)));
    const before = await placesOf(store);
    const missing = [
      { streamId: "a|1", first: 5, last: 6 },
      { streamId: "b|1", first: 1, last: 6 },
    ];
    expect(await audit()).toMatchObject({ positions: 10, missing, repaired: 0 });
    expect(await placesOf(store)).toEqual(before);
    expect(await audit({ repair: true })).toMatchObject({ positions: 18, missing, repaired: 8 });
    expect(await placesOf(store)).toEqual([
      ...before,
      "11 a|1 5",
      "12 a|1 6",
      ...[1, 2, 3, 4, 5, 6].map((version) => `${12 + version} b|1 ${version}`),
    ]);
    expect(await audit({ repair: true })).toMatchObject({ positions: 18, missing: [], repaired: 0 });
  });

  test("puts what was left out in the middle of a stream behind it, and says so", async () => {
    const { storage, items, audit } = await createWorld();
    const guards = { lookBackMs: 600_000, takesPredecessors: false };
    const hasty = createChainSequencer({ storage, guards });
    await hasty.sequence(items.filter((item) => !isAt("a|1", 3)(item)));
    expect(await audit({ repair: true })).toMatchObject({
      missing: [{ streamId: "a|1", first: 3, last: 4 }],
      outOfOrder: [],
      repaired: 2,
    });
    expect(await audit()).toMatchObject({
      missing: [],
      outOfOrder: [{ streamId: "a|1", version: 3, position: 17 }],
    });
  });

  test("leaves young commits to the sequencer", async () => {
    const { audit } = await createWorld();
    expect((await audit({ graceMs: 600_001 })).missing).toEqual([]);
    expect((await audit({ graceMs: 600_000 })).missing).toHaveLength(3);
    await expect(audit({ graceMs: -1 })).rejects.toThrow(RangeError);
  });

  test("tells of what was truncated before it was logged", async () => {
    const { store, sequence, audit } = await createWorld();
    const count: Fold<number, RecordedEvent> = {
      initialState: () => 0,
      evolve: (state) => state + 1,
      snapshot: { version: "1" },
    };
    await store.truncate("a|1", count, { before: 3 });
    await sequence((item) => item["p"]?.S !== "a|1");
    const report = await audit({ repair: true });
    expect(report.truncated).toEqual([{ streamId: "a|1", first: 1, last: 2 }]);
    expect(report.missing).toEqual([{ streamId: "a|1", first: 3, last: 6 }]);
    expect((await audit()).missing).toEqual([]);
  });
});

test("gives an old store its log, some of it at a time", async () => {
  const storage = createMemoryStorage();
  const store = createChainEventStore({ storage });
  const event = { type: "Noted", data: { text: "x".repeat(900) } };
  for (let stream = 0; stream < 30; stream++) {
    for (let commit = 0; commit < 100; commit++) await store.append(`old|${stream}`, [event]);
  }
  const positions: number[] = [];
  const onProgress = (progress: { readonly positions: number }): void => {
    positions.push(progress.positions);
  };
  const report = await auditChainLog({ storage }, { repair: true, graceMs: 0, onProgress });
  expect(report).toMatchObject({ positions: 3_000, repaired: 3_000, streams: 30, outOfOrder: [] });
  // Pages went into the log before all streams had been looked at.
  expect(positions.some((position) => position > 0 && position < 3_000)).toBe(true);
  expect(report.missing).toHaveLength(30);
  expect((await auditChainLog({ storage }, { graceMs: 0 })).missing).toEqual([]);
});

test("repairs the log of a table", async () => {
  const client = connect("logaudit");
  const store = createEventStore({ client });
  await store.ensureTables();
  const { events } = await store.append("a|1", [EVENT, EVENT]);
  expect(await auditLog({ client, graceMs: 0 })).toMatchObject({
    missing: [{ streamId: "a|1", first: 1, last: 2 }],
    positions: 0,
  });
  expect(await auditLog({ client, graceMs: 0, repair: true })).toMatchObject({ positions: 2, repaired: 2 });
  const logged: RecordedEvent[] = [];
  for await (const event of store.readAll()) logged.push(event);
  expect(logged).toEqual(events.map((event, index) => ({ ...event, position: index + 1 })));
  expect(await createSequencer({ client }).sequence([])).toMatchObject({ appended: 0, position: 0 });
});
