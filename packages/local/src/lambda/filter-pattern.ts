import { filterRule, isObject, refusal } from "./filter-rule.ts";

/** An event filter: the text of an event source mapping's `Pattern`, or the object that it is the JSON of. */
export type FilterPattern = string | Readonly<Record<string, unknown>>;

/** Five by default, ten by request: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html */
const MAX_FILTER_PATTERNS = 10;
/** https://docs.aws.amazon.com/lambda/latest/api/API_Filter.html */
const MAX_PATTERN_CHARACTERS = 4_096;

type Matches = (value: unknown) => boolean;

/**
 * Returns whether a record goes to the function: one of the patterns matches it, or there is none.
 *
 * As in Lambda, operators look at leaves only: `exists: true` never matches a map, and `numeric` never an attribute
 * of type N, which DynamoDB writes as a string. Arrays are looked through: one matching element is enough.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
 *
 * @throws TypeError when a pattern is not one of Lambda's
 * @throws RangeError when there are more than 10, or one has more than 4,096 characters
 */
export function recordFilter(patterns: readonly FilterPattern[]): Matches {
  if (patterns.length > MAX_FILTER_PATTERNS) {
    throw new RangeError(`There are at most ${MAX_FILTER_PATTERNS} filter patterns, not ${patterns.length}`);
  }
  const filters = patterns.map((pattern) => objectFilter(parsePattern(pattern), "the top"));
  return (record) => filters.length === 0 || filters.some((matches) => matches(record));
}

function parsePattern(pattern: FilterPattern): unknown {
  const text = typeof pattern === "string" ? pattern : JSON.stringify(pattern);
  if (text.length > MAX_PATTERN_CHARACTERS) {
    throw new RangeError(
      `A filter pattern has at most ${MAX_PATTERN_CHARACTERS} characters, not ${text.length}`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`A filter pattern is JSON, not ${text}`, { cause });
  }
}

function objectFilter(pattern: unknown, place: string): Matches {
  if (!isObject(pattern) || Object.keys(pattern).length === 0) {
    throw refusal(place, "has an object with fields", pattern);
  }
  const fields = Object.entries(pattern).map(([name, inner]) =>
    name === "$or" ? orFilter(inner, place) : fieldFilter(name, inner, place),
  );
  return (value) => fields.every((matches) => matches(value));
}

function orFilter(alternatives: unknown, place: string): Matches {
  if (!Array.isArray(alternatives) || alternatives.length < 2) {
    throw refusal(`${place}.$or`, "has an array of two or more objects", alternatives);
  }
  const filters = alternatives.map((pattern) => objectFilter(pattern, `${place}.$or`));
  return (value) => filters.some((matches) => matches(value));
}

function fieldFilter(name: string, inner: unknown, parent: string): Matches {
  const place = `${parent}.${name}`;
  if (Array.isArray(inner)) {
    if (inner.length === 0) throw refusal(place, "has an array that is not empty", inner);
    const rules = inner.map((rule) => filterRule(rule, place));
    return (value) => {
      const values = leaves(fieldOf(value, name));
      return rules.some((matches) => matches(values));
    };
  }
  const matchesInner = objectFilter(inner, place);
  return (value) => {
    const field = fieldOf(value, name);
    return Array.isArray(field) && field.length > 0
      ? field.flat(Number.POSITIVE_INFINITY).some(matchesInner)
      : matchesInner(field);
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function leaves(value: unknown): readonly unknown[] {
  const values: unknown[] = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
  return values.filter((leaf) => leaf === null || (leaf !== undefined && typeof leaf !== "object"));
}
