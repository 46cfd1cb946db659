/**
 * The most that Lambda takes as an event, in bytes of JSON.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_EVENT_BYTES: number = 6 * 1_024 * 1_024;

const WRAPPER_BYTES: number = '{"Records":[]}'.length;
const COMMA_BYTES = 1;

/** How much of a queue the next batch takes, and whether waiting for more records could not make it longer. */
export interface BatchLength {
  readonly records: number;
  readonly full: boolean;
}

/** Returns the length of the next batch of those that wait, by their sizes in bytes of JSON. */
export function batchLength(waiting: Iterable<{ readonly bytes: number }>, batchSize: number): BatchLength {
  let bytes = WRAPPER_BYTES;
  let records = 0;
  for (const entry of waiting) {
    bytes += entry.bytes + COMMA_BYTES;
    // One record always fits: an item has 400 KB at most.
    if (records > 0 && bytes > MAX_EVENT_BYTES) return { records, full: true };
    records += 1;
    if (records === batchSize) return { records, full: true };
  }
  return { records, full: false };
}
