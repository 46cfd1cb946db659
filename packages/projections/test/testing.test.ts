import { AssertionError } from "node:assert";
import { defineEvents } from "@tuppence/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineProjection, type HandlerProjection } from "../src/index.ts";
import { testProjection } from "../src/testing/index.ts";

const events = defineEvents({
  CourseOpened: z.object({ places: z.int() }),
  StudentSubscribed: z.object({ student: z.string() }),
  CourseClosed: z.object({ reason: z.string() }),
});

interface Course {
  readonly places: number;
  readonly students: readonly string[];
}

const courses = defineProjection({
  name: "courses",
  version: 1,
  events,
  key: ({ streamId }) => streamId.slice("course|".length),
  initialState: (): Course => ({ places: 0, students: [] }),
  evolve(state, event): Course | undefined {
    switch (event.type) {
      case "CourseOpened":
        return { ...state, places: event.data.places };
      case "StudentSubscribed":
        if (state.students.length === state.places)
          throw new RangeError(`no place for ${event.data.student}`);
        return { ...state, students: [...state.students, event.data.student] };
      case "CourseClosed":
        return undefined;
    }
  },
});

const given = testProjection(courses);
const opened = { streamId: "course|fugue", type: "CourseOpened", data: { places: 1 } } as const;
const subscribed = (student: string) =>
  ({ streamId: "course|fugue", type: "StudentSubscribed", data: { student } }) as const;
const closed = { streamId: "course|fugue", type: "CourseClosed", data: { reason: "done" } } as const;

/** A fold of numbers as it comes. */
const numbers = <State>(initialState: () => State, evolve: (state: State, n: number) => State) =>
  testProjection(
    defineProjection({
      name: "numbers",
      version: 1,
      key: ({ streamId }) => streamId,
      initialState,
      evolve: (state: State, { data }) => evolve(state, Number(data)),
    }),
  );
const number = (data: number, streamId = "a") => ({ streamId, type: "N", data });

