import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { collect } from "../src/contract/fixtures.ts";
import {
  commitIdFrom,
  decideAcross,
  defineEvents,
  type EventStore,
  type Observer,
  type RecordedEventOf,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";

const events = defineEvents({
  CourseOpened: z.object({ places: z.number() }),
  StudentSubscribed: z.object({ student: z.string() }),
  CourseTaken: z.object({ course: z.string() }),
});
type Store = EventStore<typeof events>;

const course = {
  initialState: () => ({ places: 0, students: [] as readonly string[] }),
  evolve(
    state: { readonly places: number; readonly students: readonly string[] },
    event: { readonly type: string; readonly data: unknown },
  ) {
    if (event.type === "CourseOpened") return { ...state, places: (event.data as { places: number }).places };
    return { ...state, students: [...state.students, (event.data as { student: string }).student] };
  },
};
const courses = { initialState: () => 0, evolve: (count: number) => count + 1 };
const quiet = { random: Math.random, sleep: async () => undefined };

class CourseFullError extends Error {}
class AlreadySubscribedError extends Error {}

type Options = NonNullable<Parameters<typeof decideAcross>[2]>;

function subscribe(
  store: Store,
  c: string,
  s: string,
  options: Options & { readonly before?: () => Promise<unknown> } = {},
) {
  return decideAcross(
    store,
    async ({ load }) => {
      const [{ places, students }] = await Promise.all([
        load(`course|${c}`, course),
        load(`student|${s}`, courses),
      ]);
      await options.before?.();
      if (students.includes(s)) throw new AlreadySubscribedError();
      if (students.length >= places) throw new CourseFullError();
      return [
        { streamId: `course|${c}`, events: [{ type: "StudentSubscribed", data: { student: s } }] },
        { streamId: `student|${s}`, events: [{ type: "CourseTaken", data: { course: c } }] },
      ];
    },
    { runtime: quiet, ...options },
  );
}

function open(): { readonly store: Store; readonly rival: Store } {
  const storage = createMemoryStorage();
  return {
    store: createMemoryEventStore({ events, storage }),
    rival: createMemoryEventStore({ events, storage }),
  };
}

/** The same work, but only the first time. */
function once(work: () => Promise<unknown>): () => Promise<unknown> {
  let done = false;
  return async () => {
    if (done) return;
    done = true;
    await work();
  };
}

describe("a decision over several streams", () => {
  const start = async (places = 1) => {
    const stores = open();
    await stores.rival.append("course|math", [{ type: "CourseOpened", data: { places } }]);
    return stores;
  };

  it("appends to all of them, and says what", async () => {
    const { store } = await start();
    const result = await subscribe(store, "math", "ada", { metadata: { correlationId: "r-1" } });
    expect(result).toMatchObject({ duplicate: false, attempts: 1 });
    expectTypeOf(result.appends.flatMap((append) => append.events)).toEqualTypeOf<
      RecordedEventOf<typeof events>[]
    >();
    expect(result.appends.map(({ streamId, version }) => [streamId, version])).toEqual([
      ["course|math", 2],
      ["student|ada", 1],
    ]);
    for (const { streamId, events: appended, firstVersion } of result.appends) {
      expect(await collect(store.read(streamId, { fromVersion: firstVersion }))).toEqual(appended);
      expect(appended[0]?.metadata).toEqual({ correlationId: "r-1" });
    }
  });

  it("decides again on what was faster, without another read", async () => {
    const { store, rival } = await start(2);
    const before = once(() => subscribe(rival, "math", "grace"));
    const { attempts, capacity, appends } = await subscribe(store, "math", "ada", { before });
    expect({ attempts, version: appends[0]?.version }).toEqual({ attempts: 2, version: 3 });
    expect(capacity).toEqual({ requests: 4, readUnits: 2, writeUnits: 9 });
  });

  it("is refused by its rule when the last place went to somebody faster", async () => {
    const { store, rival } = await start(1);
    const before = once(() => subscribe(rival, "math", "grace"));
    await expect(subscribe(store, "math", "ada", { before })).rejects.toThrow(CourseFullError);
    expect(await store.streamExists("student|ada")).toBe(false);
  });

  it("makes every stream that is only read a condition", async () => {
    const { store, rival } = await start(1);
    let decided = 0;
    const result = await decideAcross(store, async ({ load }) => {
      const { students } = await load("course|math", course);
      decided += 1;
      if (decided === 1) await subscribe(rival, "math", "grace");
      return {
        streamId: "student|ada",
        events: [{ type: "CourseTaken", data: { course: String(students) } }],
      };
    });
    expect(result.attempts).toBe(2);
    expect(result.appends[0]?.events[0]?.data).toEqual({ course: "grace" });
  });

  it("makes no condition of what only an earlier attempt read", async () => {
    const { store, rival } = await start(1);
    let decided = 0;
    const result = await decideAcross(store, async ({ load }) => {
      decided += 1;
      if (decided === 1) await load("student|ada", courses);
      await load("course|math", course);
      await rival.append("student|ada", [{ type: "CourseTaken", data: { course: "art" } }]);
      if (decided === 1) await subscribe(rival, "math", "grace");
      return { streamId: "student|eve", events: [{ type: "CourseTaken", data: { course: "math" } }] };
    });
    expect(result.attempts).toBe(2);
  });

  it("gives the same state however often it is asked for, also through two folds", async () => {
    const { store, rival } = await start(5);
    const seen: unknown[] = [];
    await decideAcross(store, async ({ load, versionOf }) => {
      const first = await load("course|math", course);
      await rival.append("course|math", [{ type: "StudentSubscribed", data: { student: "eve" } }]);
      const count = await load("course|math", courses);
      seen.push(first === (await load("course|math", course)), count, await versionOf("course|math"));
      return [];
    });
    expect(seen).toEqual([true, 1, 1]);
  });

  it("reads no more than the end of a stream for its version, and holds it there", async () => {
    const { store, rival } = await start(5);
    for (const student of ["a", "b", "c"]) await subscribe(rival, "math", student);
    const versions: number[] = [];
    const result = await decideAcross(store, async ({ versionOf }) => {
      versions.push(await versionOf("course|math"), await versionOf("course|none"));
      if (versions.length === 2) await subscribe(rival, "math", "d");
      return {
        streamId: "student|z",
        events: [{ type: "CourseTaken", data: { course: "math" } }],
        expectedVersion: "noStream",
      };
    });
    expect(versions).toEqual([4, 0, 5, 0]);
    expect(result).toMatchObject({ attempts: 2, capacity: { readUnits: 2, requests: 4 } });
  });

  it("counts what it reads, also under an observer's eyes", async () => {
    const ended: unknown[] = [];
    const observer: Observer = {
      start: ({ name }) => ({
        run: (work) => work(),
        retry: () => undefined,
        end: ({ capacity }) => void ended.push([name, capacity.readUnits]),
      }),
    };
    const store = createMemoryEventStore({ observer });
    await store.append("course|math", [{ type: "CourseOpened", data: { places: 1 } }]);
    const { capacity } = await decideAcross(store, async ({ versionOf, load }) => {
      await versionOf("course|math");
      await load("course|art", courses);
      return [];
    });
    expect(capacity).toEqual({ requests: 3, readUnits: 1 + 1 + 4, writeUnits: 0 });
    expect(ended.slice(1)).toEqual([
      ["read", 1],
      ["load", 1],
      ["transact", 4],
    ]);
  });

  it("appends nothing when nothing is decided", async () => {
    const { store } = await start();
    const result = await decideAcross(store, async ({ load }) => {
      await load("course|math", course);
      return [];
    });
    expect(result).toEqual({
      commitId: undefined,
      duplicate: false,
      appends: [],
      attempts: 1,
      capacity: { requests: 1, readUnits: 1, writeUnits: 0 },
    });
  });

  it("refuses only for what was true at one moment", async () => {
    const { store, rival } = open();
    const note = (streamId: string, left: string) => ({
      streamId,
      events: [{ type: "CourseTaken" as const, data: { course: left } }],
    });
    // One token, which is always in exactly one of two streams.
    const holds = { initialState: () => false, evolve: (has: boolean) => !has };
    await rival.append("hand|left", note("", "").events);
    const move = () => rival.transact([note("hand|left", "goes"), note("hand|right", "comes")]);
    const look = (verifyRefusals?: boolean) => {
      const before = once(move);
      return decideAcross(
        store,
        async ({ load }) => {
          const right = await load("hand|right", holds);
          await before();
          const left = await load("hand|left", holds);
          if (!left && !right) throw new Error("the token is gone");
          return [];
        },
        { verifyRefusals },
      );
    };
    expect(await look()).toMatchObject({ appends: [], attempts: 2 });
    // Back again, and looked for in the same order, but believed.
    await move();
    await expect(look(false)).rejects.toThrow("the token is gone");
  });

  it("gives the conflict to the caller after the last attempt", async () => {
    const { store, rival } = await start(1);
    const before = () => rival.append("course|math", [{ type: "CourseOpened", data: { places: 1 } }]);
    await expect(subscribe(store, "math", "ada", { before, maxAttempts: 4 })).rejects.toMatchObject({
      code: "transactConflict",
      conflicts: [{ streamId: "course|math", expected: 4, actual: 5 }],
    });
  });

  it("does not decide again for streams that it did not read", async () => {
    const { store, rival } = await start();
    await rival.append("student|ada", [{ type: "CourseTaken", data: { course: "art" } }]);
    let decided = 0;
    const result = decideAcross(store, async ({ load }) => {
      decided += 1;
      await load("course|math", course);
      return {
        streamId: "student|ada",
        events: [{ type: "CourseTaken", data: { course: "math" } }],
        expectedVersion: "noStream",
      };
    });
    await expect(result).rejects.toMatchObject({ code: "transactConflict", conflicts: [{ actual: 1 }] });
    expect(decided).toBe(1);
  });

  it.each([
    ["with an event", 2, [{ type: "CourseOpened" as const, data: { places: 0 } }]],
    ["without one", 1, []],
  ])(
    "decides on how a stream was closed (%s), and gives up where it is closed",
    async (_, decisions, last) => {
      const { store, rival } = await start(2);
      let decided = 0;
      const result = decideAcross(store, async ({ load }) => {
        decided += 1;
        await load("course|math", course);
        if (decided === 1) await rival.append("course|math", last, { close: true });
        return { streamId: "course|math", events: [{ type: "CourseOpened", data: { places: 3 } }] };
      });
      await expect(result).rejects.toMatchObject({ code: "transactConflict", retryable: false });
      expect(decided).toBe(decisions);
    },
  );

  it("refuses what is no decision, before anything is written", async () => {
    const { store } = await start();
    const write = {
      streamId: "course|math",
      events: [{ type: "CourseOpened" as const, data: { places: 3 } }],
    };
    await expect(decideAcross(store, () => [], { maxAttempts: 0 })).rejects.toThrow(RangeError);
    await expect(decideAcross(store, () => [], { commitId: "x" })).rejects.toThrow(TypeError);
    await expect(decideAcross(store, () => write, { commitId: commitIdFrom("1") })).rejects.toThrow(
      TypeError,
    );
    const expecting = decideAcross(store, async ({ load }) => {
      await load("course|math", course);
      return { ...write, expectedVersion: 1 };
    });
    await expect(expecting).rejects.toThrow(TypeError);
    let late: (() => Promise<unknown>) | undefined;
    await decideAcross(store, ({ load }) => {
      late = () => load("course|math", course);
      return [];
    });
    await expect(late?.()).rejects.toThrow(TypeError);
    const many = decideAcross(store, async ({ load }) => {
      await Promise.all(Array.from({ length: 100 }, (_, n) => load(`student|${n}`, courses)));
      return write;
    });
    await expect(many).rejects.toMatchObject({ code: "transactionTooLarge", size: 101, limitOf: "actions" });
    // @ts-expect-error No such type.
    await expect(decideAcross(store, () => ({ ...write, events: [{ type: "X" }] }))).rejects.toMatchObject({
      code: "invalidEvent",
    });
    expect(await collect(store.read("course|math"))).toHaveLength(1);
  });

  it("fails when a read fails, whatever was made of it", async () => {
    const { store } = await start();
    const swallowed = decideAcross(store, async ({ load }) => {
      await load("no name", courses).catch(() => undefined);
      await load("$system", courses).catch(() => undefined);
      return { streamId: "course|math", events: [{ type: "CourseOpened", data: { places: 3 } }] };
    });
    await expect(swallowed).rejects.toMatchObject({ code: "invalidStreamId" });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(subscribe(store, "math", "ada", { signal })).rejects.toThrow("enough");
  });
});

describe("a decision with an id of its own", () => {
  it("is recognised in any stream it wrote to and loads, and gives its first result", async () => {
    const { store, rival } = open();
    await rival.append("course|math", [{ type: "CourseOpened", data: { places: 1 } }]);
    const commitId = commitIdFrom("subscription-1");
    const first = await subscribe(store, "math", "ada", { commitId });
    expect(first).toMatchObject({ commitId, duplicate: false, attempts: 1 });
    await rival.append("course|math", [{ type: "CourseOpened", data: { places: 0 } }], { close: true });
    for (const each of [store, rival]) {
      const again = await subscribe(each, "math", "ada", { commitId });
      expect(again).toMatchObject({ commitId, duplicate: true, attempts: 0, appends: first.appends });
    }
    await expect(subscribe(store, "math", "ada")).rejects.toThrow(AlreadySubscribedError);
    expect(await collect(store.read("course|math"))).toHaveLength(3);
  });

  it("at the same time in many processes is stored once", async () => {
    const storage = createMemoryStorage();
    const stores = Array.from({ length: 8 }, () => createMemoryEventStore({ events, storage }));
    await createMemoryEventStore({ events, storage }).append("course|math", [
      { type: "CourseOpened", data: { places: 1 } },
    ]);
    const commitId = commitIdFrom("subscription-2");
    const results = await Promise.all(stores.map((store) => subscribe(store, "math", "ada", { commitId })));
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(results.map(({ appends }) => JSON.stringify(appends))).size).toBe(1);
  });

  it("gives its first result even where it would write to other streams now", async () => {
    const { store, rival } = open();
    const commitId = commitIdFrom("order-1");
    let number = 0;
    const place = (each: Store, before: () => Promise<unknown>) =>
      decideAcross(
        each,
        async ({ load }) => {
          await load("course|math", course);
          await before();
          const parts = [
            {
              streamId: `student|${++number}`,
              events: [{ type: "CourseTaken" as const, data: { course: "x" } }],
            },
          ];
          return [
            { streamId: "course|math", events: [{ type: "CourseOpened", data: { places: 1 } }] },
            ...parts,
          ];
        },
        { commitId },
      );
    let first: Awaited<ReturnType<typeof place>> | undefined;
    const second = await place(store, async () => {
      first = await place(rival, async () => undefined);
    });
    expect(second).toMatchObject({ duplicate: true, appends: first?.appends });
    expect(await collect(store.listStreams("student"))).toEqual(["student|1"]);
  });
});
