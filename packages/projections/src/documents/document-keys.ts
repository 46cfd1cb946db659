import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { InvalidDocumentError } from "../errors.ts";

/** A sort key takes so much. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html */
const MAX_KEY_BYTES = 1_024;

/** The documents that an event goes into, each once. @throws InvalidDocumentError for what can't be a key. */
export function documentKeys(projection: DocumentProjection, event: AnyEvent): readonly string[] {
  const keys = projection.key(event) ?? [];
  const all = typeof keys === "string" ? [keys] : [...new Set(keys)];
  for (const key of all) {
    if (typeof key !== "string" || key === "" || Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new InvalidDocumentError(String(key), `a key is a text of 1 to ${MAX_KEY_BYTES} bytes`);
    }
  }
  return all;
}
