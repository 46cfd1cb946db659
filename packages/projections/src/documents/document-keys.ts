import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { checkDocumentKey } from "../storage/document-item.ts";

/** The documents that an event goes into, each once. @throws InvalidDocumentError for what can't be a key. */
export function documentKeys(projection: DocumentProjection, event: AnyEvent): readonly string[] {
  const keys = projection.key(event) ?? [];
  const all = typeof keys === "string" ? [keys] : [...new Set(keys)];
  for (const key of all) checkDocumentKey(key);
  return all;
}
