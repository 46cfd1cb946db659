import { InvalidStreamIdError } from "./input-errors.ts";
import { MAX_SORT_KEY_BYTES } from "./limits.ts";

/**
 * Checks a stream's name: `category|id`, where the category is what comes before the first `|`. A name
 * without `|` is a category of its own.
 *
 * @throws InvalidStreamIdError when it is no text, empty, longer than 1,024 bytes, holds half a surrogate pair
 *   (which DynamoDB can't keep) or begins with `$`, as the names of the system do.
 */
export function checkStreamId(streamId: unknown): asserts streamId is string {
  if (typeof streamId !== "string") throw new InvalidStreamIdError(streamId, "it is not a text");
  if (streamId === "") throw new InvalidStreamIdError(streamId, "it is empty");
  if (streamId.startsWith("$")) throw new InvalidStreamIdError(streamId, "names with $ are the system's");
  if (streamId.startsWith("|"))
    throw new InvalidStreamIdError(streamId, "its category, before the |, is empty");
  if (/\p{Surrogate}/u.test(streamId)) {
    throw new InvalidStreamIdError(streamId, "it holds half of a surrogate pair");
  }
  const bytes = Buffer.byteLength(streamId);
  if (bytes > MAX_SORT_KEY_BYTES) {
    throw new InvalidStreamIdError(streamId, `it has ${bytes} bytes and the limit is ${MAX_SORT_KEY_BYTES}`);
  }
}

/** @throws RangeError for what can't come before the first `|` of a stream's name. */
export function checkCategory(category: string): void {
  if (typeof category === "string" && category !== "" && !category.includes("|")) return;
  throw new RangeError(`${JSON.stringify(category)} is no category: a text without | is needed.`);
}

/** The category of a stream: what comes before the first `|`. */
export function categoryOf(streamId: string): string {
  const bar = streamId.indexOf("|");
  return bar === -1 ? streamId : streamId.slice(0, bar);
}