async function failureOf(test: Promise<void>): Promise<AssertionError> {
  try {
    await test;
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
  throw new Error("The test did not fail.");
}
const summaryOf = async (test: Promise<void>): Promise<string | undefined> =>
  (await failureOf(test)).message.split("\n")[0];

describe("thenDocuments", () => {
  it("passes for exactly the documents, without those that were taken away", async () => {
    await given([]).thenDocuments({});
    await given([opened]).thenDocuments({ fugue: { places: 1, students: [] } });
    await given([opened, subscribed("Ada")]).thenDocuments({ fugue: { places: 1, students: ["Ada"] } });
    await given([opened, { ...opened, streamId: "course|canon" }, closed]).thenDocuments({
      canon: { places: 1, students: [] },
    });
    await given([opened, closed, opened]).thenDocuments({ fugue: { places: 1, students: [] } });
  });

  it("tells what differs, and has both for the test runner's diff", async () => {
    const failure = await failureOf(
      given([opened, subscribed("Ada")]).thenDocuments({ fugue: { places: 1, students: ["Bob"] } }),
    );
    expect(failure.message).toBe(
      [
        "documents.fugue.students[0] is 'Ada', expected 'Bob'",
        "",
        "given",
        "  CourseOpened { places: 1 } in course|fugue",
        "  StudentSubscribed { student: 'Ada' } in course|fugue",
        "expected",
        "  fugue { places: 1, students: [ 'Bob' ] }",
        "but they are",
        "  fugue { places: 1, students: [ 'Ada' ] }",
      ].join("\n"),
    );
    expect(failure).toMatchObject({
      operator: "thenDocuments",
      actual: { fugue: { students: ["Ada"] } },
      expected: { fugue: { students: ["Bob"] } },
    });
  });

  it("fails for missing documents, and for more", async () => {
    expect(await summaryOf(given([]).thenDocuments({ fugue: { places: 1, students: [] } }))).toBe(
      "documents.fugue is missing, expected { places: 1, students: [] }",
    );
    expect(await summaryOf(given([opened]).thenDocuments({}))).toBe(
      "documents.fugue is { places: 1, students: [] }, expected none",
    );
  });

  it("fails when an event can't be taken, with the error as its cause", async () => {
    const failure = await failureOf(given([opened, subscribed("Ada"), subscribed("Bob")]).thenDocuments({}));
    expect(failure.message).toContain("given[2], StudentSubscribed, can't be taken\n");
    expect(failure.message).toContain("but it failed\n  RangeError: no place for Bob");
    expect(failure.cause).toEqual(new RangeError("no place for Bob"));
  });

  it("gives out positions, versions, ids and times, and passes over what is not handled", async () => {
    const places = testProjection(
      defineProjection({
        name: "places",
        version: 1,
        types: ["A"],
        categories: ["x"],
        key: () => "all",
        initialState: () => [] as unknown[],
        evolve: (list, { position, version, eventId, recordedAt, metadata }) => [
          ...list,
          [position, version, eventId, recordedAt.toISOString(), metadata],
        ],
      }),
    );
    const one = { streamId: "x|1", type: "A", data: null } as const;
    const recordedAt = new Date("2026-01-02T03:04:05Z");
    const log = [one, { ...one, streamId: "y|1" }, { ...one, type: "B" as never }, { ...one, recordedAt }];
    await places([...log, { ...one, streamId: "x|2", metadata: { a: 1 } }]).thenDocuments({
      all: [
        [1, 1, "00000000000000000000000001/0", "2000-01-01T00:00:00.000Z", {}],
        [4, 3, "00000000000000000000000004/0", "2026-01-02T03:04:05.000Z", {}],
        [5, 1, "00000000000000000000000005/0", "2000-01-01T00:00:04.000Z", { a: 1 }],
      ],
    });
  });

  it("puts an event into each of several documents once, or into none", async () => {
    const both = testProjection(
      defineProjection({
        name: "both",
        version: 1,
        key: ({ data }) => data as readonly string[] | undefined,
        initialState: () => 0,
        evolve: (count) => count + 1,
      }),
    );
    const event = (data: unknown) => ({ streamId: "a", type: "A", data });
    await both([event(["x", "y", "x"]), event([]), event("y")]).thenDocuments({ x: 1, y: 2 });
    await both([event("x"), event([""])]).thenFails({ code: "invalidDocument" });
  });

  it("applies the projection's schema", async () => {
    const few = testProjection(
      defineProjection({
        name: "few",
        version: 1,
        schema: z.number().max(2),
        key: () => "all",
        initialState: () => 0,
        evolve: (count) => count + 1,
      }),
    );
    const event = { streamId: "a", type: "A", data: null };
    await few([event, event]).thenDocuments({ all: 2 });
    await few([event, event, event]).thenFails("does not fit the schema");
  });
});

describe("thenFails", () => {
  it("knows what fits an item of DynamoDB", async () => {
    // What no compression makes small enough.
    const text = Array.from({ length: 120_000 }, (_, n) => Math.imul(n, n ^ 0x9e3779b1) >>> 0).join("");
    const large = testProjection(
      defineProjection({
        name: "large",
        version: 1,
        key: () => "all",
        initialState: () => "",
        evolve: (state, { data }) => state + text.slice(0, Number(data)),
      }),
    );
    const event = (data: number) => ({ streamId: "a", type: "A", data });
    await large([event(10), event(1_200_000)]).thenFails({ code: "documentTooLarge", key: "all" });
  });

  it("passes when the last event can't be taken, for this error", async () => {
    const full = given([opened, subscribed("Ada"), subscribed("Bob")]);
    await full.thenFails(RangeError);
    await full.thenFails("no place for Bob");
    await full.thenFails((error) => error instanceof RangeError);
  });

  it("tells of another error, of none, and of one that came too early", async () => {
    const full = given([opened, subscribed("Ada"), subscribed("Bob")]);
    expect(await summaryOf(full.thenFails(TypeError))).toBe("RangeError was thrown, expected TypeError");
    const failure = await failureOf(given([opened]).thenFails(TypeError));
    expect(failure.message).toContain("nothing failed\n");
    expect(failure.message).toContain("but the documents are\n  fugue { places: 1, students: [] }");
    const early = given([opened, subscribed("Ada"), subscribed("Bob"), closed]);
    expect(await summaryOf(early.thenFails(RangeError))).toBe("given[2], StudentSubscribed, can't be taken");
  });
});

describe("a fold that is not what is stored", () => {
  it.each<[string, (n: number) => unknown, string]>([
    ["a Date", (n) => ({ at: new Date(n) }), "state.at: a Date would not be read back as one"],
    ["a Map", (n) => new Map([[n, n]]), "state: a Map would not be read back as one"],
    [
      "undefined in a list",
      (n) => ({ list: [n, undefined] }),
      "state.list[1]: undefined has no form in JSON",
    ],
    ["a number that is none", () => ({ rate: Number.NaN }), "state.rate: NaN has no form in JSON"],
    ["a function", () => ({ call: () => 0 }), "state.call: a function has no form in JSON"],
  ])("is told of when it has %s", async (_, stateOf, message) => {
    const test = numbers<unknown>(
      () => null,
      (_state, n) => stateOf(n),
    );
    const failure = await failureOf(test([number(1)]).thenDocuments({ a: stateOf(1) }));
    expect(failure.message).toContain("given[0], N, can't be taken\n");
    expect(failure.message).toContain('the state of document "a" changes when it is stored');
    expect(failure.message).toContain(message);
    // Not what a test of errors may take for the fold's own.
    expect(await summaryOf(test([number(1)]).thenFails(/./))).toBe("given[0], N, can't be taken");
  });

  it("may have properties that are undefined", async () => {
    const test = numbers<{ n: number; note?: string | undefined }>(
      () => ({ n: 0 }),
      ({ n }) => ({ n: n + 1, note: undefined }),
    );
    await test([number(1), number(1)]).thenDocuments({ a: { n: 2 } });
  });

  it("is told of when undefined properties make a difference", async () => {
    const test = numbers<object>(
      () => ({}),
      (state) => ({ seen: "mark" in state, mark: undefined }),
    );
    const failure = await failureOf(test([number(1), number(2)]).thenDocuments({ a: { seen: false } }));
    expect(failure.message).toContain(
      "what projection numbers makes of events depends on where batches end\n",
    );
    expect(failure.message).toContain(
      "but one after the other\n  a { seen: false }\n  and all at once\n  a { seen: true }",
    );
  });

  it("is told of when only the last state of a batch fits its schema", async () => {
    const even = testProjection(
      defineProjection({
        name: "even",
        version: 1,
        schema: z.number().multipleOf(2),
        key: () => "all",
        initialState: () => 0,
        evolve: (count) => count + 1,
      }),
    );
    const event = { streamId: "a", type: "A", data: null };
    await even([event]).thenFails("schema");
    // One after the other, the first one fails; together, only the third would.
    const failure = await failureOf(even([event, event]).thenDocuments({ all: 2 }));
    expect(failure.message).toContain("given[0], A, can't be taken");
  });

  it("may change the state that it is given, but not one that all documents share, nor events", async () => {
    const push = (list: number[], n: number): number[] => {
      list.push(n);
      return list;
    };
    await numbers<number[]>(
      () => [],
      push,
    )([number(1), number(2), number(3, "b")]).thenDocuments({
      a: [1, 2],
      b: [3],
    });
    const shared: number[] = [];
    await numbers<number[]>(() => shared, push)([number(1)]).thenFails("object is not extensible");
    await numbers<readonly number[]>(
      () => shared,
      (list, n) => [...list, n],
    )([number(1)]).thenDocuments({
      a: [1],
    });
    const changing = testProjection(
      defineProjection({
        name: "changing",
        version: 1,
        key: () => "a",
        initialState: () => 0,
        evolve: (_, { data }) => ((data as { n: number }).n = 1),
      }),
    );
    await changing([{ streamId: "a", type: "A", data: { n: 0 } }]).thenFails(TypeError);
  });

  it("is told of when it remembers something else than its state", async () => {
    let calls = 0;
    const test = numbers(
      () => 0,
      () => ++calls,
    );
    expect(await summaryOf(test([number(1)]).thenDocuments({ a: 1 }))).toBe(
      "what projection numbers makes of events depends on where batches end",
    );
  });
});

describe("given", () => {
  const givenAny = given as unknown as (events: unknown) => unknown;

  it.each([
    [{}, "given takes a list"],
    [[{ ...opened, data: { at: new Date(0) } }], "given[0].data.at: a Date"],
    [[opened, { ...opened, streamId: "" }], "given[1].streamId is ''"],
    [[{ streamId: "a", data: {} }], "given[0].type"],
  ])("refuses %j", (log, message) => {
    expect(() => givenAny(log)).toThrow(TypeError);
    expect(() => givenAny(log)).toThrow(message);
  });

  it("takes only the events of the projection", () => {
    // @ts-expect-error No such type.
    void (() => given([{ ...opened, type: "CourseShut" }]));
    // @ts-expect-error The data of another type.
    void (() => given([{ ...opened, type: "CourseClosed" }]));
    // @ts-expect-error Another state.
    void (() => given([]).thenDocuments({ fugue: { places: "1", students: [] } }));
  });
});

describe("handlers", () => {
  const counts = defineProjection({
    name: "counts",
    version: 1,
    events,
    types: ["StudentSubscribed"],
    mode: "transaction",
    handle: async (batch, { build, after, upTo }) =>
      batch.map(({ data: { student } }) => {
        if (student === "") throw new RangeError("nobody");
        return { Delete: { TableName: `t${build}`, Key: { p: { S: `${student} ${after} ${upTo}` } } } };
      }),
  });
  const test = testProjection(counts);
  const write = (name: string) => ({ Delete: { TableName: "t1", Key: { p: { S: name } } } });

  it("answer writes in one batch", async () => {
    await test([]).thenWrites([]);
    await test([subscribed("Ada"), subscribed("Bob")]).thenWrites([write("Ada 0 2"), write("Bob 0 2")]);
    await test([subscribed("")]).thenFails("nobody");
  });

  it("are told of what differs", async () => {
    const one = test([subscribed("Ada")]);
    expect(await summaryOf(one.thenWrites([]))).toContain("writes[0] is { Delete:");
    expect(await summaryOf(one.thenWrites([write("Ada 0 2")]))).toBe(
      "writes[0].Delete.Key.p.S is 'Ada 0 1', expected 'Ada 0 2'",
    );
    expect(await summaryOf(one.thenFails("nobody"))).toBe("nothing failed");
    expect(await summaryOf(test([subscribed("")]).thenWrites([]))).toBe("handle threw");
  });

  it("that write by themselves, and reactors, have nothing to compare", () => {
    const outside = defineProjection({ name: "outside", version: 1, handle: () => undefined });
    expect(() => testProjection(outside)).toThrow(
      new TypeError("Projection outside has neither documents nor writes to compare."),
    );
    const reactor = defineProjection({ name: "reactor", version: 1, react: () => undefined });
    expect(() => testProjection(reactor as unknown as HandlerProjection)).toThrow(TypeError);
  });
});
