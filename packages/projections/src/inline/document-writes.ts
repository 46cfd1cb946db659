import type { AlsoWrite } from "@tuppence/core";
import type { DocumentProjection } from "../definition/projection.ts";
import { encodeDocument } from "../storage/document-item.ts";
import { putInput } from "../storage/dynamodb-documents.ts";
import { type EventsByKey, foldInline } from "./fold-inline.ts";
import { inlinePartition } from "./held-versions.ts";
import type { InlineContext } from "./inline-context.ts";
import type { FoundInline } from "./read-inline.ts";

/**
 * The documents of a projection with more events in them, as writes: each on the condition that it is still the one that was found.
 *
 * @throws InvalidDocumentError, DocumentTooLargeError and what the fold throws.
 */
export async function documentWrites(
  { tableName, runtime, guards }: InlineContext,
  {
    projection,
    byKey,
    found,
  }: {
    readonly projection: DocumentProjection;
    readonly byKey: EventsByKey;
    readonly found: FoundInline;
  },
): Promise<readonly AlsoWrite[]> {
  const partition = inlinePartition(projection);
  const writes: AlsoWrite[] = [];
  for (const [key, events] of byKey) {
    const before = found.document({ partition, key });
    const record = await foldInline(projection, { key, before }, events);
    const item = encodeDocument({ partition, key, record }, runtime.now());
    const Put = guards.comparesRevisions
      ? putInput(tableName, item, record.revision)
      : { TableName: tableName, Item: item };
    writes.push({ Put });
  }
  return writes;
}
