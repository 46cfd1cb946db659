import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Item } from "../src/capacity/item-size.ts";
import { collect, counted, pseudoRandomText } from "../src/contract/fixtures.ts";
import { createKeyRing, encryptPersons } from "../src/contract/key-ring.ts";
import { defineEvents } from "../src/index.ts";
import { openMemoryPlace, PLACES } from "./log-place.ts";

/** The events in the records of a table's stream. */

describe.each(PLACES)("the events in an item on %s", (_name, openPlace) => {
  it("are those of a read: of commits, groups, transactions, parts of a large commit, encrypted ones", async () => {
    const place = await openPlace();
    const store = place.open({ maxItemBytes: 2_000, encryption: encryptPersons(createKeyRing()) });
    await store.append("a|1", counted(1, 2), { metadata: { correlationId: "c" } });
    await Promise.all(
      ["x", "y", "z"].map((type) => store.append("a|1", [{ type, data: { person: "ada" } }])),
    );
    await store.append(
      "a|1",
      Array.from({ length: 4 }, (_, seed) => ({ type: "T", data: pseudoRandomText(seed, 1_200) })),
    );
    await store.transact(["a|1", "b|1"].map((streamId) => ({ streamId, events: counted(1) })));
    const items = place.records.splice(0);
    expect(items.length).toBe(7);
    expect(items.some(({ g }) => g !== undefined)).toBe(true);
    const found = (await Promise.all(items.map((item) => store.eventsIn(item)))).flat();
    const read = [...(await collect(store.read("a|1"))), ...(await collect(store.read("b|1")))];
    expect(found).toEqual(read);
  });
});

describe("the events in an item", () => {
  it("are none where there are none: a page, an end, a snapshot, what was truncated", async () => {
    const place = await openMemoryPlace();
    const store = place.open();
    const fold = { initialState: () => 0, evolve: (count: number) => count + 1, snapshot: { version: "1" } };
    for (let version = 1; version <= 3; version++) await store.append("a|1", counted(version));
    await place.sequence();
    await store.append("a|1", [], { close: true });
    await store.truncate("a|1", fold, { before: 3 });
    const all = { from: 1, to: 2 ** 53, backward: false, consistency: "strong" } as const;
    const { items } = await place.storage.query({ chain: "a|1", ...all });
    const { items: pages } = await place.storage.query({ chain: "$all", ...all });
    const counts = await Promise.all(
      [...items, ...pages].map(async (item) => (await store.eventsIn(item)).length),
    );
    expect(counts).toEqual([0, 0, 1, 0, 0]);
    const snapshot = {
      p: { S: "a|1" },
      s: { N: "9007199254740992" },
      v: { N: "2" },
      t: { N: "1" },
      y: { S: "1" },
      z: { S: "2" },
    };
    expect(await store.eventsIn(snapshot)).toEqual([]);
  });

  it("are held to the definitions; what is no item is refused", async () => {
    const place = await openMemoryPlace();
    await place.open().append("a|1", counted(1));
    const [item] = place.records as [Item];
    const events = defineEvents({ Other: z.null() });
    const refused = place.open({ events }).eventsIn(item);
    await expect(refused).rejects.toMatchObject({ code: "unknownEventType", eventType: "Counted" });
    expect(await place.open({ events, unknownEvents: "raw" }).eventsIn(item)).toHaveLength(1);
    await expect(place.open().eventsIn({})).rejects.toThrow(TypeError);
  });
});
