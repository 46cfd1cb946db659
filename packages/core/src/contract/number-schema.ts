import type { StandardSchemaV1 } from "@standard-schema/spec";

/** `{ number: n }`, where text with digits is turned into a number: a schema by hand, so that no library is needed. */
export const numberSchema: StandardSchemaV1<
  { readonly number: number | string },
  { readonly number: number }
> = {
  "~standard": {
    version: 1,
    vendor: "tuppence",
    validate(value) {
      const number = Number((value as { number?: unknown } | null)?.number);
      if (Number.isSafeInteger(number)) return { value: { number } };
      return { issues: [{ message: "a whole number is needed", path: ["number"] }] };
    },
  },
};
