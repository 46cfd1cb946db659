import { createHash } from "node:crypto";

/** 48 bits of a hash: a safe integer. */
const HASH_BYTES = 6;

/**
 * How much later than scheduled an occurrence fires, in whole milliseconds from 0 to `jitterMs`: spread evenly over occurrences, and
 * always the same for one, so that all who reckon it agree.
 */
export function jitterOf(occurrenceId: string, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  const hash = createHash("sha256").update(occurrenceId).digest().readUIntBE(0, HASH_BYTES);
  return Math.floor((hash / 2 ** (8 * HASH_BYTES)) * (jitterMs + 1));
}
