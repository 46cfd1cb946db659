import { documentsOf } from "../builds/names.ts";
import type { DocumentProjection } from "../definition/projection.ts";
import type { WaitPlace } from "../wait/wait-place.ts";
import type { KeyedDocument, ListDocumentsOptions } from "./documents.ts";
import { checkVersion, stateOf } from "./live-documents.ts";
import { mergeSlots } from "./merge-slots.ts";

/** Documents, and traces of such, that are fetched from a slot at a time. */
const PAGE_DOCUMENTS = 500;

export async function* listDocuments<State>(
  { storage, registrations }: Pick<WaitPlace, "storage" | "registrations">,
  projection: DocumentProjection<State>,
  options: ListDocumentsOptions,
): AsyncGenerator<KeyedDocument<State>, void> {
  const { prefix, limit = Number.POSITIVE_INFINITY, consistency = "eventual", signal } = options;
  if (!(limit >= 1)) throw new RangeError(`limit is ${limit}; it has to be a whole number from 1.`);
  const { name } = projection;
  let { after } = options;
  let left = limit;
  for (;;) {
    const registration = await registrations.recent(name, signal);
    checkVersion(projection, registration);
    const { live } = registration;
    let isLive = true;
    const merged = mergeSlots(live.slots, after, async (slot, behind) => {
      // What is not live any more may be taken away, and would seem to have no documents.
      const now = await registrations.recent(name, signal);
      isLive &&= now.live.number === live.number;
      if (!isLive) return undefined;
      const page = { prefix, after: behind, limit: Math.min(left, PAGE_DOCUMENTS), consistency, signal };
      return storage.documents.list(documentsOf(name, live.number, slot), page);
    });
    for await (const [key, record] of merged) {
      const document = await stateOf(projection, registration, record);
      after = key;
      if (document === undefined) continue;
      yield { key, document };
      left -= 1;
      if (left <= 0) return;
    }
    if (isLive) return;
  }
}
