import type { Consistency } from "@tuppence/core";
import type { KeyedDocument } from "../documents/documents.ts";
import type { DocumentStorage } from "../storage/projection-storage.ts";

export interface ReadInlineOptions {
  /** `"strong"` (default) sees every acknowledged append; `"eventual"` costs half and may be a little behind. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ListInlineOptions extends ReadInlineOptions {
  /** Only documents whose keys begin so. Default: all. */
  readonly prefix?: string | undefined;
}

/** The documents of an inline projection: each holds every event that was appended through the projections. */
export interface InlineDocuments<State> {
  /** A document; undefined: there is none. Cost: 1 RCU for each 4 KB, half with `"eventual"`. */
  get(key: string, options?: ReadInlineOptions): Promise<State | undefined>;
  /** Those of the documents that are there, though not as of one moment. Cost: that of each. */
  getMany(keys: readonly string[], options?: ReadInlineOptions): Promise<ReadonlyMap<string, State>>;
  /** Documents in order of their keys' UTF-8 bytes. Leaving the loop stops fetching. Cost: 1 request for each MB, 1 RCU for each 4 KB. */
  list(options?: ListInlineOptions): AsyncIterable<KeyedDocument<State>>;
}

export function readInlineDocuments<State>(
  documents: DocumentStorage,
  partition: string,
): InlineDocuments<State> {
  const getMany: InlineDocuments<State>["getMany"] = async (
    keys,
    { consistency = "strong", signal } = {},
  ) => {
    const found = await documents.getMany(partition, keys, { consistency, signal });
    return new Map(
      [...found].flatMap(([key, { state }]) =>
        state === undefined ? [] : [[key, JSON.parse(state) as State] as const],
      ),
    );
  };
  return {
    get: async (key, options) => (await getMany([key], options)).get(key),
    getMany,
    async *list({ prefix, consistency = "strong", signal } = {}) {
      let after: string | undefined;
      for (;;) {
        const page = await documents.list(partition, { prefix, after, consistency, signal });
        for (const [key, { state }] of page.documents) {
          if (state !== undefined) yield { key, document: JSON.parse(state) as State };
        }
        after = page.documents.at(-1)?.[0] ?? after;
        if (!page.more) return;
      }
    },
  };
}
