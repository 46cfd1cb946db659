import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Item } from "@tuppence/core";

/**
 * Items as the SDK has them, from either form: bytes are a `Uint8Array` already (SDK) or base64 (Lambda's JSON). What
 * is no item, or holds a type of a value that this release does not know, is undefined: half of an item is none.
 */
export function decodeItem(raw: unknown, depth: number = 0): Item | undefined {
  if (!isObject(raw)) return undefined;
  const item: [string, AttributeValue][] = [];
  for (const [name, field] of Object.entries(raw)) {
    const value = decodeValue(field, depth);
    if (value === undefined) return undefined;
    item.push([name, value]);
  }
  // Defines each name, also one such as `__proto__`, which an assignment would not.
  return Object.fromEntries(item);
}

/**
 * DynamoDB nests attributes 32 levels deep; nothing deeper is an item.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
 */
const MAX_DEPTH = 32;

function decodeValue(raw: unknown, depth: number): AttributeValue | undefined {
  if (!isObject(raw) || depth > MAX_DEPTH) return undefined;
  const fields = Object.entries(raw).filter(([, field]) => field !== undefined);
  const [only] = fields;
  if (only === undefined || fields.length > 1) return undefined;
  const [type, content] = only;
  switch (type) {
    case "S":
      return typeof content === "string" ? { S: content } : undefined;
    case "N":
      return typeof content === "string" ? { N: content } : undefined;
    case "B":
      return some(decodeBytes(content), (B) => ({ B }));
    case "BOOL":
      return typeof content === "boolean" ? { BOOL: content } : undefined;
    case "NULL":
      return content === true ? { NULL: true } : undefined;
    case "SS":
      return some(decodeAll(content, decodeText), (SS) => ({ SS }));
    case "NS":
      return some(decodeAll(content, decodeText), (NS) => ({ NS }));
    case "BS":
      return some(decodeAll(content, decodeBytes), (BS) => ({ BS }));
    case "L":
      return some(
        decodeAll(content, (each) => decodeValue(each, depth + 1)),
        (L) => ({ L }),
      );
    case "M":
      return some(decodeItem(content, depth + 1), (M) => ({ M }));
    default:
      return undefined;
  }
}

function some<From, To>(value: From | undefined, wrap: (value: From) => To): To | undefined {
  return value === undefined ? undefined : wrap(value);
}

function decodeAll<T>(raw: unknown, decode: (each: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  const all: T[] = [];
  for (const each of raw as readonly unknown[]) {
    const decoded = decode(each);
    if (decoded === undefined) return undefined;
    all.push(decoded);
  }
  return all;
}

function decodeText(raw: unknown): string | undefined {
  return typeof raw === "string" ? raw : undefined;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** A plain `Uint8Array`, as the SDK has it, not a `Buffer`. */
function decodeBytes(raw: unknown): Uint8Array | undefined {
  if (raw instanceof Uint8Array) return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  // `Buffer.from` would skip over what is no base64 and give other bytes.
  if (typeof raw !== "string" || raw.length % 4 !== 0 || !BASE64.test(raw)) return undefined;
  const { buffer, byteOffset, byteLength } = Buffer.from(raw, "base64");
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Whether fields can be looked for in it; a list or bytes have none. */
export function isObject(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw) && !ArrayBuffer.isView(raw);
}
