import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { collect } from "../src/contract/fixtures.ts";
import { defineEvents, type LogBatch, type LoggedEvent, type RecordedEventOf } from "../src/index.ts";
import { createMemoryEventStore } from "../src/memory/index.ts";

const events = defineEvents({
  CartOpened: z.object({ currency: z.enum(["EUR", "USD"]).default("EUR") }),
  ItemAdded: z.object({ sku: z.string(), quantity: z.coerce.number().int().positive() }),
});
type Event = RecordedEventOf<typeof events>;

describe("the types of the log", () => {
  it("its events are those of the definitions, with a position", async () => {
    const store = createMemoryEventStore({ events });
    await store.append("cart|1", [
      { type: "CartOpened", data: {} },
      { type: "ItemAdded", data: { sku: "a", quantity: "2" } },
    ]);
    const quantities: number[] = [];
    for await (const event of store.readAll({ types: ["ItemAdded"] })) {
      expectTypeOf(event).toEqualTypeOf<LoggedEvent<Event>>();
      expectTypeOf(event.position).toEqualTypeOf<number>();
      if (event.type === "ItemAdded") quantities.push(event.data.quantity);
      else expectTypeOf(event.data.currency).toEqualTypeOf<"EUR" | "USD">();
    }
    expect(quantities).toEqual([2]);
    for await (const batch of store.subscribeAll()) {
      expectTypeOf(batch).toEqualTypeOf<LogBatch<Event>>();
      if (batch.caughtUp) break;
    }
    // @ts-expect-error No such type.
    expect(() => store.readAll({ types: ["CartShut"] })).toThrow(TypeError);
    // @ts-expect-error No such type.
    expect(() => store.subscribeAll({ types: ["CartShut"] })).toThrow(TypeError);
  });

  it("without definitions, any type and any data", async () => {
    const store = createMemoryEventStore();
    await store.append("any|1", [{ type: "Whatever", data: { a: 1 } }]);
    const [event] = await collect(store.readAll({ types: ["Whatever", "Other"] }));
    expectTypeOf(event?.data).toEqualTypeOf<unknown>();
    expectTypeOf<NonNullable<typeof event>>().toEqualTypeOf<LoggedEvent>();
    expect(event?.position).toBe(1);
  });

  it("what is in a record is typed alike", async () => {
    const store = createMemoryEventStore({ events });
    expectTypeOf<(typeof store)["eventsIn"]>().returns.resolves.toEqualTypeOf<readonly Event[]>();
  });
});
