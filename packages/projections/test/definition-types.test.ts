import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { defineEvents, type RecordedEvent } from "@tuppence/core";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  defineProjection,
  type DocumentProjection,
  type HandlerProjection,
  type ProjectedEvent,
  type Projection,
  type ReactorProjection,
} from "../src/index.ts";

const events = defineEvents({
  CourseOpened: z.object({ places: z.int() }),
  StudentSubscribed: z.object({ student: z.string(), at: z.string().default("now") }),
  CourseClosed: z.object({ reason: z.string() }),
});
type Event = ProjectedEvent<typeof events, keyof typeof events>;

interface Course {
  readonly status: "open" | "closed";
  readonly students: readonly string[];
}

const base = { name: "courses", version: 1, events } as const;
const key = ({ streamId }: RecordedEvent): string => streamId;
const counter = { initialState: () => 0, evolve: (count: number) => count + 1 };

/** For what the compiler alone has to refuse: it never runs. */
const never = (_refused: () => unknown): void => undefined;

describe("events of a projection", () => {
  it("are those of its types, with their data as it is read", () => {
    const courses = defineProjection({
      ...base,
      types: ["CourseOpened", "StudentSubscribed"],
      key(event) {
        expectTypeOf(event.type).toEqualTypeOf<"CourseOpened" | "StudentSubscribed">();
        expectTypeOf(event.position).toEqualTypeOf<number>();
        return event.streamId;
      },
      initialState: () => 0,
      evolve(count, event) {
        if (event.type === "CourseOpened") return event.data.places;
        expectTypeOf(event.data).toEqualTypeOf<{ student: string; at: string }>();
        return count + 1;
      },
    });
    expectTypeOf(courses).toEqualTypeOf<
      DocumentProjection<number, ProjectedEvent<typeof events, "CourseOpened" | "StudentSubscribed">>
    >();
  });

  it("are all that are defined when no types are named", () => {
    const all = defineProjection({
      ...base,
      key(event) {
        expectTypeOf(event).toEqualTypeOf<Event>();
        return event.streamId;
      },
      ...counter,
    });
    expectTypeOf(all).toEqualTypeOf<DocumentProjection<number, Event>>();
  });

  it("have any data when nothing is defined, with types and without", () => {
    defineProjection({
      name: "any",
      version: 1,
      react({ type, data }) {
        expectTypeOf(type).toEqualTypeOf<string>();
        expectTypeOf(data).toEqualTypeOf<unknown>();
      },
    });
    defineProjection({
      name: "some",
      version: 1,
      types: ["CourseOpened", "Whatever"],
      react({ type, data, position }) {
        expectTypeOf(type).toEqualTypeOf<"CourseOpened" | "Whatever">();
        expectTypeOf(data).toEqualTypeOf<unknown>();
        expectTypeOf(position).toEqualTypeOf<number>();
      },
    });
  });

  it("can't have types that are not defined, nor data of other types", () => {
    // @ts-expect-error No such type.
    never(() => defineProjection({ ...base, types: ["CourseShut"], key, ...counter }));
    // @ts-expect-error No such type.
    never(() => defineProjection({ ...base, types: ["CourseShut"], react: () => undefined }));
    // @ts-expect-error Not all of them have places.
    never(() => defineProjection({ ...base, react: (event) => void event.data.places }));
    const shut = { ...base, types: ["CourseClosed"] } as const;
    // @ts-expect-error Not one that is handled.
    never(() => defineProjection({ ...shut, react: (event) => event.type === "CourseOpened" }));
  });
});

