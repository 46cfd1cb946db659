import type { Entry } from "../entries/entry.ts";
import { placeOf } from "../entries/entry-id.ts";
import { nameKey } from "../entries/keys.ts";
import { findEntry } from "../entries/read-entries.ts";
import { ScheduleBusyError } from "../errors.ts";
import { type ChangeContext, changeEntry } from "../firing/change-entry.ts";
import { expiryOf, overChange } from "../firing/ending.ts";
import { tokenOf } from "../minutes/open-minute.ts";
import type { NamedSchedule } from "../names/named-schedule.ts";
import { untilCertain, updateWithToken } from "../storage/certain-writes.ts";
import { findSchedule, isSeries } from "./find-schedule.ts";
import { MAX_RACES } from "./schedule.ts";

/**
 * What became of a cancellation, for good. `cancelled`: it does not fire, now or later. `alreadyFired`: it was too late. `firing`: an attempt is
 * under way; of a series that is the last one. `unknown`: there is no such schedule, or nothing left of it.
 *
 * Of a series with `overlap: "allow"`, nothing begins any more; runs that have begun go on beside each other, their retries included.
 */
export type Cancellation = "cancelled" | "alreadyFired" | "firing" | "unknown";

/**
 * Cost: 1 RCU and 1 WCU by id; 1 RCU and 1 WCU more by name; a series takes 2 RCU and 4 WCU.
 *
 * @throws ScheduleBusyError
 */
export async function cancel(context: ChangeContext, idOrName: string): Promise<Cancellation> {
  for (let race = 0; race < MAX_RACES; race++) {
    const { entry, named } = await findSchedule(context, idOrName);
    if (entry === undefined) return "unknown";
    const isOfSeries = isSeries(named) && entry.generation !== undefined;
    const outcome = isOfSeries
      ? await cancelSeries(context, named)
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
      return "cancelled";
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
      return "cancelled";
    }
  }
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

/** Ends a series, and cancels its occurrence that is next. */
async function cancelSeries(context: ChangeContext, named: NamedSchedule): Promise<Cancellation | undefined> {
  const { name, state, generation, entryId } = named;
  if (state === "cancelled") return "cancelled";
  if (state === "over") return "alreadyFired";
  const entry = await findEntry(context, entryId);
  const nowMs = context.runtime.now();
  const ttl = expiryOf(context, placeOf(entryId), nowMs);
  const where = { st: state, g: generation, x: entryId };
  const set = { st: "cancelled", g: generation + 1, ttl, tk: tokenOf(context) };
  const update = { key: nameKey(name), where, set };
  if (entry?.state === "pending") {
    const change = overChange(context, entry, { state: "cancelled", nowMs });
    const changed = await changeEntry(context, entry, { change, also: [update] });
    return changed === undefined ? undefined : "cancelled";
  }
  const { applied } = await updateWithToken(context, update);
  if (!applied) return undefined;
  return entry?.state === "claimed" ? "firing" : "cancelled";
}
