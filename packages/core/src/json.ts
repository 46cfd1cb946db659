/** What JSON text can keep and give back unchanged. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** How deep arrays and objects may be nested: far above any real event, far below the stack's end. */
const MAX_JSON_DEPTH = 200;

/** What keeps a value from being JSON, and where. */
export interface JsonProblem {
  /** From the root that was named down: `data.items[2].price`. */
  readonly path: string;
  readonly message: string;
}

/**
 * The first thing in `value` that JSON text would drop, change or refuse: undefined, a number that is not
 * finite, a function, symbol or bigint, a cycle, or an object of a class (a Date, a Map), whose text would
 * not become the object again. Undefined when what is read back will be what was written.
 */
export function findJsonProblem(value: unknown, root: string): JsonProblem | undefined {
  const problem = visit(value, []);
  return problem && { path: formatPath(root, problem.keys.toReversed()), message: problem.message };
}

interface Found {
  readonly message: string;
  /** From the inside out: only a failure pays for its path. */
  readonly keys: (string | number)[];
}

function visit(value: unknown, ancestors: object[]): Found | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : { message: `${value} has no form in JSON`, keys: [] };
    case "object":
      return value === null ? undefined : visitObject(value, ancestors);
    case "undefined":
      return { message: "undefined has no form in JSON; leave the property out, or use null", keys: [] };
    default:
      return { message: `a ${typeof value} has no form in JSON`, keys: [] };
  }
}

function visitObject(value: object, ancestors: object[]): Found | undefined {
  if (ancestors.includes(value)) return { message: "the value contains itself", keys: [] };
  if (ancestors.length >= MAX_JSON_DEPTH)
    return { message: `nested deeper than ${MAX_JSON_DEPTH}`, keys: [] };
  ancestors.push(value);
  const found = Array.isArray(value) ? visitArray(value, ancestors) : visitProperties(value, ancestors);
  ancestors.pop();
  return found;
}

function visitArray(value: readonly unknown[], ancestors: object[]): Found | undefined {
  for (let index = 0; index < value.length; index++) {
    const found = visit(value[index], ancestors);
    if (found) return inside(found, index);
  }
  return undefined;
}

function visitProperties(value: object, ancestors: object[]): Found | undefined {
  const prototype: object | null = Object.getPrototypeOf(value);
  // Object.prototype of any realm: the one whose own prototype is null.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const name = value.constructor?.name || "class instance";
    return {
      message: `a ${name} would not be read back as one; append plain data (a date as ISO text)`,
      keys: [],
    };
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    return { message: "a property named by a symbol has no form in JSON", keys: [] };
  }
  for (const key of Object.keys(value)) {
    const found = visit((value as Record<string, unknown>)[key], ancestors);
    if (found) return inside(found, key);
  }
  return undefined;
}

function inside(found: Found, key: string | number): Found {
  found.keys.push(key);
  return found;
}

/** `["items", 2, "price"]` below `data` as `data.items[2].price`. */
export function formatPath(root: string, keys: readonly PropertyKey[]): string {
  let path = root;
  for (const key of keys) {
    if (typeof key === "number") path += `[${key}]`;
    else if (typeof key === "string" && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)) path += `.${key}`;
    else path += `[${JSON.stringify(String(key))}]`;
  }
  return path;
}
