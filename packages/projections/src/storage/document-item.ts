import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { type Item, IntegrityError, itemSize, limits, writeUnits } from "@tuppence/core";
import { type DocumentRecord, NO_DOCUMENT } from "../documents/document.ts";
import { DocumentTooLargeError, InvalidDocumentError } from "../errors.ts";
import { DOCUMENTS_TTL_ATTRIBUTE } from "./documents-table.ts";
import type { DocumentPut } from "./projection-storage.ts";

/**
 * How a document is stored. What is written stays readable for ever.
 *
 * ```
 * p  S  slot of a build             s  S  key
 * d  S  state, as JSON text; B when it is compressed; absent in the trace of a document that was taken away
 * f  N  how d is compressed: 2 is brotli (absent = not at all)
 * v  N  position                    r  N  revision
 * k  M  positions of streams that differ from v (absent = none)
 * ttl N epoch seconds, in a trace
 * ```
 */

/** The tag in `f` of a state that is brotli of the JSON text. */
const BROTLI = "2";

/** How long the trace of a document that was taken away is kept, in seconds: a week. */
const TRACE_TTL_SECONDS: number = 7 * 24 * 3_600;

/** Bytes that a character of JSON text has at most. */
const MAX_CHARACTER_BYTES = 3;

/** What numbers, names and keys of an item take at most, streams aside. */
const ENVELOPE_BYTES: number = limits.MAX_SORT_KEY_BYTES + 256;

/**
 * @throws InvalidDocumentError for a key that DynamoDB can't keep.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys
 */
export function checkDocumentKey(key: string): void {
  if (typeof key !== "string")
    throw new InvalidDocumentError(String(key), `its key is a ${typeof key}, not a text`);
  if (key === "") throw new InvalidDocumentError(key, "its key is empty");
  if (/\p{Surrogate}/u.test(key))
    throw new InvalidDocumentError(key, "its key holds half of a surrogate pair");
  const bytes = Buffer.byteLength(key);
  if (bytes > limits.MAX_SORT_KEY_BYTES) {
    throw new InvalidDocumentError(
      key,
      `its key has ${bytes} bytes and the limit is ${limits.MAX_SORT_KEY_BYTES}`,
    );
  }
}

/**
 * @throws InvalidDocumentError for a key that can't be stored.
 * @throws DocumentTooLargeError for a document that does not fit an item.
 */
export function checkDocument(put: DocumentPut): void {
  checkDocumentKey(put.key);
  const { state = "", streams } = put.record;
  const atMost = ENVELOPE_BYTES + MAX_CHARACTER_BYTES * state.length;
  // That tells of nearly all documents; only of the others the exact size is needed.
  if (streams.size > 0 || atMost > limits.MAX_ITEM_BYTES) encodeDocument(put, 0);
}

/**
 * A document as an item; compressed when that saves a write unit or lets it fit.
 *
 * @throws what `checkDocument` throws.
 */
export function encodeDocument({ partition, key, record }: DocumentPut, nowMs: number): Item {
  checkDocumentKey(key);
  const { state, position, revision, streams } = record;
  const around: Item = {
    p: { S: partition },
    s: { S: key },
    v: { N: String(position) },
    r: { N: String(revision) },
    ...(streams.size === 0 ? undefined : { k: { M: numbersOf(streams) } }),
  };
  const ttl = Math.floor(nowMs / 1000) + TRACE_TTL_SECONDS;
  const item =
    state === undefined
      ? { ...around, [DOCUMENTS_TTL_ATTRIBUTE]: { N: String(ttl) } }
      : withState(around, state);
  const bytes = itemSize(item);
  const maxBytes = limits.MAX_ITEM_BYTES;
  if (bytes > maxBytes) throw new DocumentTooLargeError({ key, bytes, maxBytes });
  return item;
}

/** @throws IntegrityError for what this release can't read. */
export function decodeDocument(item: Item): DocumentRecord {
  const streams = Object.entries(item["k"]?.M ?? {});
  return {
    state: stateOf(item),
    position: Number(item["v"]?.N),
    revision: Number(item["r"]?.N),
    streams:
      streams.length === 0
        ? NO_DOCUMENT.streams
        : new Map(streams.map(([streamId, { N: position }]) => [streamId, Number(position)])),
  };
}

function withState(around: Item, state: string): Item {
  const plain: Item = { ...around, d: { S: state } };
  const units = writeUnits(itemSize(plain));
  if (units === 1) return plain;
  const packed: Item = { ...around, d: { B: compress(state) }, f: { N: BROTLI } };
  return writeUnits(itemSize(packed)) < units ? packed : plain;
}

function stateOf(item: Item): string | undefined {
  const { d: state, f: format } = item;
  if (format === undefined) return state?.S;
  if (format.N === BROTLI && state?.B !== undefined) return brotliDecompressSync(state.B).toString("utf8");
  const position = Number(item["v"]?.N);
  const problem = `document ${JSON.stringify(item["s"]?.S)} has format ${format.N}, which this release can't read`;
  throw new IntegrityError(String(item["p"]?.S), position, problem);
}

function numbersOf(streams: ReadonlyMap<string, number>): Record<string, { N: string }> {
  return Object.fromEntries([...streams].map(([streamId, position]) => [streamId, { N: String(position) }]));
}

/** Quality 5, as for the pages of the log: more takes many times as long for little. */
function compress(text: string): Buffer {
  return brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
}
