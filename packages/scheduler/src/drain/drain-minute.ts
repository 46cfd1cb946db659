import type { ControlItem } from "@tuppence/core/leases";
import pMap from "p-map";
import { type Entry, isEntryOpen } from "../entries/entry.ts";
import { readEntries } from "../entries/read-entries.ts";
import { type Fired, fireEntry, type FiringContext } from "../firing/fire-entry.ts";
import { nextStep } from "../firing/next-step.ts";
import { closeMinute } from "../minutes/close-minute.ts";
import { isOver } from "../minutes/minute.ts";
import type { Minute } from "../minutes/open-minute.ts";

/** Occurrences that are fired at a time when nothing else is said. */
export const DEFAULT_CONCURRENCY = 64;

export interface DrainContext extends FiringContext {
  readonly concurrency: number;
}

/**
 * Fires what is due in a minute, and again what came meanwhile, until nothing is; closes the minute if it is over and done. Answers when the
 * first of what is left is to be looked at again, in epoch milliseconds; undefined when nothing is left.
 *
 * Cost: 1 RCU for each 4 KB of the minute's entries, and once more when something was due; what firing and closing cost.
 */
export async function drainMinute(
  context: DrainContext,
  place: Minute,
  marker: ControlItem,
): Promise<number | undefined> {
  for (;;) {
    const open: Entry[] = [];
    for await (const entry of readEntries(context, { ...place, consistency: "strong" })) {
      if (isEntryOpen(entry)) open.push(entry);
    }
    const nowMs = context.presentMs();
    const isDue = (entry: Entry): boolean => nextStep(entry, nowMs).kind !== "wait";
    const due = open.filter((entry) => entry.state !== "paused" && isDue(entry));
    const fired = await pMap(due, (entry) => fireEntry(context, entry), {
      concurrency: context.concurrency,
    });
    if (fired.some(({ kind }) => kind !== "later")) continue;
    if (open.length === 0 && isOver(place.minute, context.presentMs())) {
      await closeMinute(context, place, marker);
      return undefined;
    }
    return firstOf(open, fired, nowMs);
  }
}

/** When something is to be done next; what is paused waits for its being resumed. */
function firstOf(open: readonly Entry[], fired: readonly Fired[], nowMs: number): number | undefined {
  const waits = open.flatMap((entry) => {
    const step = nextStep(entry, nowMs);
    return step.kind === "wait" ? [step.untilMs] : [];
  });
  const times = [...waits, ...fired.flatMap((each) => (each.kind === "later" ? [each.atMs] : []))];
  return times.length === 0 ? undefined : Math.min(...times);
}
