import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Encryption } from "@tuppence/core";
import { LRUCache } from "lru-cache";
import type { Key, KeyTable } from "./key-table.ts";

export interface SubjectEncryptionOptions {
  readonly keys: KeyTable;
  readonly subjectOf: Encryption["subjectOf"];
  /** How long a key stays in memory, and so how long forgetting takes elsewhere. Default 60,000 ms. */
  readonly maxAgeMs?: number | undefined;
  /** Milliseconds of a clock that never goes back. Default: the process's. */
  readonly now?: (() => number) | undefined;
}

export interface SubjectEncryption extends Encryption {
  /** Drops the subject's key: here at once, in other processes within their `maxAgeMs`. */
  readonly forget: (subject: string) => Promise<void>;
}

const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_KEYS = 10_000;

/**
 * AES-256-GCM with a key for each subject and a random nonce for each body; the subject is authenticated too. A body is
 * the key's id (8 bytes), the nonce (12), the ciphertext and its tag (16).
 */
export function createSubjectEncryption(options: SubjectEncryptionOptions): SubjectEncryption {
  const { keys, subjectOf, maxAgeMs = 60_000, now = () => performance.now() } = options;
  const cached = new LRUCache<string, Key>({ max: MAX_KEYS, ttl: maxAgeMs, ttlResolution: 0, perf: { now } });
  /** Ids of keys that are gone. Ids never come back, so these don't age. */
  const dropped = new LRUCache<string, true>({ max: MAX_KEYS });
  /** Reads of the table under way: the events of a page ask for the same key all at once. */
  const underWay = new Map<string, Promise<Key | undefined>>();

  const find = (subject: string): Promise<Key | undefined> => {
    const asked = underWay.get(subject);
    if (asked !== undefined) return asked;
    const asking = keys
      .find(subject)
      .then((key) => {
        if (key !== undefined) cached.set(subject, key);
        return key;
      })
      .finally(() => underWay.delete(subject));
    underWay.set(subject, asking);
    return asking;
  };
  return {
    subjectOf,
    async encrypt(subject, body) {
      const key = cached.get(subject) ?? (await find(subject)) ?? (await keys.create(subject));
      if (!cached.has(subject)) cached.set(subject, key);
      return seal(key, subject, body);
    },
    async decrypt(subject, body) {
      const id = Buffer.from(body.subarray(0, ID_BYTES)).toString("hex");
      if (dropped.has(id)) return undefined;
      const isIt = (key: Key | undefined): boolean =>
        key !== undefined && Buffer.from(key.id).toString("hex") === id;
      const known = cached.get(subject);
      // What was in memory may be out of date: only the table says that a key is gone.
      const joined = underWay.has(subject);
      let key = isIt(known) ? known : await find(subject);
      if (dropped.has(id)) return undefined;
      // A read that had begun before may have missed a key that was made since.
      if (!isIt(key) && joined) key = await find(subject);
      if (key !== undefined && isIt(key)) return open(key, subject, body);
      dropped.set(id, true);
      return undefined;
    },
    async forget(subject) {
      await keys.drop(subject);
      // What was read before must not come into memory after.
      await Promise.allSettled([underWay.get(subject)]);
      cached.delete(subject);
    },
  };
}

function seal({ id, secret }: Key, subject: string, body: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", secret, nonce).setAAD(Buffer.from(subject));
  return Buffer.concat([id, nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
}

function open({ secret }: Key, subject: string, body: Uint8Array): Uint8Array {
  const nonce = body.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES);
  const sealed = body.subarray(ID_BYTES + NONCE_BYTES, -TAG_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", secret, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(subject))
    .setAuthTag(body.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed), decipher.final()]);
}
