/**
 * DynamoDB's JSON 1.0 is the SDK's input and output as it is, but for bytes, which go as base64. So no schema is
 * needed in either direction: whatever is a `Uint8Array` is encoded, and whatever is an attribute value `B` or `BS`
 * is decoded. An attribute or field of that name is no such value: it holds an object, never a text or texts.
 */

/** The text of a request's body. Fields that are undefined or null are left out, as the SDK does. */
export function encodeRequest(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return encodePlain(value);
  if (value instanceof Uint8Array) return `"${base64(value)}"`;
  if (Array.isArray(value)) return `[${value.map(encodeRequest).join(",")}]`;
  let text = "";
  for (const key of Object.keys(value)) {
    const field = (value as Readonly<Record<string, unknown>>)[key];
    if (field === undefined || field === null) continue;
    text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${encodeRequest(field)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

/** A boolean, a number, or null in a list. What JSON lacks is a mistake of the caller. */
function encodePlain(value: unknown): string {
  if (value === null || typeof value === "boolean") return `${value}`;
  if (typeof value === "number" && Number.isFinite(value)) return `${value}`;
  const shown = typeof value === "number" || typeof value === "bigint" ? `${value}` : `A ${typeof value}`;
  throw new TypeError(`${shown} can't be sent to DynamoDB.`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * What a reply's body holds, as the SDK gives it.
 *
 * @throws SyntaxError when it is no JSON object.
 */
export function decodeReply(text: string): Record<string, unknown> {
  if (text === "" || text === "{}") return {};
  const reply: unknown = JSON.parse(text);
  if (typeof reply !== "object" || reply === null || Array.isArray(reply)) {
    throw new SyntaxError(`The reply is ${text.slice(0, 100)} and not a JSON object.`);
  }
  decodeBytes(reply as Record<string, unknown>);
  return reply as Record<string, unknown>;
}

/** In place: a page of items is large, and nobody else has it yet. */
function decodeBytes(container: Record<string, unknown>): void {
  for (const key of Object.keys(container)) {
    const value = container[key];
    if (typeof value === "string") {
      if (key === "B") container[key] = bytesOf(value);
    } else if (key === "BS" && isTexts(value)) {
      container[key] = value.map(bytesOf);
    } else if (typeof value === "object" && value !== null) {
      // A list is walked by its indexes, which are none of these names.
      decodeBytes(value as Record<string, unknown>);
    }
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

/** A plain Uint8Array, as the SDK has it, not a Buffer. */
function bytesOf(text: string): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(text, "base64");
  return new Uint8Array(buffer, byteOffset, byteLength);
}
