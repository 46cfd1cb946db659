import type { SchedulerContext } from "../context.ts";
import { NEAR_MS } from "../minutes/minute.ts";
import type { Minute } from "../minutes/open-minute.ts";
import { delayUntil, wakingTimes } from "./next-hop.ts";

export type WakingContext = Pick<SchedulerContext, "relay" | "runtime" | "emit"> & {
  readonly signal?: AbortSignal | undefined;
};

/**
 * Has the relay wake somebody up when things in a minute fire, if there is one and the times are within its lead: for all others a doorbell
 * rings ahead. Clocks that differ are allowed for. A relay that does not take it keeps nothing from firing: the doorbell will ring.
 */
export async function wakeAhead(
  context: WakingContext,
  { shard, minute }: Minute,
  fireAtMs: readonly number[],
): Promise<void> {
  const { relay, runtime, signal } = context;
  if (relay === undefined) return;
  const nowMs = runtime.now();
  const near = fireAtMs.filter((time) => time <= nowMs + relay.leadMs + NEAR_MS);
  if (near.length === 0) return;
  const wakeUps = wakingTimes(near).map((atMs) => ({
    wakeUp: { shard, minute, atMs },
    delaySeconds: delayUntil(atMs, nowMs),
  }));
  try {
    await relay.send(wakeUps, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    context.emit({ type: "relayFailed", shard, error });
  }
}
