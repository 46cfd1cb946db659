import { createHash } from "node:crypto";
import pMap from "p-map";
import { formatCommitId } from "../commit-id.ts";
import type { BodyOptions } from "./body-options.ts";
import { fitsItem, packCommit } from "./commit-content.ts";
import type { PreparedEvent, PreparedEvents } from "./prepare-events.ts";
import { parseMetadata, withAllMetadata, withNeededMetadata } from "./seal-events.ts";
import { encodeBody } from "./sealed-body.ts";
import { type BlobReference, blobEntryText, entryText } from "./stored-event.ts";

/** So many bodies are put at a time. */
const PUT_CONCURRENCY = 16;

/**
 * Puts the bodies that no item can hold into the store's blobs, before a commit names them. Nothing happens without
 * that hook.
 *
 * @throws EventTooLargeError when the append won't fit a transaction all the same: nothing is put then.
 */
export async function placeBodies(
  { blobs, maxItemBytes }: Pick<BodyOptions, "blobs"> & { readonly maxItemBytes: number },
  { streamId, commitId }: { readonly streamId: string; readonly commitId: Uint8Array },
  { events, metadata }: PreparedEvents,
): Promise<PreparedEvents> {
  if (blobs === undefined) return { events, metadata };
  const shared = parseMetadata(metadata);
  const waiting: { readonly name: string; readonly body: Uint8Array }[] = [];
  const placed = events.map((event, index) => {
    if (fitsItem({ streamId, events, metadata, maxItemBytes }, index)) return event;
    const whole = event.apart === undefined ? withAllMetadata(event, shared) : event;
    const body = event.body ?? encodeBody(entryText(whole));
    const blob = referTo(body, { streamId, commitId: formatCommitId(commitId), index });
    waiting.push({ name: blob.name, body });
    return namingBlob(whole, blob);
  });
  if (waiting.length === 0) return { events, metadata };
  const ready = withNeededMetadata({ events: placed, metadata });
  // What will be refused leaves no blob behind.
  packCommit({ streamId, ...ready, maxItemBytes });
  await pMap(waiting, ({ name, body }) => blobs.put(name, body), { concurrency: PUT_CONCURRENCY });
  return ready;
}

function namingBlob(event: PreparedEvent, blob: BlobReference): PreparedEvent {
  const { subject } = event.apart ?? {};
  return { ...event, text: blobEntryText(event.type, subject, blob), apart: { subject }, body: undefined };
}

/**
 * A blob's name follows from its place and its bytes. Repeating an append puts the same name again; an append under the
 * same id with another body (one that is encrypted anew, or decided anew) takes another name, so that it can never
 * change what a stored commit refers to.
 */
function referTo(
  body: Uint8Array,
  place: { readonly streamId: string; readonly commitId: string; readonly index: number },
): BlobReference {
  const sha256 = createHash("sha256").update(body).digest("base64");
  const suffix = createHash("sha256").update(`${place.streamId}\0${sha256}`).digest("hex").slice(0, 32);
  return { name: `${place.commitId}/${place.index}-${suffix}`, bytes: body.byteLength, sha256 };
}
