import type { ControlKey } from "@tuppence/core/leases";
import type { Projection } from "../definition/projection.ts";
import { describeFailure, RetryAfterError, tryUntilDone } from "@tuppence/core/failures";
import type { LogSource } from "./log-window.ts";
import { type ParkedEvent, parkUpdate } from "./parked-event.ts";
import { type Applied, type Applier, attemptsOf, type SlotContext } from "./slot-context.ts";

/** Parked events that are handled in one go, before the slot goes on with the log. */
const MAX_REPLAYED_AT_ONCE = 100;

/** Before a log is read again that does not show what was read of it once, in milliseconds. */
const STALE_LOG_MS = 200;

export interface ReplayWork {
  readonly projection: Projection;
  readonly applier: Applier;
  readonly log: LogSource;
  /** The streams of which something is parked now. */
  readonly parked: () => ReadonlySet<string>;
  readonly keyOf: (event: ParkedEvent) => ControlKey;
  readonly onDone: (event: ParkedEvent, skipped: boolean) => void;
}

/**
 * Handles the parked events of the streams whose first one somebody asked for, in their order, until one fails: that stays, with
 * those behind it. An event that is handled is taken from the parked ones in the transaction of its writes, or after it.
 */
export async function replayParked(
  context: SlotContext,
  all: readonly ParkedEvent[],
  work: ReplayWork,
): Promise<void> {
  const streams = new Map<string, ParkedEvent[]>();
  for (const event of all) streams.set(event.streamId, [...(streams.get(event.streamId) ?? []), event]);
  let left = MAX_REPLAYED_AT_ONCE;
  for (const events of streams.values()) {
    if (events[0]?.replay === undefined) continue;
    for (const [index, event] of events.entries()) {
      if (left-- === 0 || context.ending.aborted) return keepAsked(context, events[index]);
      const failed = await replayOne(context, event, work);
      if (failed === undefined) continue;
      const attempts = event.attempts + failed.attempts;
      const again = { ...event, reason: "failed" as const, error: describeFailure(failed.error), attempts };
      await update(context, event, { ...again, replay: undefined });
      break;
    }
  }
}

/** The rest of a stream is handled later: what was asked for its first event holds for this one now. */
async function keepAsked(context: SlotContext, event: ParkedEvent | undefined): Promise<void> {
  if (event === undefined || event.replay !== undefined) return;
  await update(context, event, { ...event, replay: "apply" });
}

/** Sent again after a lost reply it is refused, as what arrives late has to be: the event may be handled by then. */
async function update(context: SlotContext, before: ParkedEvent, after: ParkedEvent): Promise<void> {
  const parked = parkUpdate(context.slot, after);
  const where = { streamId: before.streamId, attempts: before.attempts };
  const control = [{ ...parked, where, set: { ...parked.set, replay: after.replay } }];
  await context.position.move({ to: context.position.done, control });
}

/** Answers what failed; undefined when it is done. */
async function replayOne(
  context: SlotContext,
  event: ParkedEvent,
  work: ReplayWork,
): Promise<Applied["failed"]> {
  const { position, lease } = context;
  // An earlier send of this very transaction leaves nothing to be taken away.
  const gone = { delete: work.keyOf(event), where: { streamId: event.streamId } };
  const skipped = event.replay === "skip";
  if (!skipped) {
    const { types, categories } = work.projection;
    const page = await tryUntilDone(attemptsOf(context, 1), async () => {
      const found = await work.log.read(event.position - 1, { types, categories, signal: lease.lost });
      // Reads of the log may be behind what another owner of the slot has read of it.
      if (found.position >= event.position) return found;
      throw new RetryAfterError("The log does not show the event yet.", { retryAfterMs: STALE_LOG_MS });
    });
    const isIt = (other: { readonly position: number }): boolean => other.position === event.position;
    const unreadable = page.unreadable.find(isIt);
    if (unreadable) return { event, error: unreadable.error, attempts: 1 };
    const events = page.events.filter((each) => isIt(each) && (types?.includes(each.type) ?? true));
    const applied = await work.applier.apply({
      events,
      after: event.position - 1,
      upTo: event.position,
      parked: work.parked(),
      changes: [{ position: event.position, change: gone }],
    });
    if (applied.failed) return applied.failed;
    if (applied.isMoved) {
      work.onDone(event, false);
      return undefined;
    }
  }
  await position.move({ to: position.done, control: [gone] });
  work.onDone(event, skipped);
  return undefined;
}
