import { createHash, randomFillSync } from "node:crypto";

/**
 * A commit id is a ULID: 48 bits of epoch milliseconds and 80 random bits. It is stored as 16 bytes and
 * shown as 26 characters of Crockford's base 32 (https://github.com/ulid/spec).
 */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TEXT_LENGTH = 26;
const BYTE_LENGTH = 16;
const TIME_BYTES = 6;

const CODE_OF = new Map(Array.from(ALPHABET, (letter, code) => [letter, code]));

const pool = new Uint8Array(4096);
let poolUsed = pool.length;

/** 10 random bytes at a time from one pool: a system call for each commit would cost more than the rest of it. */
function fillRandom(target: Uint8Array): void {
  if (poolUsed + target.length > pool.length) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  target.set(pool.subarray(poolUsed, poolUsed + target.length));
  poolUsed += target.length;
}

/** A new commit id in its 16 stored bytes; `nowMs` is epoch milliseconds. */
export function newCommitId(nowMs: number): Uint8Array {
  const bytes = new Uint8Array(BYTE_LENGTH);
  writeTime(bytes, nowMs);
  fillRandom(bytes.subarray(TIME_BYTES));
  return bytes;
}

/** The commit id of a time, in epoch milliseconds, and the bytes behind it. */
export function commitIdOf(timeMs: number, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BYTE_LENGTH);
  writeTime(bytes, timeMs);
  bytes.set(rest, TIME_BYTES);
  return bytes;
}

/** The time that a commit id begins with, in epoch milliseconds: that of who made it, or 0 of one that was made from a text. */
export function timeOfCommitId(bytes: Uint8Array): number {
  let time = 0;
  for (let at = 0; at < TIME_BYTES; at++) time = time * 256 + (bytes[at] ?? 0);
  return time;
}

function writeTime(bytes: Uint8Array, nowMs: number): void {
  let rest = nowMs;
  for (let at = TIME_BYTES - 1; at >= 0; at--) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

const LETTERS = Buffer.from(ALPHABET);
const letters = Buffer.alloc(TEXT_LENGTH);

/** The 26 characters of a commit id's 16 bytes. Letter by letter they would become a chain of 13 strings. */
export function formatCommitId(bytes: Uint8Array): string {
  let length = 0;
  // 130 bits of text for 128 bits of id: the first character holds only three.
  let bits = 2;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      letters[length++] = LETTERS[(buffer >>> bits) & 31] as number;
    }
    buffer &= (1 << bits) - 1;
  }
  return letters.toString("latin1", 0, length);
}

/**
 * The 16 bytes of a commit id's text.
 *
 * @throws TypeError when the text is no ULID; `commitIdFrom` makes one from any other text.
 */
export function parseCommitId(text: string): Uint8Array {
  const bytes = new Uint8Array(BYTE_LENGTH);
  let bits = -2;
  let buffer = 0;
  let at = 0;
  for (const letter of text) {
    const code = CODE_OF.get(letter);
    if (code === undefined) throw notACommitId(text);
    buffer = (buffer << 5) | code;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = buffer >>> bits;
      buffer &= (1 << bits) - 1;
    }
  }
  if (text.length !== TEXT_LENGTH || text > "7ZZZZZZZZZZZZZZZZZZZZZZZZZ") throw notACommitId(text);
  return bytes;
}

function notACommitId(text: string): TypeError {
  return new TypeError(
    `${JSON.stringify(text)} is no commit id: a ULID of 26 upper-case characters is needed; ` +
      "commitIdFrom(text) makes one from any other text.",
  );
}

/** A new commit id, to be kept with a request so that its retries are recognised. */
export function createCommitId(): string {
  return formatCommitId(newCommitId(Date.now()));
}

/**
 * The commit id that belongs to a text of your own (a request id, an idempotency key, a message id): always
 * the same for the same text. It is the first 80 bits of the text's SHA-256 behind a time of 0.
 */
export function commitIdFrom(text: string): string {
  const bytes = new Uint8Array(BYTE_LENGTH);
  bytes.set(
    createHash("sha256")
      .update(text)
      .digest()
      .subarray(0, BYTE_LENGTH - TIME_BYTES),
    TIME_BYTES,
  );
  return formatCommitId(bytes);
}

/** Whether two commit ids in their stored bytes are the same. */
export function sameCommitId(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
