import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Encryption } from "../store/body-options.ts";

/** Keys in memory, one for each subject, that can be dropped. */
export interface KeyRing extends Pick<Encryption, "encrypt" | "decrypt"> {
  readonly drop: (subject: string) => void;
}

const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM with keys in memory; the subject is authenticated too. Before the ciphertext stands the id of its key: a
 * subject that comes back after its key was dropped gets another, which does not open what is forgotten.
 */
export function createKeyRing(): KeyRing {
  const keys = new Map<string, { readonly id: Buffer; readonly key: Buffer }>();
  return {
    drop: (subject) => keys.delete(subject),
    encrypt(subject, body) {
      const { id, key } = keys.get(subject) ?? { id: randomBytes(KEY_ID_BYTES), key: randomBytes(32) };
      keys.set(subject, { id, key });
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(subject));
      return Buffer.concat([id, nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt(subject, body) {
      const current = keys.get(subject);
      if (current === undefined || current.id.compare(body, 0, KEY_ID_BYTES) !== 0) return undefined;
      const nonce = body.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", current.key, nonce)
        .setAAD(Buffer.from(subject))
        .setAuthTag(body.subarray(-TAG_BYTES));
      const sealed = body.subarray(KEY_ID_BYTES + NONCE_BYTES, -TAG_BYTES);
      return Buffer.concat([decipher.update(sealed), decipher.final()]);
    },
  };
}

/** Encrypts what has a text `person` in its data or its metadata, with that person's key. */
export function encryptPersons(keys: KeyRing): Encryption {
  return {
    ...keys,
    subjectOf({ data, metadata }) {
      const person = (data as { readonly person?: unknown } | null)?.person ?? metadata["person"];
      return typeof person === "string" ? person : undefined;
    },
  };
}
