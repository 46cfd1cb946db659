import { IntegrityError } from "@tuppence/core";
import { type ChainItem, parseEntries } from "@tuppence/core/chains";
import type { Message, MessageHeaders, NewMessage } from "./message.ts";

/**
 * How messages become the content of an item and back: `docs/format.md` describes the stored form. Each is an entry of the
 * item's list, `[body]` or `[body, extras]`.
 */

/** What a message has beside its body. Short names, as every message carries them. */
interface EntryExtras {
  readonly k?: string | undefined;
  readonly i?: string | undefined;
  readonly h?: MessageHeaders | undefined;
}

/** The entry of a message with a body that was checked, as JSON text. */
export function entryText({ key, messageId, headers }: NewMessage, body: unknown): string {
  const text = JSON.stringify(body);
  if (key === undefined && messageId === undefined && headers === undefined) return `[${text}]`;
  const extras: EntryExtras = { k: key, i: messageId, h: headers };
  return `[${text},${JSON.stringify(extras)}]`;
}

/** Which messages of a producer an item holds: `sequence` is that of the first, the others follow it. */
export interface ItemProducer {
  readonly id: string;
  readonly sequence: number;
}

/** The attribute `x` of an item whose messages are a producer's, as JSON text. */
export function producerText({ id, sequence }: ItemProducer): string {
  return JSON.stringify({ p: id, q: sequence });
}

/** @throws IntegrityError when it has a form that this release can't read. */
export function producerOf({ item, first }: ChainItem): ItemProducer | undefined {
  const text = item["x"]?.S;
  if (text === undefined) return undefined;
  const chain = String(item["p"]?.S);
  try {
    const { p, q } = JSON.parse(text) as { readonly p?: unknown; readonly q?: unknown };
    if (typeof p === "string" && Number.isSafeInteger(q)) return { id: p, sequence: q as number };
  } catch (error) {
    throw new IntegrityError(chain, first, "its producer can't be decoded", { cause: error });
  }
  throw new IntegrityError(chain, first, "its producer has a form that this release can't read");
}

const NO_HEADERS: MessageHeaders = {};

/**
 * The messages of an item that was not trimmed, in order.
 *
 * @throws IntegrityError when they can't be read, or are not as many as the item's positions.
 */
export function readMessages(chainItem: ChainItem): Message[] {
  const { first, t } = chainItem;
  const producer = producerOf(chainItem);
  const enqueuedAt = new Date(t);
  return entriesOf(chainItem).map(([body, extras], index) => ({
    position: first + index,
    body,
    key: extras?.k,
    messageId: extras?.i,
    headers: extras?.h ?? NO_HEADERS,
    enqueuedAt,
    ...(producer && { producer: { id: producer.id, sequence: producer.sequence + index } }),
  }));
}

/** The ids of an item's messages, by their order in it; undefined: without one. */
export function messageIdsOf(chainItem: ChainItem): (string | undefined)[] {
  return entriesOf(chainItem).map(([, extras]) => extras?.i);
}

type Entry = readonly [body: unknown, extras?: EntryExtras];

function entriesOf(chainItem: ChainItem): readonly Entry[] {
  const { item, first, last } = chainItem;
  const entries = parseEntries(chainItem);
  const isRight = entries.length === last - first + 1 && entries.every(isEntry);
  if (isRight) return entries as readonly Entry[];
  throw new IntegrityError(
    String(item["p"]?.S),
    first,
    "its messages have a form that this release can't read",
  );
}

function isEntry(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [, extras] = value as readonly unknown[];
  const isExtras = typeof extras === "object" && extras !== null && !Array.isArray(extras);
  return value.length === 1 || (value.length === 2 && isExtras);
}
