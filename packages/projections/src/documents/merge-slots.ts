import type { DocumentPage } from "../storage/projection-storage.ts";
import type { DocumentRecord } from "./document.ts";

/** One slot on its way through its documents. */
interface Cursor {
  readonly slot: number;
  page: DocumentPage["documents"];
  next: number;
  more: boolean;
  /** The key of `page[next]` as it is compared; undefined at the end. */
  head: Buffer | undefined;
}

/**
 * The documents of all slots in order of their keys. A slot's next page is fetched when it is needed, and not before; ends at once
 * when `fetch` answers undefined.
 */
export async function* mergeSlots(
  slots: number,
  after: string | undefined,
  fetch: (slot: number, after: string | undefined) => Promise<DocumentPage | undefined>,
): AsyncGenerator<readonly [key: string, record: DocumentRecord], void> {
  const refill = async (cursor: Cursor, from: string | undefined): Promise<boolean> => {
    const page = await fetch(cursor.slot, from);
    if (page === undefined) return false;
    cursor.page = page.documents;
    cursor.next = 0;
    // Pages have traces in them as well: an empty one is the last.
    cursor.more = page.more && page.documents.length > 0;
    cursor.head = headOf(cursor);
    return true;
  };
  const cursors = Array.from({ length: slots }, (_, slot): Cursor => {
    return { slot, page: [], next: 0, more: true, head: undefined };
  });
  const filled = await Promise.all(cursors.map((cursor) => refill(cursor, after)));
  if (filled.includes(false)) return;
  for (;;) {
    const first = firstOf(cursors);
    const document = first?.page[first.next];
    if (first === undefined || document === undefined) return;
    yield document;
    first.next += 1;
    first.head = headOf(first);
    if (first.head === undefined && first.more && !(await refill(first, document[0]))) return;
  }
}

function headOf({ page, next }: Cursor): Buffer | undefined {
  const key = page[next]?.[0];
  return key === undefined ? undefined : Buffer.from(key);
}

function firstOf(cursors: readonly Cursor[]): Cursor | undefined {
  let first: Cursor | undefined;
  for (const cursor of cursors) {
    if (cursor.head === undefined) continue;
    if (first?.head === undefined || Buffer.compare(cursor.head, first.head) < 0) first = cursor;
  }
  return first;
}
