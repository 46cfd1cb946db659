import { defineEvents, type EventStore } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineProjection } from "../src/index.ts";
import { runProjections } from "../src/testing/index.ts";

const events = defineEvents({ Added: z.object({ amount: z.number() }) });
const added = (amount: number) => [{ type: "Added" as const, data: { amount } }];

const sums = defineProjection({
  name: "sums",
  version: 1,
  events,
  key: ({ streamId }) => streamId,
  initialState: () => ({ sum: 0 }),
  evolve: ({ sum }, { data: { amount } }) => {
    if (amount < 0) throw new RangeError("a negative amount");
    return { sum: sum + amount };
  },
});

describe("runProjections", () => {
  it("runs all of them over what is there and what comes", async () => {
    const store = createMemoryEventStore({ events });
    await store.append("a|1", added(1));
    const seen: number[] = [];
    const all = defineProjection({
      name: "all",
      version: 1,
      events,
      react: (event) => void seen.push(event.position),
    });
    await using run = runProjections({ projections: [sums, all], store });
    await run.caughtUp();
    expect([await run.documents(sums).get("a|1"), seen]).toEqual([{ sum: 1 }, [1]]);
    for (let amount = 2; amount < 10; amount++) {
      await store.append(`a|${amount % 2}`, added(amount));
      await run.caughtUp();
      expect(seen.length).toBe(amount);
    }
    const states = await run.documents(sums).getMany(["a|0", "a|1", "a|2"]);
    expect(Object.fromEntries(states)).toEqual({ "a|0": { sum: 20 }, "a|1": { sum: 25 } });
    expectTypeOf(states).toEqualTypeOf<ReadonlyMap<string, { sum: number }>>();
  });

  it("makes a store of its own, and is caught up with an empty log", async () => {
    await using run = runProjections({ projections: [sums], events });
    expectTypeOf(run.store).toEqualTypeOf<EventStore<typeof events>>();
    await run.caughtUp();
    expect(await run.documents(sums).get("a|1")).toBeUndefined();
    await run.store.append("a|1", added(5));
    await run.caughtUp();
    expect(await run.documents(sums).get("a|1")).toEqual({ sum: 5 });
  });

  it("waits for every slot", async () => {
    const many = { ...sums, name: "many", slots: 5 };
    await using run = runProjections({ projections: [many], events });
    for (let stream = 0; stream < 20; stream++) await run.store.append(`a|${stream}`, added(stream));
    await run.caughtUp();
    const keys = [];
    for await (const { key } of run.documents(many).list()) keys.push(key);
    expect(keys.length).toBe(20);
  });

  it("rejects when something was parked, once, with all others caught up; a replay settles it", async () => {
    await using run = runProjections({ projections: [sums], events });
    await run.store.append("a|1", added(1));
    await run.store.append("a|1", added(-1));
    await run.store.append("a|2", added(2));
    await expect(run.caughtUp()).rejects.toThrow(
      "projection sums has parked event 2: RangeError: a negative amount",
    );
    expect(await run.documents(sums).get("a|2")).toEqual({ sum: 2 });
    await run.caughtUp();
    expect(await run.projections.replay("sums", { streamId: "a|1", skip: true })).toBe(1);
    await expect.poll(async () => (await run.projections.status("sums"))[0]?.live.slots[0]?.parked).toBe(0);
  });

  it("rejects when something was skipped", async () => {
    const skipping = { ...sums, onFailure: "skip" as const };
    await using run = runProjections({ projections: [skipping], events });
    await run.store.append("a|1", [...added(-1), ...added(-2)]);
    await expect(run.caughtUp()).rejects.toThrow(
      "projection sums has skipped event 1: RangeError: a negative amount (and 1 more)",
    );
  });

  it("rejects at once when one stands still, or can't begin", async () => {
    const halting = { ...sums, onFailure: "halt" as const };
    await using halted = runProjections({ projections: [halting], events });
    await halted.store.append("a|1", added(-1));
    await expect(halted.caughtUp()).rejects.toMatchObject({
      name: "AssertionError",
      message: "projection sums stands still at event 1: RangeError: a negative amount",
      cause: new RangeError("a negative amount"),
    });
    const broken = defineProjection({
      name: "broken",
      version: 1,
      handle: () => undefined,
      loadPosition: async () => -1,
    });
    await using failing = runProjections({ projections: [broken] });
    await expect(failing.caughtUp()).rejects.toThrow("projection broken could not be run");
  });

  it("rejects when it takes too long, and says what is behind", async () => {
    const stuck = defineProjection({
      name: "stuck",
      version: 1,
      events,
      react: () => new Promise(() => undefined),
    });
    const run = runProjections({ projections: [stuck], events });
    await run.store.append("a|1", added(1));
    await expect(run.caughtUp({ timeoutMs: 50 })).rejects.toThrow("stuck#0 is not at 1 after 50 ms");
  });

  it("does not run what writes to DynamoDB", () => {
    const writes = defineProjection({ name: "writes", version: 1, mode: "transaction", handle: () => [] });
    expect(() => runProjections({ projections: [writes] })).toThrow(TypeError);
    expect(() => runProjections({ projections: [] })).toThrow(TypeError);
  });
});
