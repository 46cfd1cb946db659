import type { PermitStore } from "./send-tasks.ts";

/** What a reader saw that followed the log from its beginning. */
export interface FollowedLog {
  /** How far it came. */
  readonly position: number;
  /** How many milliseconds after its commit each event was read, in the order of the log; of this run's events only. */
  readonly delaysMs: readonly number[];
}

/** Follows the log as any consumer would, until it has so many events or the signal ends it. */
export async function followLog(
  store: PermitStore,
  { events, signal }: { readonly events: number; readonly signal: AbortSignal },
): Promise<FollowedLog> {
  const startedAt = Date.now();
  const delaysMs: number[] = [];
  let position = 0;
  if (events === 0) return { position, delaysMs };
  for await (const batch of store.subscribeAll({ signal })) {
    const now = Date.now();
    for (const { recordedAt } of batch.events) {
      if (recordedAt.getTime() >= startedAt) delaysMs.push(now - recordedAt.getTime());
    }
    position = batch.position;
    if (position >= events) break;
  }
  return { position, delaysMs };
}

/** The value that such a share of all values is at or below; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? 0;
}
