import { describe, expect, test } from "vitest";
import { createEventStore } from "../src/dynamodb/create-event-store.ts";
import { createSequencer } from "../src/dynamodb/create-sequencer.ts";
import type { Item } from "../src/capacity/item-size.ts";
import { createMemoryEventStore } from "../src/memory/index.ts";

const NUMBERED = { type: "Numbered", data: { number: 1 } };

async function collect<Element>(elements: AsyncIterable<Element>): Promise<Element[]> {
  const all: Element[] = [];
  for await (const element of elements) all.push(element);
  return all;
}

describe("the log of a memory store", () => {
  test("has all events in one order, each stream's in its own", async () => {
    const store = createMemoryEventStore();
    await store.append("a|1", [NUMBERED, NUMBERED]);
    await store.append("b|1", [NUMBERED]);
    await store.append("a|1", [NUMBERED]);
    const events = await collect(store.readAll());
    expect(events.map(({ position, streamId, version }) => [position, streamId, version])).toEqual([
      [1, "a|1", 1],
      [2, "a|1", 2],
      [3, "b|1", 1],
      [4, "a|1", 3],
    ]);
  });
});
