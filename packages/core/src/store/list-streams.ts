import { itemSize } from "../capacity/item-size.ts";
import { type Billed, readUnits } from "../capacity/units.ts";
import type { ChainStorage, NamePage } from "../chain/storage.ts";
import { categoryOf } from "../stream-name.ts";

export interface NameSelection extends Billed {
  /** Default: all categories, in no order. */
  readonly category?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The names of streams, page by page. */
export async function* listNames(
  storage: ChainStorage,
  selection: NameSelection,
): AsyncGenerator<string, void, undefined> {
  const { category, limit = Number.POSITIVE_INFINITY, bill, signal } = selection;
  let left = limit;
  let { after } = selection;
  let page: NamePage | undefined;
  do {
    page = await storage.listNames(category, {
      after,
      next: page?.next,
      limit: Number.isFinite(left) ? left : undefined,
      signal,
    });
    bill?.addRead(readUnits(entryBytes(page), "eventual"));
    yield* page.names;
    left -= page.names.length;
    after = page.names.at(-1) ?? after;
  } while (page.next !== undefined && left > 0);
}

/** The size of a page's entries in the index of streams. */
function entryBytes({ names }: NamePage): number {
  return names.reduce(
    (bytes, name) => bytes + itemSize({ p: { S: name }, s: { N: "1" }, c: { S: categoryOf(name) } }),
    0,
  );
}
