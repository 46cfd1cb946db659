import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { collect } from "../src/contract/fixtures.ts";
import {
  createCommandHandler,
  type Decider,
  defineEvents,
  type EventOf,
  type EventStore,
  type NewEventOf,
  type RecordedEvent,
  type RecordedEventOf,
} from "../src/index.ts";
import { createMemoryEventStore } from "../src/memory/index.ts";

const events = defineEvents({
  CartOpened: z.object({ currency: z.enum(["EUR", "USD"]).default("EUR") }),
  ItemAdded: z.object({ sku: z.string(), quantity: z.coerce.number().int().positive() }),
});

describe("types that follow from the definitions", () => {
  it("events to append have the schemas' input, events read their output", () => {
    expectTypeOf<NewEventOf<typeof events>["type"]>().toEqualTypeOf<"CartOpened" | "ItemAdded">();
    expectTypeOf<Extract<NewEventOf<typeof events>, { type: "CartOpened" }>["data"]>().toEqualTypeOf<{
      currency?: "EUR" | "USD" | undefined;
    }>();
    expectTypeOf<Extract<EventOf<typeof events>, { type: "CartOpened" }>["data"]>().toEqualTypeOf<{
      currency: "EUR" | "USD";
    }>();
    expectTypeOf<Extract<RecordedEventOf<typeof events>, { type: "ItemAdded" }>>().toEqualTypeOf<
      RecordedEvent<"ItemAdded", { sku: string; quantity: number }>
    >();
  });

  it("append takes only what is defined, read gives a discriminated union", async () => {
    const store = createMemoryEventStore({ events });
    expectTypeOf(store).toExtend<EventStore<typeof events>>();
    await store.append("cart|1", [
      { type: "CartOpened", data: {} },
      { type: "ItemAdded", data: { sku: "a", quantity: "2" } },
    ]);
    // @ts-expect-error No such type.
    await expect(store.append("cart|1", [{ type: "CartShut", data: {} }])).rejects.toMatchObject({
      path: "type",
    });
    // @ts-expect-error The data of another type.
    const wrong = store.append("cart|1", [{ type: "ItemAdded", data: { currency: "EUR" } }]);
    await expect(wrong).rejects.toMatchObject({ code: "invalidEvent", path: "data.sku" });
    const quantities: number[] = [];
    for await (const event of store.read("cart|1")) {
      if (event.type === "ItemAdded") quantities.push(event.data.quantity);
      else expectTypeOf(event.data.currency).toEqualTypeOf<"EUR" | "USD">();
    }
    expect(quantities).toEqual([2]);
  });

  it("a fold, a decider and its handler need no type written twice", async () => {
    const store = createMemoryEventStore({ events });
    const decider: Decider<{ sku: string }, number, EventOf<typeof events>> = {
      initialState: () => 0,
      evolve: (count, event) => (event.type === "ItemAdded" ? count + event.data.quantity : count),
      decide: ({ sku }) => ({ type: "ItemAdded", data: { sku, quantity: 1 } }),
    };
    const handle = createCommandHandler({ store, decider });
    const { state, events: decided } = await handle("cart|2", { sku: "a" });
    expectTypeOf(state).toEqualTypeOf<number>();
    expectTypeOf(decided).toEqualTypeOf<readonly RecordedEventOf<typeof events>[]>();
    // @ts-expect-error Not the decider's command.
    void (() => handle("cart|2", { name: "a" }));
    const loaded = await store.load("cart|2", decider);
    expectTypeOf(loaded.state).toEqualTypeOf<number>();
    expect([state, loaded.state]).toEqual([1, 1]);
  });

  it("without definitions, any type and any data", async () => {
    const store = createMemoryEventStore();
    await store.append("any|1", [{ type: "Whatever", data: { a: 1 } }]);
    const [event] = await collect(store.read("any|1"));
    expectTypeOf(event?.data).toEqualTypeOf<unknown>();
  });

  it("defineEvents refuses what is no schema", () => {
    expect(() => defineEvents({ A: {} as never })).toThrow(TypeError);
    expect(() => defineEvents({ "": z.string() })).toThrow(TypeError);
  });

  it("a schema may answer later", async () => {
    const later = defineEvents({
      Later: z.object({ n: z.number() }).refine(async ({ n }) => n > 0, "too small"),
    });
    const store = createMemoryEventStore({ events: later });
    await store.append("later|1", [{ type: "Later", data: { n: 1 } }]);
    const refused = store.append("later|1", [{ type: "Later", data: { n: 0 } }]);
    await expect(refused).rejects.toMatchObject({
      code: "invalidEvent",
      issues: [{ path: "data", message: "too small" }],
    });
  });
});
