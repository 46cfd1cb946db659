import type { CommitRecord } from "@tuppence/stream-adapter";

/** The number of the last event in a commit: a version in a stream, a position in the log. */
export function lastSlot({ newImage: { s: first, n: count } }: CommitRecord): number {
  return Number(first?.N) + Number(count?.N ?? 1) - 1;
}
