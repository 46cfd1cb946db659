import type { Fold, NewEvent, RecordedEvent } from "@tuppence/core";
import { sampleData, seededRandom } from "./sample-data.ts";
import type { Workload } from "./workload.ts";

/** Events between two snapshots that do not ride for free, at most. */
const SNAPSHOT_EVERY = 20;

const TYPES = ["OrderPlaced", "OrderPaid", "OrderPacked", "OrderShipped"];

/** The streams of a sample, by their number. */
export function sampleStream(stream: number): string {
  return `order|${String(stream).padStart(12, "0")}`;
}

/** Events of a sample, by their numbers. */
export function sampleEvents({ data, eventBytes }: Workload, first: number, count: number): NewEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    type: TYPES[(first + index) % TYPES.length] ?? "",
    data: sampleData(data, eventBytes, first + index),
  }));
}

/** A state of the size that is asked for, whatever happens. */
export function sampleFold({ data, stateBytes, reads }: Workload): Fold<unknown, RecordedEvent> {
  const state = sampleData(data, stateBytes, 1);
  const snapshot = reads === "snapshot" ? { version: "1", every: SNAPSHOT_EVERY } : undefined;
  return { initialState: () => state, evolve: () => state, snapshot };
}

/** The messages of one call of a sample. */
export function sampleMessages(
  { data, messageBytes, messagesPerCall }: Workload,
  number: number,
): { readonly body: unknown }[] {
  return Array.from({ length: messagesPerCall }, (_, index) => ({
    body: sampleData(data, messageBytes, number * messagesPerCall + index),
  }));
}

/** The state of a sample's documents. */
export function sampleDocument({ data, documentBytes }: Workload): unknown {
  return sampleData(data, documentBytes, 1);
}

/** Between two looks at the clock of a sample, in milliseconds, at most. */
const MAX_PAUSE_MS = 10_000;

/** A clock that goes on by itself, always alike: what is measured must not depend on when. */
export function createSampleClock(): () => number {
  const random = seededRandom(1);
  let now = Date.UTC(2026, 0, 1);
  return () => (now += Math.floor(random() * MAX_PAUSE_MS));
}
