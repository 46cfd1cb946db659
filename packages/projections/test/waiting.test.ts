import { auditLog, createEventStore } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { KnownRegistrations } from "../src/builds/known-registrations.ts";
import { slotOf } from "../src/builds/names.ts";
import type { DocumentProjection, HandlerProjection } from "../src/definition/projection.ts";
import {
  createDocuments,
  createMemoryProjectionStorage,
  defineProjection,
  waitForProjection,
} from "../src/index.ts";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import type { EventsToken, Token } from "../src/wait/token.ts";
import type { ReadPlace } from "../src/wait/wait-place.ts";
import { eventOf, PlacedProjection, scriptedTime } from "./placed-build.ts";
import { connect } from "./test-database.ts";

const NAME = "waited";

interface Given {
  readonly version?: number;
  readonly key?: (event: { readonly data: unknown; readonly position: number }) => string | undefined;
}

function documentProjection({ version = 1, key }: Given = {}): DocumentProjection<string> {
  return defineProjection({
    name: NAME,
    version,
    types: ["T"],
    categories: ["s"],
    key: key ?? (({ data }) => (data as { readonly key: string }).key),
    initialState: () => "",
    evolve: (state) => state,
  }) as DocumentProjection<string>;
}

function handler(): HandlerProjection {
  return defineProjection({ name: NAME, version: 1, types: ["T"], handle: () => undefined });
}

/** The log: version n of every stream is at position 10 n. Counts how often it is asked. */
function logStore(): { asked: number[]; waitFor: (streamId: string, version: number) => Promise<number> } {
  const asked: number[] = [];
  return {
    asked,
    waitFor: async (_, version) => {
      asked.push(version);
      return 10 * version;
    },
  };
}

interface Wait {
  readonly steps?: readonly ((placed: PlacedProjection) => Promise<void>)[];
  readonly prepare?: (placed: PlacedProjection) => Promise<void>;
  readonly waiting: (place: ReadPlace) => Promise<unknown>;
}

/** What a wait came to, and after how many steps; when steps run out before it resolves it times out. */
async function waited({ steps = [], prepare, waiting }: Wait): Promise<{ result: unknown; after: number }> {
  const placed = new PlacedProjection(createMemoryProjectionStorage(), NAME);
  await placed.flip();
  await prepare?.(placed);
  let after = 0;
  const script = steps.map((step) => async () => {
    after += 1;
    await step(placed);
  });
  const { runtime } = scriptedTime(script);
  const result = await waiting({ storage: placed.storage, store: logStore(), runtime }).catch(
    (error: { readonly code?: unknown }) => {
      if (error.code === undefined) throw error;
      return error.code;
    },
  );
  return { result, after };
}

const inDocument =
  (token: Token, projection: DocumentProjection<string> = documentProjection()): Wait["waiting"] =>
  (place) =>
    createDocuments(projection, place).waitFor("k", token);
const inProjection =
  (
    token: Token,
    projection: DocumentProjection<string> | HandlerProjection = documentProjection(),
  ): Wait["waiting"] =>
  (place) =>
    waitForProjection(projection, token, place);

const at = (version: number, events?: readonly ReturnType<typeof eventOf>[]): EventsToken => ({
  streamId: "s|1",
  version,
  events,
});
const put = (state: string, position: number) => (placed: PlacedProjection) =>
  placed.put("k", state, { position });
const move = (position: number) => (placed: PlacedProjection) => placed.moveSlot(position);

