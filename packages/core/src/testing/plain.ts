/** Whether a value is an array or an object of no class, of any realm: one whose prototype has none itself. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What was frozen already: a state is mostly the one before it. */
const frozen = new WeakSet();

/** Freezes a value where it stands, with all that is in its arrays and plain objects; a Map or a Date stays open. */
export function deepFreeze<Value>(value: Value): Value {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (!isPlain(next) || frozen.has(next)) continue;
    frozen.add(Object.freeze(next));
    for (const inner of Object.values(next)) waiting.push(inner);
  }
  return value;
}
