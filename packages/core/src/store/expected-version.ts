import type { ExpectedVersion } from "../chain/tiling.ts";

/** @throws RangeError for what is no expected version. */
export function checkExpectedVersion(expected: ExpectedVersion): void {
  if (expected === "any" || expected === "noStream" || expected === "streamExists") return;
  if (Number.isSafeInteger(expected) && expected >= 0) return;
  throw new RangeError(
    `expectedVersion is ${String(expected)}; it has to be a whole number from 0, "any", "noStream" or "streamExists".`,
  );
}

/**
 * What is expected of a stream that is closed without events: that it exists.
 *
 * @throws RangeError when that is what is not expected.
 */
export function expectedForClosing(streamId: string, expected: ExpectedVersion): ExpectedVersion {
  if (expected === "any") return "streamExists";
  if (expected !== "noStream" && expected !== 0) return expected;
  throw new RangeError(
    `Stream ${JSON.stringify(streamId)} can't be closed without events where none are expected ` +
      `(expectedVersion ${JSON.stringify(expected)}).`,
  );
}
