/** Decides by the values at one place of a record: none when the place is missing or is no leaf. */
export type FilterRule = (values: readonly unknown[]) => boolean;

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  "=": (value, bound) => value === bound,
  "<": (value, bound) => value < bound,
  "<=": (value, bound) => value <= bound,
  ">": (value, bound) => value > bound,
  ">=": (value, bound) => value >= bound,
};

/** The rule for each operator; they get the operand and, for the message of a refusal, its place. */
const OPERATORS: Readonly<Record<string, (operand: unknown, place: string) => FilterRule>> = {
  prefix: (operand, place) => {
    const start = text(operand, place);
    return anyText((value) => value.startsWith(start));
  },
  suffix: (operand, place) => {
    const end = text(operand, place);
    return anyText((value) => value.endsWith(end));
  },
  "equals-ignore-case": (operand, place) => {
    const lower = text(operand, place).toLowerCase();
    return anyText((value) => value.toLowerCase() === lower);
  },
  exists: (operand, place) => {
    if (typeof operand !== "boolean") throw refusal(place, "has true or false", operand);
    return (values) => values.length > 0 === operand;
  },
  numeric: numericRule,
  "anything-but": anythingButRule,
};

/**
 * Reads one element of a leaf's array: a value to equal, or an object with one operator.
 *
 * @throws TypeError when Lambda has no such rule
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
 */
export function filterRule(rule: unknown, place: string): FilterRule {
  if (!isObject(rule)) {
    if (Array.isArray(rule)) throw refusal(place, "has values and operators in its array", rule);
    return (values) => values.includes(rule);
  }
  const entries = Object.entries(rule);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw refusal(place, "has one operator in an object", rule);
  const [name, operand] = entry;
  // Not `OPERATORS[name]` alone, which would find "constructor" too.
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (operator === undefined) {
    throw refusal(place, `has one of the operators ${Object.keys(OPERATORS).join(", ")}`, rule);
  }
  return operator(operand, `${place}.${name}`);
}

function numericRule(operand: unknown, place: string): FilterRule {
  const expected = 'has an array such as ["=", 1] or [">", 0, "<=", 5]';
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    throw refusal(place, expected, operand);
  }
  const bounds: ((value: number) => boolean)[] = [];
  for (let at = 0; at < operand.length; at += 2) {
    const [sign, bound]: unknown[] = operand.slice(at, at + 2);
    const compare = typeof sign === "string" ? COMPARISONS[sign] : undefined;
    if (compare === undefined || typeof bound !== "number") throw refusal(place, expected, operand);
    bounds.push((value) => compare(value, bound));
  }
  return (values) =>
    values.some((value) => typeof value === "number" && bounds.every((within) => within(value)));
}

function anythingButRule(operand: unknown, place: string): FilterRule {
  if (isObject(operand)) {
    const { prefix, ...others } = operand;
    if (Object.keys(others).length > 0) throw refusal(place, "has values or a prefix", operand);
    const start = text(prefix, place);
    return (values) => values.some((value) => typeof value !== "string" || !value.startsWith(start));
  }
  const excluded: unknown[] = Array.isArray(operand) ? operand : [operand];
  const allOf = (type: string): boolean => excluded.every((value) => typeof value === type);
  if (excluded.length === 0 || !(allOf("string") || allOf("number"))) {
    throw refusal(place, "has strings only or numbers only", operand);
  }
  return (values) => values.some((value) => !excluded.includes(value));
}

function anyText(matches: (value: string) => boolean): FilterRule {
  return (values) => values.some((value) => typeof value === "string" && matches(value));
}

function text(operand: unknown, place: string): string {
  if (typeof operand !== "string") throw refusal(place, "has a string", operand);
  return operand;
}

/** The error for a pattern that Lambda would refuse. */
export function refusal(place: string, expected: string, actual: unknown): TypeError {
  return new TypeError(`A filter pattern ${expected} at ${place}, not ${JSON.stringify(actual)}`);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
