import { isEntryOpen } from "../entries/entry.ts";
import { readEntries } from "../entries/read-entries.ts";
import { endOfMinute } from "../minutes/minute.ts";
import { type Minute, ringBy } from "../minutes/open-minute.ts";
import { wakeAhead } from "../relay/wake-ahead.ts";
import type { DrainContext } from "./drain-minute.ts";
import { ring } from "./ring.ts";

/** A doorbell that TTL has removed. */
export type RungBell = Minute & {
  /** Its time, in epoch milliseconds: it has come. */
  readonly provenMs: number;
};

/** What keeps schedules from being lost with a relay: tests switch it off to see that it is needed. */
export interface RingAheadGuards {
  /** Whether a doorbell that rings ahead of its minute is put again for the minute's end. */
  readonly ringsAgain: boolean;
}

/** What follows when doorbells have rung. Once it resolves, all that is left has a doorbell that will ring for it. */
export async function ringBells(
  context: Omit<DrainContext, "presentMs">,
  bells: readonly RungBell[],
  guards: RingAheadGuards = { ringsAgain: true },
): Promise<void> {
  for (const bell of bells) {
    if (bell.provenMs < endOfMinute(bell.minute)) await ringAhead(context, bell, guards);
  }
  const proofs = new Map<number, number>();
  for (const { shard, provenMs } of bells) proofs.set(shard, Math.max(provenMs, proofs.get(shard) ?? 0));
  for (const [shard, provenMs] of proofs) await ring(context, shard, provenMs);
}

/**
 * A doorbell that was put to ring ahead of its minute, so that a relay carries wake-ups from there on: another one rings when the minute is over,
 * whatever becomes of them.
 *
 * Cost: 1 RCU and 1 WCU for the doorbell; 1 RCU for each 4 KB of the minute's entries.
 */
async function ringAhead(
  context: Omit<DrainContext, "presentMs">,
  place: Minute,
  { ringsAgain }: RingAheadGuards,
): Promise<void> {
  if (ringsAgain) await ringBy(context, place, endOfMinute(place.minute));
  if (context.relay === undefined) return;
  const times: number[] = [];
  for await (const entry of readEntries(context, { ...place, consistency: "strong" })) {
    if (isEntryOpen(entry) && entry.state !== "paused") times.push(entry.retryAtMs ?? entry.fireAtMs);
  }
  await wakeAhead(context, place, times);
}