describe("waiting for a document", () => {
  it("ends when the document holds the event, and not before", async () => {
    const steps = [put("early", 19), move(19), put("there", 20), move(100)];
    expect(await waited({ steps, waiting: inDocument(at(2)) })).toEqual({ result: "there", after: 3 });
    expect(await waited({ steps, waiting: inDocument(20) })).toEqual({ result: "there", after: 3 });
    expect(await waited({ steps: steps.slice(0, 2), waiting: inDocument(at(2)) })).toEqual({
      result: "waitTimeout",
      after: 2,
    });
  });

  it("ends when its slot has passed the event, be there a document or none", async () => {
    const steps = [move(19), move(20)];
    expect(await waited({ steps, waiting: inDocument(at(2)) })).toEqual({ result: undefined, after: 2 });
    expect(await waited({ steps, waiting: inDocument(20), prepare: put("old", 3) })).toEqual({
      result: "old",
      after: 2,
    });
    // A document that was taken away says so as well.
    const gone = (placed: PlacedProjection): Promise<void> => placed.put("k", undefined, { position: 20 });
    expect(await waited({ steps: [gone], waiting: inDocument(at(2)) })).toEqual({
      result: undefined,
      after: 1,
    });
  });

  it("goes by the slot of the key, and by the stream", async () => {
    const slot = slotOf("k", 4);
    const waiting = inDocument(at(2));
    const prepare = (placed: PlacedProjection): Promise<void> => placed.flip({ slots: 4 });
    const steps = [0, 1, 2, 3]
      .toSorted((one, other) => Number(one === slot) - Number(other === slot))
      .map((each) => (placed: PlacedProjection) => placed.moveSlot(50, { slot: each }));
    expect(await waited({ prepare, steps, waiting })).toEqual({ result: undefined, after: 4 });
    const behind = (position: number) => (placed: PlacedProjection) =>
      placed.put("k", "x", { position: 50, streams: new Map([["s|1", position]]) });
    expect(await waited({ steps: [behind(19), behind(20)], waiting })).toEqual({ result: "x", after: 2 });
    // Everything up to a position: that of no stream may be behind.
    expect(await waited({ steps: [behind(19), behind(20)], waiting: inDocument(20) })).toEqual({
      result: "x",
      after: 2,
    });
    const ahead = (placed: PlacedProjection): Promise<void> =>
      placed.put("k", "x", { position: 19, streams: new Map([["s|1", 20]]) });
    expect(await waited({ steps: [ahead, move(20)], waiting })).toEqual({ result: "x", after: 1 });
    expect(await waited({ steps: [ahead, move(20)], waiting: inDocument(20) })).toEqual({
      result: "x",
      after: 2,
    });
  });

  it("lasts while the event is parked", async () => {
    const park = (placed: PlacedProjection): Promise<void> => placed.park(20).then(() => placed.moveSlot(20));
    const unpark = (placed: PlacedProjection): Promise<void> => placed.unpark(20);
    const waiting = inDocument(at(2));
    expect(await waited({ steps: [park, move(30), put("late", 30), unpark], waiting })).toMatchObject({
      after: 3,
    });
    expect(await waited({ steps: [park, move(30), unpark], waiting })).toEqual({
      result: undefined,
      after: 3,
    });
    expect(await waited({ steps: [park, move(30)], waiting })).toEqual({ result: "waitTimeout", after: 2 });
    // Everything up to a position is done or parked.
    expect(await waited({ steps: [park], waiting: inDocument(20) })).toEqual({ result: undefined, after: 1 });
  });

  it("of an append waits for the last event that goes into it", async () => {
    const events = [
      eventOf("T", 1),
      eventOf("T", 2),
      eventOf("T", 3, { data: { key: "other" } }),
      eventOf("Else", 4),
    ];
    const steps = [move(10), move(20), move(40)];
    expect(await waited({ steps, waiting: inDocument(at(4, events)) })).toEqual({
      result: undefined,
      after: 2,
    });
    // Without them, it may be any.
    expect(await waited({ steps, waiting: inDocument(at(4)) })).toEqual({ result: undefined, after: 3 });
    const [, second] = events;
    const position = 15;
    expect(await waited({ steps, waiting: inDocument({ ...second, position } as never) })).toEqual({
      result: undefined,
      after: 2,
    });
    const last = { ...eventOf("T", 9), position: 20 };
    const withPosition = { streamId: "s|1", version: 9, events: [last] };
    expect(await waited({ steps, waiting: inDocument(withPosition) })).toEqual({
      result: undefined,
      after: 2,
    });
  });

  it("ends at once where nothing of it goes into the document", async () => {
    const store = logStore();
    for (const token of [
      0,
      at(0),
      at(3, []),
      at(1, [eventOf("Else", 1)]),
      at(1, [eventOf("T", 1, { data: { key: "other" } })]),
      { streamId: "t|1", version: 3 },
      { ...eventOf("T", 1), data: { key: "other" } },
    ]) {
      const waiting = (place: ReadPlace): Promise<unknown> => inDocument(token)({ ...place, store });
      expect(await waited({ steps: [move(99)], waiting, prepare: put("is", 1) })).toEqual({
        result: "is",
        after: 0,
      });
    }
    expect(store.asked).toEqual([]);
  });

  it("is careful where the key needs the position, or another version is live", async () => {
    const byPosition = documentProjection({ key: ({ position }) => String(position) });
    const other = at(1, [eventOf("T", 1)]);
    const steps = [move(9), move(10)];
    expect(await waited({ steps, waiting: inDocument(other, byPosition) })).toEqual({
      result: undefined,
      after: 2,
    });
    const schema = {
      "~standard": { version: 1, vendor: "any", validate: (value: unknown) => ({ value }) },
    } as const;
    const newer = { ...documentProjection({ version: 2 }), schema } as DocumentProjection<string>;
    const unhandled = at(1, [eventOf("Else", 1)]);
    expect(await waited({ steps, waiting: inDocument(unhandled, newer) })).toEqual({
      result: undefined,
      after: 2,
    });
    const flip = (placed: PlacedProjection): Promise<void> => placed.flip({ number: 2, version: 2 });
    expect(await waited({ steps: [flip], waiting: inDocument(unhandled, newer) })).toMatchObject({
      after: 1,
    });
  });

  it("goes over to the build that becomes live, and so do reads after it", async () => {
    const flip = (placed: PlacedProjection): Promise<void> => placed.flip({ number: 2 });
    const oldSlot = move(20);
    const newSlot = (placed: PlacedProjection): Promise<void> => placed.moveSlot(20, { build: 2 });
    const document = (placed: PlacedProjection): Promise<void> =>
      placed.put("k", "new", { build: 2, position: 20 });
    // Before the flip, the other build counts for nothing.
    const steps = [newSlot, document, flip];
    expect(await waited({ steps, waiting: inDocument(at(2)) })).toEqual({ result: "new", after: 3 });
    expect(await waited({ steps: [flip, oldSlot, newSlot], waiting: inDocument(at(2)) })).toMatchObject({
      after: 3,
    });
    const readAfter = async (place: ReadPlace): Promise<unknown> => {
      const documents = createDocuments(documentProjection(), place);
      expect(await documents.get("k")).toBeUndefined();
      await documents.waitFor("k", at(2), { pollIntervalMs: 1 });
      return documents.get("k");
    };
    expect(await waited({ steps, waiting: readAfter })).toEqual({ result: "new", after: 3 });
    // With knowledge of its own it would be the old one.
    const apart = async (place: ReadPlace): Promise<unknown> => {
      const documents = createDocuments(documentProjection(), place);
      await documents.get("k");
      await waitForProjection(documentProjection(), at(2), { ...place, pollIntervalMs: 1 });
      return documents.get("k");
    };
    expect(await waited({ steps, waiting: apart })).toEqual({ result: undefined, after: 3 });
    const shared = (place: ReadPlace): Promise<unknown> => {
      const runtime = place.runtime as never;
      return apart({
        ...place,
        registrations: new KnownRegistrations({ control: place.storage.control, runtime }),
      });
    };
    expect(await waited({ steps, waiting: shared })).toEqual({ result: "new", after: 3 });
  });

  it("is what get does with after", async () => {
    const waiting = (place: ReadPlace): Promise<unknown> =>
      createDocuments(documentProjection(), place).get("k", { after: at(2), timeoutMs: 250 });
    const never = [move(1), move(2), move(3), move(4), put("late", 99)];
    expect(await waited({ steps: [move(19), put("there", 20)], waiting })).toEqual({
      result: "there",
      after: 2,
    });
    expect(await waited({ steps: never, waiting })).toEqual({ result: "waitTimeout", after: 3 });
  });

  it("refuses what can't be waited for", async () => {
    const documents = createDocuments(documentProjection(), {
      storage: createMemoryProjectionStorage(),
    });
    await expect(documents.waitFor("k", -1)).rejects.toThrow(RangeError);
    await expect(documents.waitFor("k", at(0.5))).rejects.toThrow(RangeError);
    await expect(documents.waitFor("k", 1, { timeoutMs: 0 })).rejects.toThrow(RangeError);
    await expect(documents.waitFor("k", 1)).rejects.toMatchObject({ code: "projectionMissing" });
    const placed = new PlacedProjection(createMemoryProjectionStorage(), NAME);
    await placed.flip();
    const { storage } = placed;
    await expect(createDocuments(documentProjection(), { storage }).waitFor("k", at(1))).rejects.toThrow(
      TypeError,
    );
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(
      createDocuments(documentProjection(), { storage }).waitFor("k", 1, { signal }),
    ).rejects.toThrow("enough");
  });
});

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
