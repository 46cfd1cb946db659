import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** An item as DynamoDB's low-level API has it. */
export type Item = Readonly<Record<string, AttributeValue>>;

/**
 * The size of an item in bytes, by DynamoDB's rules: the UTF-8 of its attribute names and of its values.
 * Numbers are counted as AWS describes them, "approximately": one byte for every two significant digits and one more.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemSize(item: Item): number {
  let bytes = 0;
  for (const name of Object.keys(item)) {
    const value = item[name];
    if (value) bytes += textSize(name) + valueSize(value);
  }
  return bytes;
}

/** Below this, a look at each character is cheaper than a call out of JavaScript. */
const SHORT_TEXT = 16;

function textSize(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0x7f) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Every list and map costs three bytes, and one more for each element or pair. */
const CONTAINER_BYTES = 3;
const ELEMENT_BYTES = 1;

function valueSize(value: AttributeValue): number {
  if (value.S !== undefined) return textSize(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.SS !== undefined) return sum(value.SS, (text) => Buffer.byteLength(text));
  if (value.NS !== undefined) return sum(value.NS, numberSize);
  if (value.BS !== undefined) return sum(value.BS, (bytes) => bytes.byteLength);
  if (value.L !== undefined) return CONTAINER_BYTES + sum(value.L, (each) => ELEMENT_BYTES + valueSize(each));
  if (value.M !== undefined) {
    return CONTAINER_BYTES + itemSize(value.M) + ELEMENT_BYTES * Object.keys(value.M).length;
  }
  throw new TypeError(`${JSON.stringify(value)} is no attribute value of DynamoDB.`);
}

function sum<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  return values.reduce((bytes, value) => bytes + sizeOf(value), 0);
}

const ZERO = 0x30;
const NINE = 0x39;
const LARGE_E = 0x45;
const SMALL_E = 0x65;

/** The size of a number given as text: leading and trailing zeros don't count. */
export function numberSize(text: string): number {
  let digits = 0;
  let zeros = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === SMALL_E || code === LARGE_E) break;
    if (code === ZERO) {
      // Zeros count once a digit follows, and only after one.
      if (digits > 0) zeros++;
    } else if (code > ZERO && code <= NINE) {
      digits += zeros + 1;
      zeros = 0;
    }
  }
  return Math.ceil(digits / 2) + 1 + (text.startsWith("-") ? 1 : 0);
}
