import { type Item, itemSize, readUnits } from "@tuppence/core";
import type { DocumentRecord } from "../documents/document.ts";
import { decodeDocument } from "../storage/document-item.ts";
import { getItems, type Place } from "../storage/dynamodb-documents.ts";
import { heldKey, heldStream } from "./held-versions.ts";
import type { Spent } from "./spent.ts";

/** A document's place. */
export interface DocumentPlace {
  readonly partition: string;
  readonly key: string;
}

/** What was found together, though not at one moment: what is written by it is written on conditions. */
export interface FoundInline {
  /** The item of a stream with the versions that are held; undefined: none. */
  held(streamId: string): Item | undefined;
  document(place: DocumentPlace): DocumentRecord | undefined;
}

/**
 * Reads how far streams are held, and documents. Strongly consistent: what is out of date would cost a refused transaction, which is many
 * times the half read unit that it saves.
 */
export async function readInline(
  place: Place,
  wanted: { readonly streamIds: readonly string[]; readonly documents: readonly DocumentPlace[] },
  { spent, signal }: { readonly spent: Spent; readonly signal: AbortSignal | undefined },
): Promise<FoundInline> {
  const keys = [
    ...wanted.streamIds.map(heldKey),
    ...wanted.documents.map(({ partition, key }) => ({ p: { S: partition }, s: { S: key } })),
  ];
  const items = await getItems(place, keys, { consistency: "strong", signal });
  const held = new Map<string, Item>();
  const documents = new Map<string, DocumentRecord>();
  let units = keys.length - items.length;
  for (const item of items) {
    if (item === undefined) continue;
    units += readUnits(itemSize(item), "strong");
    const streamId = heldStream(item);
    if (streamId !== undefined) held.set(streamId, item);
    else documents.set(mapKey(item["p"]?.S, item["s"]?.S), decodeDocument(item));
  }
  spent.add({ requests: 1, readUnits: units, writeUnits: 0 });
  return {
    held: (streamId) => held.get(streamId),
    document: ({ partition, key }) => documents.get(mapKey(partition, key)),
  };
}

/** A partition has no line break. */
function mapKey(partition: string | undefined, key: string | undefined): string {
  return `${partition}\n${key}`;
}