describe("the state of a document", () => {
  it("follows from initialState", () => {
    const inferred = defineProjection({
      ...base,
      key,
      initialState: () => ({ places: 0, students: [] as string[] }),
      evolve: (state, event) =>
        event.type === "CourseOpened" ? { ...state, places: event.data.places } : state,
    });
    type State = { places: number; students: string[] };
    expectTypeOf(inferred).toEqualTypeOf<DocumentProjection<State, Event>>();
    const declared = defineProjection({
      ...base,
      key,
      initialState: (): Course => ({ status: "open", students: [] }),
      evolve: (state, event): Course =>
        event.type === "CourseClosed" ? { ...state, status: "closed" } : state,
    });
    expectTypeOf(declared).toEqualTypeOf<DocumentProjection<Course, Event>>();
  });

  it("follows from a fold that was written elsewhere", () => {
    const evolve = (state: Course, event: Event): Course =>
      event.type === "CourseClosed" ? { ...state, status: "closed" } : state;
    const initialState = (): Course => ({ status: "open", students: [] });
    const projection = defineProjection({ ...base, key, initialState, evolve });
    expectTypeOf(projection).toEqualTypeOf<DocumentProjection<Course, Event>>();
  });

  it("is the schema's, whatever narrower thing it begins with", () => {
    const withSchema = defineProjection({
      ...base,
      key,
      schema: z.object({ students: z.array(z.string()), note: z.string().optional() }),
      initialState: () => ({ students: [] }),
      evolve(state, event) {
        expectTypeOf(state.students).toEqualTypeOf<string[]>();
        return event.type === "StudentSubscribed"
          ? { ...state, students: [...state.students, event.data.student] }
          : state;
      },
    });
    type State = { students: string[]; note?: string | undefined };
    expectTypeOf(withSchema).toEqualTypeOf<DocumentProjection<State, Event>>();
  });

  it("may become undefined, but nothing else", () => {
    const removed = defineProjection({
      ...base,
      key,
      initialState: () => ({ count: 0 }),
      evolve: ({ count }, event) => (event.type === "CourseClosed" ? undefined : { count: count + 1 }),
    });
    expectTypeOf(removed).toEqualTypeOf<DocumentProjection<{ count: number }, Event>>();
    // @ts-expect-error Another state.
    never(() => defineProjection({ ...base, key, initialState: () => 0, evolve: (n) => String(n) }));
    const fits = { ...base, key, schema: z.object({ count: z.number() }) } as const;
    // @ts-expect-error Not what the schema takes.
    never(() => defineProjection({ ...fits, initialState: () => ({ count: "" }), evolve: (s) => s }));
  });

  it("has a key that is text, several, or none", () => {
    defineProjection({ ...base, key: (event) => [event.streamId, "all"], ...counter });
    defineProjection({
      ...base,
      key: (event) => (event.type === "CourseOpened" ? event.streamId : undefined),
      ...counter,
    });
    // @ts-expect-error No text.
    never(() => defineProjection({ ...base, key: (event) => event.version, ...counter }));
    // @ts-expect-error No key.
    never(() => defineProjection({ ...base, ...counter }));
  });
});

describe("handlers", () => {
  it("answer their writes in transaction mode", () => {
    const writes: readonly TransactWriteItem[] = [];
    const handler = defineProjection({
      ...base,
      types: ["CourseClosed"],
      mode: "transaction",
      handle(batch, { slot, after, upTo, isLive }) {
        expectTypeOf(batch).toEqualTypeOf<readonly ProjectedEvent<typeof events, "CourseClosed">[]>();
        expectTypeOf({ slot, after, upTo, isLive }).toEqualTypeOf<{
          slot: number;
          after: number;
          upTo: number;
          isLive: boolean;
        }>();
        return writes;
      },
    });
    expectTypeOf(handler).toEqualTypeOf<HandlerProjection<ProjectedEvent<typeof events, "CourseClosed">>>();
    // @ts-expect-error No writes.
    never(() => defineProjection({ ...base, mode: "transaction", handle: () => undefined }));
    // @ts-expect-error No writes.
    never(() => defineProjection({ ...base, mode: "transaction", handle: async () => undefined }));
    const start = async (): Promise<number> => 0;
    // @ts-expect-error The position is in the transaction already.
    never(() => defineProjection({ ...base, mode: "transaction", handle: () => [], loadPosition: start }));
  });

  it("answer nothing otherwise, and may keep the position elsewhere", () => {
    const handler = defineProjection({
      ...base,
      types: ["CourseClosed"],
      async handle(batch) {
        expectTypeOf(batch[0]?.data).toEqualTypeOf<{ reason: string } | undefined>();
      },
      async loadPosition({ build, slot }) {
        expectTypeOf({ build, slot }).toEqualTypeOf<{ build: number; slot: number }>();
        return undefined;
      },
    });
    expectTypeOf(handler).toExtend<HandlerProjection>();
    // @ts-expect-error Writes that nobody would make.
    never(() => defineProjection({ ...base, handle: async () => [{ Put: {} }] }));
  });
});

describe("reactors", () => {
  it("get one event, and an idempotency key", () => {
    const reactor = defineProjection({
      ...base,
      types: ["CourseClosed"],
      async react(event, { idempotencyKey, attempt }) {
        expectTypeOf(event.data).toEqualTypeOf<{ reason: string }>();
        expectTypeOf(idempotencyKey).toEqualTypeOf<string>();
        expectTypeOf(attempt).toEqualTypeOf<number>();
      },
    });
    expectTypeOf(reactor).toEqualTypeOf<ReactorProjection>();
  });
});

describe("projections of all kinds", () => {
  it("go into one list", () => {
    const projections: readonly Projection[] = [
      defineProjection({ ...base, key, ...counter }),
      defineProjection({ ...base, types: ["CourseClosed"], handle: (batch) => void batch[0]?.data.reason }),
      defineProjection({ ...base, types: ["CourseOpened"], react: (event) => void event.data.places }),
    ];
    expect(projections.map(({ kind }) => kind)).toEqual(["document", "handler", "reactor"]);
  });

  it("have one shape only", () => {
    const react = (): void => undefined;
    // @ts-expect-error Two shapes.
    expect(() => defineProjection({ ...base, react, handle: react })).toThrow(TypeError);
    // @ts-expect-error No shape.
    expect(() => defineProjection(base)).toThrow(TypeError);
  });
});
