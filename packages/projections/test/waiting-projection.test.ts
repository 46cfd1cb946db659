import { auditLog, createEventStore } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { slotOf } from "../src/builds/names.ts";
import { createDocuments } from "../src/documents/documents.ts";
import { createMemoryProjectionStorage, createProjections, createProjectionWorker } from "../src/index.ts";
import { waitForProjection } from "../src/wait/wait-for-projection.ts";
import type { ReadPlace } from "../src/wait/wait-place.ts";
import type { ProjectionWaitOptions } from "../src/wait/wait-until.ts";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import { eventOf, PlacedProjection, scriptedTime } from "./placed-build.ts";
import { connect } from "@tuppence/test-support/database";
import {
  at,
  documentProjection,
  handler,
  inProjection,
  logStore,
  NAME,
  type Wait,
  waited,
} from "./waited.ts";

describe("waiting for a projection", () => {
  const moves = (slots: readonly number[], position = 20): Wait["steps"] =>
    slots.map((slot) => (placed: PlacedProjection) => placed.moveSlot(position, { slot }));
  const prepare = (placed: PlacedProjection): Promise<void> => placed.flip({ slots: 4 });

  it("ends when all slots have passed the position, and not before", async () => {
    const slots = [0, 1, 2, 3];
    for (const token of [20, at(2)]) {
      const waiting = inProjection(token);
      const early = moves(slots, 19) ?? [];
      expect(await waited({ prepare, waiting, steps: [...early, ...(moves(slots) ?? [])] })).toEqual({
        result: undefined,
        after: 8,
      });
      expect(await waited({ prepare, waiting, steps: moves([0, 1, 3]) ?? [] })).toEqual({
        result: "waitTimeout",
        after: 3,
      });
    }
    // It begins behind the start: nothing before it is waited for.
    const late = (placed: PlacedProjection): Promise<void> =>
      placed.flip({ slots: 4 }, { startPosition: 20 });
    expect(await waited({ prepare: late, waiting: inProjection(20) })).toEqual({
      result: undefined,
      after: 0,
    });
    expect(await waited({ prepare: late, waiting: inProjection(21) })).toMatchObject({
      result: "waitTimeout",
    });
  });

  it("of an append waits for the slots that handle its events", async () => {
    const events = [eventOf("T", 1), eventOf("T", 2, { data: { key: "l" } }), eventOf("Else", 3)];
    const slots = [slotOf("k", 4), slotOf("l", 4)];
    const waiting = inProjection(at(3, events));
    expect(new Set(slots).size).toBe(2);
    expect(await waited({ prepare, waiting, steps: moves(slots) ?? [] })).toEqual({
      result: undefined,
      after: 2,
    });
    expect(await waited({ prepare, waiting, steps: moves(slots.slice(1)) ?? [] })).toMatchObject({
      result: "waitTimeout",
    });
    expect(await waited({ prepare, waiting: inProjection(at(1, [eventOf("Else", 1)])) })).toEqual({
      result: undefined,
      after: 0,
    });
    const nowhere = documentProjection({ key: () => undefined });
    expect(await waited({ prepare, waiting: inProjection(at(3, events), nowhere) })).toEqual({
      result: undefined,
      after: 0,
    });
  });

  it("of handlers goes by the stream's slot", async () => {
    const slot = slotOf("s|1", 4);
    const ofHandler = (placed: PlacedProjection): Promise<void> =>
      placed.flip({ slots: 4 }, { kind: "handler" });
    for (const token of [at(2), at(2, [eventOf("T", 2)])]) {
      const waiting = inProjection(token, handler());
      const steps = moves([...[0, 1, 2, 3].filter((each) => each !== slot), slot]) ?? [];
      expect(await waited({ prepare: ofHandler, waiting, steps })).toEqual({ result: undefined, after: 4 });
    }
  });

  it("begins anew with the build that becomes live", async () => {
    const waiting = inProjection(20);
    const flip = (placed: PlacedProjection): Promise<void> => placed.flip({ number: 2, slots: 2 });
    const newSlot = (slot: number) => (placed: PlacedProjection) => placed.moveSlot(20, { build: 2, slot });
    const steps = [...(moves([0, 1, 2]) ?? []), flip, newSlot(0), ...(moves([3]) ?? []), newSlot(1)];
    expect(await waited({ prepare, waiting, steps })).toEqual({ result: undefined, after: 7 });
  });
});

