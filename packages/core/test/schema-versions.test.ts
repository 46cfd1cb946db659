import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { collect } from "../src/contract/fixtures.ts";
import {
  createCommandHandler,
  createCommitId,
  defineEvents,
  type EventDefinitions,
  type EventOf,
  type NewEventOf,
  nextVersion,
  type TransferredPlainEvent,
  upcastData,
  type VersionConflictError,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";

const movedV1 = z.object({ address: z.string() });
const movedV2 = nextVersion(movedV1, z.object({ street: z.string(), city: z.string() }), ({ address }) => {
  const [street = "", city = ""] = address.split(", ");
  return { street, city };
});
const movedV3 = nextVersion(
  movedV2,
  z.object({ street: z.string(), city: z.string(), country: z.string().default("NL") }),
  (old) => ({ ...old, country: "NL" }),
);

/** Stores of three releases on the same data. */
function releases() {
  const storage = createMemoryStorage();
  return {
    storage,
    first: createMemoryEventStore({ storage, events: defineEvents({ Moved: movedV1 }) }),
    second: createMemoryEventStore({ storage, events: defineEvents({ Moved: movedV2 }) }),
    third: createMemoryEventStore({ storage, events: defineEvents({ Moved: movedV3 }) }),
    undefined: createMemoryEventStore({ storage }),
  };
}

const OLD = { address: "Damrak 1, Amsterdam" };
const NEW = { street: "Damrak 1", city: "Amsterdam", country: "NL" };

describe("the types of versions", () => {
  it("are those of the newest; an upcaster goes from one to the next", () => {
    const events = defineEvents({ Moved: movedV3 });
    expectTypeOf<NewEventOf<typeof events>["data"]>().toEqualTypeOf<{
      street: string;
      city: string;
      country?: string | undefined;
    }>();
    expectTypeOf<EventOf<typeof events>["data"]>().toEqualTypeOf<{
      street: string;
      city: string;
      country: string;
    }>();
    // @ts-expect-error The upcaster gives too little.
    nextVersion(movedV1, z.object({ street: z.string(), city: z.string() }), () => ({ street: "" }));
    // @ts-expect-error Version 1 has no street.
    nextVersion(movedV1, z.object({ street: z.string() }), ({ street }) => ({ street }));
  });

  it("refuse what is no schema or no function", () => {
    const same = (data: unknown): never => data as never;
    expect(() => nextVersion({} as never, movedV1, same)).toThrow(TypeError);
    expect(() => nextVersion(movedV1, {} as never, same)).toThrow(TypeError);
    expect(() => nextVersion(movedV1, movedV2, same)).toThrow("versions of its own");
    expect(() => nextVersion(movedV1, movedV1, undefined as never)).toThrow(
      "undefined; it has to be a function",
    );
    expect(() => defineEvents({ $mine: movedV1 })).toThrow("$mine");
  });

  it("upcastData runs them without a store", () => {
    expect(upcastData(movedV3, 1, OLD)).toEqual(NEW);
    expect(upcastData(movedV3, 3, NEW)).toBe(NEW);
    expect(upcastData(movedV1, 1, OLD)).toBe(OLD);
    expect(() => upcastData(movedV3, 4, NEW)).toThrow(RangeError);
    expect(() => upcastData(movedV3, 0, NEW)).toThrow("from 1 to 3");
  });
});

describe("an event of an older version", () => {
  it("is read as the newest, in every way there is", async () => {
    const { storage, first, third } = releases();
    const commitId = createCommitId();
    const old = [{ type: "Moved" as const, data: OLD }];
    await first.append("p|1", old, { commitId, expectedVersion: 0 });
    const [read] = await collect(third.read("p|1", { direction: "backward" }));
    expect(read?.data).toEqual(NEW);
    const fold = {
      initialState: () => "",
      evolve: (_: string, event: { data: { country: string } }) => event.data.country,
    };
    expect((await third.load("p|1", fold)).state).toBe("NL");
    const now = [{ type: "Moved" as const, data: { street: "A", city: "B", country: "BE" } }];
    const duplicate = await third.append("p|1", now, { commitId, expectedVersion: 0 });
    expect(duplicate).toMatchObject({ duplicate: true, events: [{ data: NEW }] });
    // A store that has not seen the stream tries, and the winner comes back.
    const unaware = createMemoryEventStore({ storage, events: defineEvents({ Moved: movedV3 }) });
    const conflict = await unaware
      .append("p|1", now, { expectedVersion: 0 })
      .catch((error: unknown) => error);
    expect((conflict as VersionConflictError).winningCommit?.events).toMatchObject([{ data: NEW }]);
    const states: unknown[] = [];
    const handle = createCommandHandler({
      store: third,
      decider: {
        initialState: () => [] as string[],
        evolve: (seen, event) => [...seen, event.data.country],
        decide: (_: null, seen) => {
          states.push(seen);
          return [];
        },
      },
    });
    await handle("p|1", null);
    expect(states).toEqual([["NL"]]);
  });

  it("is validated when it is appended, not when it is read; defaults are those of the newest", async () => {
    const { second, third } = releases();
    await expect(third.append("p|1", [{ type: "Moved", data: OLD as never }])).rejects.toMatchObject({
      code: "invalidEvent",
    });
    await third.append("p|1", [{ type: "Moved", data: { street: "S", city: "C" } }]);
    await second.append("p|2", [{ type: "Moved", data: { street: "S", city: "C" } }]);
    for (const id of ["p|1", "p|2"]) {
      const [event] = await collect(third.read(id));
      expect(event?.data).toEqual({ street: "S", city: "C", country: "NL" });
    }
  });

  it("is stored with its version's number, which version 1 does without", async () => {
    const { storage, first, third } = releases();
    await first.append("p|1", [{ type: "Moved", data: OLD }]);
    await third.append("p|1", [{ type: "Moved", data: NEW, metadata: { a: 1 } }], { metadata: { b: 2 } });
    const page = await storage.query({
      chain: "p|1",
      from: 1,
      to: 9,
      backward: false,
      consistency: "strong",
    });
    expect(page.items.map((item) => item["e"]?.S)).toEqual([
      '[["Moved",{"address":"Damrak 1, Amsterdam"}]]',
      '[["Moved",{"street":"Damrak 1","city":"Amsterdam","country":"NL"},3,{"a":1}]]',
    ]);
    const [, event] = await collect(third.read("p|1"));
    expect(event?.metadata).toEqual({ a: 1, b: 2 });
  });

  it("keeps its version in a group, an export and an import", async () => {
    const { first, third, undefined: raw } = releases();
    const v3 = (country: string) => [{ type: "Moved" as const, data: { street: "S", city: "C", country } }];
    await Promise.all(
      ["A", "B", "C", "D"].map((country) => third.append("p|1", v3(country), { metadata: { country } })),
    );
    await first.append("p|1", [{ type: "Moved", data: OLD }]);
    const exported = await collect(third.exportCommits({ streamId: "p|1" }));
    expect(
      exported.flatMap(({ events }) => events.map((event) => (event as TransferredPlainEvent).schemaVersion)),
    ).toEqual([3, 3, 3, 3, undefined]);
    await raw.importCommits(
      JSON.parse(JSON.stringify(exported.map((commit) => ({ ...commit, streamId: "p|2" })))),
    );
    const copy = await collect(third.read("p|2"));
    expect(copy.map(({ data }) => data.country)).toEqual(["A", "B", "C", "D", "NL"]);
    const wrong = [{ streamId: "p|3", firstVersion: 1, events: [{ type: "A", data: 1, schemaVersion: 0 }] }];
    await expect(raw.importCommits(wrong)).rejects.toMatchObject({ code: "invalidImport" });
  });

  it("names the step when an upcaster throws, and is a conflict without a winner where it won", async () => {
    const { storage, first } = releases();
    await first.append("p|1", [{ type: "Moved", data: { address: "nowhere" } }]);
    const failing = nextVersion(movedV2, z.object({ zip: z.string() }), () => {
      throw new Error("no zip");
    });
    const store = createMemoryEventStore({ storage, events: defineEvents({ Moved: failing }) });
    await expect(collect(store.read("p|1"))).rejects.toMatchObject({
      code: "upcast",
      retryable: false,
      streamId: "p|1",
      version: 1,
      eventType: "Moved",
      storedSchemaVersion: 1,
      fromSchemaVersion: 2,
      cause: { message: "no zip" },
    });
    const moved = [{ type: "Moved" as const, data: { zip: "1" } }];
    await expect(store.append("p|1", moved, { expectedVersion: 0 })).rejects.toMatchObject({
      code: "versionConflict",
      winningCommit: undefined,
    });
    const late = nextVersion(movedV1, z.unknown(), () => Promise.resolve({}));
    const promising = createMemoryEventStore({ storage, events: defineEvents({ Moved: late }) });
    await expect(collect(promising.read("p|1"))).rejects.toThrow("upcasters are synchronous");
  });

  it("is upcast from whatever version it has, each step once and in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("double", "addOne", "negate", "wrap"), { maxLength: 6 }),
        fc.integer({ min: -50, max: 50 }),
        async (steps, value) => {
          const ran: number[] = [];
          const apply = (step: string, { trail }: { trail: unknown[] }) => ({ trail: [...trail, step] });
          const schema = z.object({ trail: z.array(z.unknown()) });
          const definitions: EventDefinitions[string][] = [schema];
          for (const [index, step] of steps.entries()) {
            const upcast = (data: { trail: unknown[] }) => {
              ran.push(index + 1);
              return apply(step, data);
            };
            definitions.push(nextVersion(definitions.at(-1) as typeof schema, schema, upcast));
          }
          const storage = createMemoryStorage();
          for (const definition of definitions) {
            const release = createMemoryEventStore({ storage, events: { Stepped: definition } });
            await release.append("s|1", [{ type: "Stepped", data: { trail: [value] } }]);
          }
          const newest = createMemoryEventStore({
            storage,
            events: { Stepped: definitions.at(-1) ?? schema },
          });
          const read = await collect(newest.read("s|1"));
          const rest = (from: number) => steps.slice(from).map((_, index) => from + index + 1);
          expect(read.map(({ data }) => data)).toEqual(
            definitions.map((_, stored) => ({ trail: [value, ...steps.slice(stored)] })),
          );
          expect(ran).toEqual(definitions.flatMap((_, stored) => rest(stored)));
          // Composes: what a middle release reads, upcast from there, is what the newest reads.
          for (const [middle, definition] of definitions.entries()) {
            const older = upcastData(definition, 1, { trail: [value] });
            expect(upcastData(definitions.at(-1) ?? schema, middle + 1, older)).toEqual(read[0]?.data);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("what the definitions do not know", () => {
  it("is an error that says the schema version", async () => {
    const { first, third } = releases();
    await third.append("p|1", [{ type: "Moved", data: NEW }]);
    await expect(collect(first.read("p|1"))).rejects.toMatchObject({
      code: "unknownEventType",
      eventType: "Moved",
      schemaVersion: 3,
      message: expect.stringContaining('no event type "Moved" with schema version 3 is defined'),
    });
  });

  it("comes as it is stored with unknownEvents: raw", async () => {
    const { storage, third, undefined: untyped } = releases();
    await third.append("p|1", [{ type: "Moved", data: NEW }]);
    await untyped.append("p|1", [{ type: "Gone", data: 7 }]);
    const raw = createMemoryEventStore({
      storage,
      events: defineEvents({ Moved: movedV1 }),
      unknownEvents: "raw",
    });
    expect((await collect(raw.read("p|1"))).map(({ type, data }): unknown => [type, data])).toEqual([
      ["Moved", NEW],
      ["Gone", 7],
    ]);
    await untyped.append("p|2", [{ type: "Gone", data: 7 }]);
    const conflict = raw.append("p|2", [{ type: "Moved", data: OLD }], { expectedVersion: 0 });
    await expect(conflict).rejects.toMatchObject({ winningCommit: { events: [{ type: "Gone" }] } });
  });

  it("names with $ are refused, with definitions and without", async () => {
    const store = createMemoryEventStore();
    const refused = { code: "invalidEvent", path: "type" };
    await expect(store.append("p|1", [{ type: "$mine", data: 1 }])).rejects.toMatchObject(refused);
    const typed = createMemoryEventStore({ events: defineEvents({ Moved: movedV1 }) });
    await expect(typed.append("p|1", [{ type: "$mine", data: 1 } as never])).rejects.toMatchObject(refused);
  });
});
