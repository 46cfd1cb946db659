import { createHash } from "node:crypto";
import type { Message } from "../message.ts";

/** What of a key's hash is kept, in bytes. */
const SHORT_KEY_BYTES = 6;

/**
 * A key in 8 characters, for what is stored of it. Two keys that come to the same are in one lane and are parked together, which is
 * more care than they need, and no harm.
 */
export function shortKey(key: string): string {
  return createHash("sha256").update(key).digest().subarray(0, SHORT_KEY_BYTES).toString("base64url");
}

/** The lane of all messages of a key. */
export function laneOfShortKey(short: string, lanes: number): number {
  return Buffer.from(short, "base64url").readUIntBE(0, SHORT_KEY_BYTES) % lanes;
}

/** The lane of a message, from 0: all of a key are in one; those without a key take turns. */
export function laneOf({ key, position }: Pick<Message, "key" | "position">, lanes: number): number {
  if (lanes === 1) return 0;
  return key === undefined ? position % lanes : laneOfShortKey(shortKey(key), lanes);
}
