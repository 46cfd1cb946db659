import { describe, expect, it } from "vitest";
import {
  DEFAULT_BATCH,
  DEFAULT_DOCUMENT_BATCH,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MAX_PARKED,
  DEFAULT_TRANSACTION_BATCH,
  defineProjection,
  MAX_SLOTS,
} from "../src/index.ts";

const fold = { key: () => "one", initialState: () => 0, evolve: (count: number) => count + 1 };
const options = { name: "courses", version: 1, ...fold };
/** As untyped code would call it. */
const define = (changed: object): unknown => defineProjection({ ...options, ...changed });
const without = ({ ...given }: Partial<typeof options>, name: keyof typeof options): object => {
  delete given[name];
  return given;
};

describe("defineProjection", () => {
  it("fills in the defaults, and can't be changed", () => {
    const projection = defineProjection(options);
    expect(projection).toEqual({
      ...options,
      kind: "document",
      mode: "guard",
      types: undefined,
      categories: undefined,
      slots: 1,
      startFrom: "beginning",
      batch: DEFAULT_DOCUMENT_BATCH,
      onFailure: "park",
      maxAttempts: DEFAULT_MAX_ATTEMPTS,
      maxParked: DEFAULT_MAX_PARKED,
    });
    expect(Object.isFrozen(projection)).toBe(true);
  });

  it("tells the kind by what it has, and the mode's default by that", () => {
    const base = { name: "a", version: 1 };
    expect(defineProjection({ ...base, handle: () => undefined })).toMatchObject({
      kind: "handler",
      mode: "atLeastOnce",
      batch: DEFAULT_BATCH,
    });
    expect(defineProjection({ ...base, mode: "transaction", handle: () => [] })).toMatchObject({
      kind: "handler",
      mode: "transaction",
      batch: DEFAULT_TRANSACTION_BATCH,
    });
    expect(defineProjection({ ...base, react: () => undefined })).toMatchObject({ kind: "reactor" });
    expect(defineProjection({ ...options, mode: "transaction" })).toMatchObject({ mode: "transaction" });
  });

  it("changes only those limits of a batch that are given", () => {
    const { batch } = defineProjection({ ...options, batch: { maxEvents: 7 } });
    expect(batch).toEqual({ ...DEFAULT_DOCUMENT_BATCH, maxEvents: 7 });
  });

  it.each(["a", "Courses_2.by-day", "x".repeat(64)])("takes the name %s", (name) => {
    expect(define({ name })).toMatchObject({ name });
  });

  it.each(["", "a b", "a@b", "a#1", "a|b", "é", "x".repeat(65), 7, undefined])(
    "refuses the name %j with it",
    (name) => {
      expect(() => define({ name })).toThrow(TypeError);
      expect(() => define({ name })).toThrow(`which ${JSON.stringify(name)} has not`);
    },
  );

  const whole = ["version", "slots", "maxAttempts", "maxParked"];
  it.each(whole.flatMap((option) => [0, -1, 1.5, Number.NaN, "1"].map((value) => [option, value] as const)))(
    "refuses a %s of %j with it",
    (option, value) => {
      expect(() => define({ [option]: value })).toThrow(RangeError);
      expect(() => define({ [option]: value })).toThrow(`${option} is ${value}; it has to be a whole number`);
    },
  );

  it("has a version", () => {
    expect(() => define({ version: undefined })).toThrow("version is undefined");
  });

  it("has as many slots as change hands in one transaction, and no more", () => {
    expect(define({ slots: MAX_SLOTS })).toMatchObject({ slots: 64 });
    expect(() => define({ slots: 65 })).toThrow(new RangeError("slots is 65; 64 is the most."));
  });

  it.each([
    [{ maxEvents: 0 }, "maxEvents is 0"],
    [{ maxCharacters: 0.5 }, "maxCharacters is 0.5"],
    [{ maxDelayMs: -1 }, "maxDelayMs is -1"],
    [{ maxDelayMs: Number.NaN }, "maxDelayMs is NaN"],
  ])("refuses the batch %j", (batch, message) => {
    expect(() => define({ batch })).toThrow(RangeError);
    expect(() => define({ batch })).toThrow(message);
  });

  it.each([
    ["startFrom", "middle", "beginning, end"],
    ["onFailure", "ignore", "park, skip, halt"],
    ["mode", "atLeastOnce", "guard, transaction"],
  ])("refuses a %s of %s, and says what there is", (option, value, choices) => {
    expect(() => define({ [option]: value })).toThrow(
      new RangeError(`${option} is "${value}"; it has to be one of ${choices}.`),
    );
  });

  it.each(["types", "categories"])("refuses empty %s: it would do nothing", (option) => {
    expect(() => define({ [option]: [] })).toThrow(RangeError);
    expect(() => define({ [option]: [] })).toThrow(`${option} of projection courses are empty`);
  });

  it.each(["types", "categories"])("refuses %s that are no list", (option) => {
    expect(() => define({ [option]: "abc" })).toThrow(
      new TypeError(`${option} of projection courses are "abc"; they have to be a list.`),
    );
  });

  it("has exactly one shape", () => {
    expect(() => define({ evolve: undefined })).toThrow('Projection "courses" has nothing to do');
    expect(() => define({ react: () => undefined })).toThrow("has evolve and react");
    expect(() => define({ react: () => undefined, handle: () => undefined })).toThrow(TypeError);
  });

  it.each(["key", "initialState", "evolve"] as const)("needs a function for %s", (name) => {
    expect(() => define({ [name]: "text" })).toThrow(
      new TypeError(`${name} of a projection is string; it has to be a function.`),
    );
    expect(() => defineProjection(without(options, name) as typeof options)).toThrow(TypeError);
  });

  it("takes a function only for what is called when it is there", () => {
    const handler = { name: "a", version: 1, handle: () => undefined };
    for (const name of ["prepare", "retire", "loadPosition"]) {
      expect(() => defineProjection({ ...handler, [name]: 1 as never })).toThrow(
        new TypeError(`${name} of a projection is number; it has to be a function.`),
      );
    }
    const together = { ...handler, mode: "transaction", loadPosition: async () => 0 };
    expect(() => defineProjection(together as never)).toThrow(TypeError);
  });

  it("takes as schema only what is one", () => {
    expect(() => define({ schema: { parse: () => 0 } })).toThrow(TypeError);
    expect(() => define({ schema: { parse: () => 0 } })).toThrow("no Standard Schema");
  });
});
