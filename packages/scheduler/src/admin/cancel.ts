import type { Entry } from "../entries/entry.ts";
import { placeOf } from "../entries/entry-id.ts";
import { nameKey } from "../entries/keys.ts";
import { ScheduleBusyError } from "../errors.ts";
import { type ChangeContext, changeEntry } from "../firing/change-entry.ts";
import { expiryOf, overChange } from "../firing/ending.ts";
import { tokenOf } from "../minutes/open-minute.ts";
import type { NamedSchedule } from "../names/named-schedule.ts";
import { untilCertain, updateWithToken } from "../storage/certain-writes.ts";
import { cancelRuns } from "./cancel-runs.ts";
import { findSchedule, isSeries, latestOf, MAX_RACES } from "./find-schedule.ts";

/**
 * What became of a cancellation, for good. `cancelled`: it does not fire, now or later. `alreadyFired`: it was too late. `firing`: an attempt is
 * under way, or may be. `unknown`: there is no such schedule, or nothing left of it.
 *
 * A series has no occurrence any more, and runs that wait for another attempt do not get one. It is `firing` as long as an attempt of one of its runs is
 * under way, also of those beside the latest (`overlap: "allow"`), or from before it was paused or moved. If such an attempt fails, it is made again;
 * cancelled once more, it is not. What is parked, and what `fireNow` has added, is cancelled by its own id.
 */
export type Cancellation = "cancelled" | "alreadyFired" | "firing" | "unknown";

/**
 * Cost: 1 RCU and 1 WCU by id; 1 RCU and 1 WCU more by name; a series takes 2 RCU and 4 WCU. One with `overlap: "allow"`, or that was paused or moved: 1 RCU
 * more to see which minutes are open, 1 for each run back to the first of these (as a rule those of seven minutes), and 1 WCU for each that is cancelled.
 *
 * @throws ScheduleBusyError
 */
export async function cancel(context: ChangeContext, idOrName: string): Promise<Cancellation> {
  for (let race = 0; race < MAX_RACES; race++) {
    const { entry, named } = await findSchedule(context, idOrName);
    if (entry === undefined) return "unknown";
    const isOfSeries = isSeries(named) && entry.generation !== undefined;
    const outcome = isOfSeries
      ? await cancelSeries(context, named, entry)
      : await cancelEntry(context, entry, named);
    if (outcome !== undefined) return outcome;
  }
  throw new ScheduleBusyError(`schedule ${JSON.stringify(idOrName)}`, { mayBeWritten: false });
}

/** Undefined when it was changed meanwhile. */
async function cancelEntry(
  context: ChangeContext,
  entry: Entry,
  named: NamedSchedule | undefined,
): Promise<Cancellation | undefined> {
  switch (entry.state) {
    case "cancelled":
    case "skipped":
      return cancelledBut(context, entry, named);
    case "fired":
      return "alreadyFired";
    case "claimed":
      return entry.nextState === "fired" ? "alreadyFired" : "firing";
    case "moved":
      return "unknown";
    case "pending":
    case "paused":
    case "parked": {
      const nowMs = context.runtime.now();
      const change = overChange(context, entry, { state: "cancelled", nowMs, reason: entry.reason });
      const isLoose = !context.guards.cancelsOnCondition;
      const changed = await changeEntry(context, entry, { change, isLoose });
      if (changed === undefined) return undefined;
      if (named !== undefined) await freeName(context, entry, named);
      return cancelledBut(context, changed, named);
    }
  }
}

/** What was a series before it was given one time may have runs from then. */
async function cancelledBut(
  context: ChangeContext,
  cancelled: Entry,
  named: NamedSchedule | undefined,
): Promise<Cancellation> {
  const left = named === undefined ? "none" : await cancelRuns(context, named, cancelled);
  return left === "firing" ? "firing" : "cancelled";
}

/** The name can be had again; whoever comes before that looks at the entry. */
async function freeName(context: ChangeContext, entry: Entry, { name }: NamedSchedule): Promise<void> {
  const ttl = expiryOf(context, entry, context.runtime.now());
  const update = {
    key: nameKey(name),
    where: { st: "active", x: entry.id },
    set: { st: "cancelled", ttl },
  };
  await untilCertain(context, name, () => context.storage.update(update, context.signal));
}

/** Ends a series, and cancels its occurrence that is next and its runs that wait. Undefined when it was changed meanwhile. */
async function cancelSeries(
  context: ChangeContext,
  named: NamedSchedule,
  seen: Entry,
): Promise<Cancellation | undefined> {
  const latest = await latestOf(context, named, seen);
  const { state } = named;
  const isGoingOn = state === "active" || state === "paused";
  const ended = isGoingOn ? await endSeries(context, named, latest) : { latest };
  if (ended === undefined) return undefined;
  const left = await cancelRuns(context, named, ended.latest);
  if (left !== "none") return left;
  return state === "over" ? "alreadyFired" : "cancelled";
}

/** Takes the name of a series its occurrences, and cancels the one that is next. Undefined when it was changed meanwhile. */
async function endSeries(
  context: ChangeContext,
  named: NamedSchedule,
  latest: Entry | undefined,
): Promise<{ readonly latest: Entry | undefined } | undefined> {
  const { name, state, generation, entryId } = named;
  const nowMs = context.runtime.now();
  const ttl = expiryOf(context, placeOf(entryId), nowMs);
  const where = { st: state, g: generation, x: entryId };
  const set = { st: "cancelled", g: generation + 1, ttl, tk: tokenOf(context) };
  const update = { key: nameKey(name), where, set };
  if (latest?.state !== "pending") {
    return (await updateWithToken(context, update)).applied ? { latest } : undefined;
  }
  const change = overChange(context, latest, { state: "cancelled", nowMs, reason: latest.reason });
  const cancelled = await changeEntry(context, latest, { change, also: [update] });
  return cancelled && { latest: cancelled };
}
