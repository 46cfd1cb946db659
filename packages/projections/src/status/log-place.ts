import type { EventStore } from "@tuppence/core";

/** What is needed of a store to tell how far projections are; it may have event definitions or not. */
export type LogStore = Pick<EventStore, "logEnd" | "readAll" | "waitFor">;

/** For how long the first event behind a position has been there, in ms: 0 when there is none, undefined when it can't be opened. */
export async function readLagMs(store: LogStore, position: number, now: number): Promise<number | undefined> {
  try {
    for await (const { recordedAt } of store.readAll({ fromPosition: position + 1, limit: 1 })) {
      return Math.max(0, now - recordedAt.getTime());
    }
    return 0;
  } catch (error) {
    if (!isUnopened(error)) throw error;
    return undefined;
  }
}

/** The errors of events that are there, and that this store lacks a key, a blob or a definition for. */
const UNOPENED = ["encryptionMissing", "blobsMissing", "unknownEventType", "upcast"];

function isUnopened(error: unknown): boolean {
  return UNOPENED.includes(String((error as { readonly code?: unknown } | undefined)?.code));
}