describe("waiting before the first run", () => {
  const waits: Record<string, (place: ReadPlace, wait: ProjectionWaitOptions) => Promise<unknown>> = {
    "for a projection": (place, wait) =>
      waitForProjection(documentProjection(), at(2), { ...place, ...wait }),
    "for a document": (place, wait) => createDocuments(documentProjection(), place).waitFor("k", at(2), wait),
    "as get does": (place, wait) =>
      createDocuments(documentProjection(), place).get("k", { after: at(2), ...wait }),
  };

  it.each(Object.entries(waits))("%s waits until it is known, too", async (_, wait) => {
    const placed = new PlacedProjection(createMemoryProjectionStorage(), NAME);
    const { runtime, now } = scriptedTime([
      () => undefined,
      () => placed.flip(),
      () => placed.moveSlot(19),
      () => placed.moveSlot(20),
    ]);
    const startedAt = now();
    await wait({ storage: placed.storage, store: logStore(), runtime }, {});
    expect(now() - startedAt).toBe(400);
  });

  it.each(Object.entries(waits))("%s says in the end that it is not known", async (_, wait) => {
    const placed = new PlacedProjection(createMemoryProjectionStorage(), NAME);
    const store = logStore();
    const { runtime, now } = scriptedTime();
    const startedAt = now();
    const missing = wait({ storage: placed.storage, store, runtime }, { timeoutMs: 250 });
    await expect(missing).rejects.toMatchObject({ code: "projectionMissing", projection: NAME });
    expect(now() - startedAt).toBe(250);
    expect(store.asked).toEqual([]);
    // One that becomes known, and is not there in time, is waited for in vain.
    const { runtime: late } = scriptedTime([() => undefined, () => placed.flip()]);
    const known = wait({ storage: placed.storage, store, runtime: late }, { timeoutMs: 250 });
    await expect(known).rejects.toMatchObject({ code: "waitTimeout" });
  });

  it("lasts until a worker has begun", async () => {
    const storage = createMemoryProjectionStorage();
    const store = createMemoryEventStore();
    const projection = documentProjection();
    const projections = createProjections({ storage, store });
    const appended = await store.append("s|1", [{ type: "T", data: { key: "k" } }]);
    const waiting = Promise.all([
      projections.waitFor(projection, appended),
      projections.documents(projection).waitFor("k", appended),
    ]);
    const worker = createProjectionWorker({ storage, store, projections: [projection] });
    worker.start();
    expect(await waiting).toEqual([undefined, ""]);
    await worker.stop();
  });
});

describe("waiting with a real log", () => {
  it("takes the result of an append, in memory", async () => {
    const store = createMemoryEventStore();
    const placed = new PlacedProjection(createMemoryProjectionStorage(), NAME);
    await placed.flip();
    await store.append("s|1", [{ type: "T", data: { key: "l" } }]);
    const appended = await store.append("s|1", [
      { type: "T", data: { key: "k" } },
      { type: "T", data: { key: "l" } },
    ]);
    let sleeps = 0;
    const steps = scriptedTime([() => placed.moveSlot(1), () => placed.moveSlot(2)]);
    const runtime = {
      ...steps.runtime,
      sleep: async (ms: number) => {
        sleeps += 1;
        await steps.runtime.sleep?.(ms);
      },
    };
    const documents = createDocuments(documentProjection(), { storage: placed.storage, store, runtime });
    expect(await documents.waitFor("k", appended)).toBeUndefined();
    expect(sleeps).toBe(2);
    await waitForProjection(documentProjection(), appended.events[0] ?? 0, {
      storage: placed.storage,
      store,
    });
  });

  it("takes the result of an append, in DynamoDB", async () => {
    const client = connect("waiting");
    const store = createEventStore({ client });
    const storage = createDynamoDBProjectionStorage(client, "tuppence");
    await Promise.all([store.ensureTables(), storage.ensureTables()]);
    const placed = new PlacedProjection(storage, NAME);
    await placed.flip();
    const appended = await store.append("s|1", [{ type: "T", data: { key: "k" } }]);
    const documents = createDocuments(documentProjection(), { storage, store });
    const wait = { timeoutMs: 30_000, pollIntervalMs: 5 };
    let isOver = false;
    const waiting = documents.waitFor("k", appended, wait).finally(() => {
      isOver = true;
    });
    const all = waitForProjection(documentProjection(), appended, { storage, store, ...wait });
    await placed.put("k", "early", { position: 0 });
    // What the projection is not about is not even looked for in the log.
    const other = await store.append("s|2", [{ type: "Else", data: 1 }]);
    expect(await documents.waitFor("k", other)).toBe("early");
    // What a sequencer does.
    await auditLog({ client, graceMs: 0, repair: true });
    const position = await store.waitFor("s|1", 1);
    expect(isOver).toBe(false);
    await placed.put("k", "there", { position: position });
    expect(await waiting).toBe("there");
    await placed.moveSlot(position);
    await all;
  });
});
