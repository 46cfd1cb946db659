import type { ChainStorage, NamePage } from "../chain/storage.ts";

export interface NameSelection {
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
  const { category, limit = Number.POSITIVE_INFINITY, signal } = selection;
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
    yield* page.names;
    left -= page.names.length;
    after = page.names.at(-1) ?? after;
  } while (page.next !== undefined && left > 0);
}
