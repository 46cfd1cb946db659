import { describe, expect, it } from "vitest";
import { KnownRegistrations } from "../src/builds/known-registrations.ts";
import { slotOf } from "../src/builds/names.ts";
import type { DocumentProjection } from "../src/definition/projection.ts";
import { createDocuments } from "../src/documents/documents.ts";
import { createMemoryProjectionStorage } from "../src/index.ts";
import { waitForProjection } from "../src/wait/wait-for-projection.ts";
import type { ReadPlace } from "../src/wait/wait-place.ts";
import { eventOf, PlacedProjection } from "./placed-build.ts";
import { at, documentProjection, inDocument, logStore, move, NAME, put, waited } from "./waited.ts";

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
    expect(
      await waited({ steps, waiting: inDocument({ streamId: "s|1", version: 2, ...second, position }) }),
    ).toEqual({
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
