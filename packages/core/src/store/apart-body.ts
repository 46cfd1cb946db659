import { createHash } from "node:crypto";
import { IntegrityError } from "../errors.ts";
import { BlobsMissingError } from "../reading-errors.ts";
import type { Blobs } from "./body-options.ts";
import { decodeBody } from "./sealed-body.ts";
import { type ApartEvent, type PlainEvent, readPlainEntry } from "./stored-event.ts";

/** Where an event is. */
export interface BodyPlace {
  readonly streamId: string;
  readonly version: number;
}

/**
 * The bytes of a body that is not in its entry, wherever they are; still encrypted if they are.
 *
 * @throws BlobsMissingError; IntegrityError when the blob is not there or not the one that was stored
 */
export async function fetchBody(
  blobs: Blobs | undefined,
  { streamId, version }: BodyPlace,
  { body }: Pick<ApartEvent, "body">,
): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const { name, bytes, sha256 } = body;
  if (blobs === undefined) throw new BlobsMissingError({ streamId, version, blob: name });
  const found = await blobs.get(name);
  if (found === undefined) throw new IntegrityError(streamId, version, `its blob ${name} is missing`);
  if (found.byteLength === bytes && createHash("sha256").update(found).digest("base64") === sha256)
    return found;
  throw new IntegrityError(
    streamId,
    version,
    `its blob ${name} is not the one that was stored: ${found.byteLength} bytes of ${bytes}, or another SHA-256`,
  );
}

/**
 * The plain entry that a body is, of the type that stands outside of it.
 *
 * @throws IntegrityError
 */
export function readBody(body: Uint8Array, { streamId, version }: BodyPlace, type: string): PlainEvent {
  let event: PlainEvent | undefined;
  try {
    event = readPlainEntry(JSON.parse(decodeBody(body)));
  } catch (error) {
    throw new IntegrityError(streamId, version, "the body of an event can't be decoded", { cause: error });
  }
  // The type in the clear is not protected: it has to be the one inside.
  if (event?.type === type) return event;
  throw new IntegrityError(
    streamId,
    version,
    `the body of an event of type ${JSON.stringify(type)} is another's`,
  );
}
