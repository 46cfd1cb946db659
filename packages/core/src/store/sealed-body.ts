import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Encryption } from "./body-options.ts";

/**
 * Text as bytes to be kept outside of an item's JSON. The first byte says how: 0 for UTF-8, 1 for raw deflate of it,
 * whichever is shorter.
 */
export function encodeBody(text: string): Uint8Array {
  const plain = Buffer.from(text);
  const packed = deflateRawSync(plain);
  const [format, bytes] = packed.byteLength < plain.byteLength ? [DEFLATE, packed] : [PLAIN, plain];
  return Buffer.concat([Uint8Array.of(format), bytes]);
}

const PLAIN = 0;
const DEFLATE = 1;

/** The text of `encodeBody`'s bytes; throws what zlib throws, and TypeError for another format. */
export function decodeBody(body: Uint8Array): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes[0] === PLAIN) return bytes.toString("utf8", 1);
  if (bytes[0] === DEFLATE) return inflateRawSync(bytes.subarray(1)).toString("utf8");
  throw new TypeError(`A body has format ${String(bytes[0])}, which this release can't read.`);
}

/** Encrypts with the keys of several subjects, one inside the other: dropping any of them makes it unreadable. */
export async function encryptText(
  { encrypt }: Pick<Encryption, "encrypt">,
  subjects: readonly string[],
  text: string,
): Promise<Uint8Array> {
  let body = encodeBody(text);
  for (const subject of subjects) {
    body = await encrypt(subject, body);
    if (!(body instanceof Uint8Array)) throw noBytes("encrypt", body);
  }
  return body;
}

/** The text that `encryptText` was given, with the same subjects in the same order; undefined when one's key is dropped. */
export async function decryptText(
  encryption: Pick<Encryption, "decrypt">,
  subjects: readonly string[],
  body: Uint8Array,
): Promise<string | undefined> {
  const opened = await decryptBody(encryption, subjects, body);
  return opened && decodeBody(opened);
}

/** As `decryptText`, but leaves the bytes for `decodeBody`. */
export async function decryptBody(
  { decrypt }: Pick<Encryption, "decrypt">,
  subjects: readonly string[],
  body: Uint8Array,
): Promise<Uint8Array | undefined> {
  let opened = body;
  for (const subject of subjects.toReversed()) {
    const inner = await decrypt(subject, opened);
    if (inner === undefined) return undefined;
    if (!(inner instanceof Uint8Array)) throw noBytes("decrypt", inner);
    opened = inner;
  }
  return opened;
}

function noBytes(name: string, given: unknown): TypeError {
  return new TypeError(`encryption.${name} gave ${String(given)}; it has to give a Uint8Array.`);
}
