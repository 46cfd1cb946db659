import { inspect, isDeepStrictEqual } from "node:util";
import { formatPath } from "../json.ts";
import { isPlain } from "./plain.ts";

/** How many characters of a value are shown in a line. */
const SHOWN_LENGTH = 160;
/** How deep a difference is looked for, so that a value that contains itself comes to an end. */
const MAX_DEPTH = 50;

/** A value in one line, as one would write it, cut where it is long. */
export function show(value: unknown): string {
  const line = inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, depth: 8 });
  const text = line.replaceAll(/\s*\n\s*/g, " ");
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH - 1)}…` : text;
}

/** Where two values differ first, in one line; undefined when they are deeply and strictly equal. */
export function findDifference(actual: unknown, expected: unknown, root: string): string | undefined {
  return isDeepStrictEqual(actual, expected)
    ? undefined
    : describeDifference({ value: actual }, { value: expected }, { root, keys: [] });
}

/** A property as it is: undefined when there is none, which is not the same as one that is undefined. */
type Found = { readonly value: unknown } | undefined;

interface Place {
  readonly root: string;
  readonly keys: readonly PropertyKey[];
}

function describeDifference(actual: Found, expected: Found, { root, keys }: Place): string {
  const owner = actual?.value;
  const model = expected?.value;
  if (
    isPlain(owner) &&
    isPlain(model) &&
    Array.isArray(owner) === Array.isArray(model) &&
    keys.length < MAX_DEPTH
  ) {
    for (const key of new Set([...Object.keys(model), ...Object.keys(owner)])) {
      const [inActual, inExpected] = [property(owner, key), property(model, key)];
      if (isDeepStrictEqual(inActual, inExpected)) continue;
      const step = Array.isArray(owner) ? Number(key) : key;
      return describeDifference(inActual, inExpected, { root, keys: [...keys, step] });
    }
  }
  const path = formatPath(root, keys);
  if (!expected) return `${path} is ${show(actual?.value)}, expected none`;
  if (!actual) return `${path} is missing, expected ${show(expected.value)}`;
  return `${path} is ${show(actual.value)}, expected ${show(expected.value)}`;
}

function property(owner: object, key: string): Found {
  return Object.hasOwn(owner, key) ? { value: (owner as Record<string, unknown>)[key] } : undefined;
}
