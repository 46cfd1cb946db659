import { type Entry, newEntryUpdate } from "../entries/entry.ts";
import { placeOf } from "../entries/entry-id.ts";
import { nameKey } from "../entries/keys.ts";
import { findEntry } from "../entries/read-entries.ts";
import { ScheduleBusyError, ScheduleMissingError, ScheduleStateError } from "../errors.ts";
import { type ChangeContext, changeEntry, prepareFollower } from "../firing/change-entry.ts";
import { overChange } from "../firing/ending.ts";
import { lookBack, tokenOf } from "../minutes/open-minute.ts";
import { type NamedSchedule, putNamedUpdate } from "../names/named-schedule.ts";
import { transactWithToken, updateWithToken } from "../storage/certain-writes.ts";
import { findSchedule, isSeries, latestOf, MAX_RACES, passedMsOf } from "./find-schedule.ts";
import { firstEntry, tell } from "./put-entry.ts";

/**
 * Stops a schedule from firing until it is resumed: a series has no next occurrence then; what is for once waits, whatever its time. A run that is under
 * way goes on. Paused already, nothing changes.
 *
 * Cost: 1 to 2 RCU and 1 WCU; of a series 4 WCU.
 *
 * @throws ScheduleMissingError, ScheduleStateError, ScheduleBusyError
 */
export async function pauseSchedule(context: ChangeContext, idOrName: string): Promise<void> {
  for (let race = 0; race < MAX_RACES; race++) {
    const { entry, named } = await findSchedule(context, idOrName);
    if (entry === undefined) throw new ScheduleMissingError(idOrName);
    if (isSeries(named)) {
      if (named.state === "paused") return;
      if (named.state !== "active") throw new ScheduleStateError(idOrName, named.state, "active");
      if (await pauseSeries(context, named)) return;
      continue;
    }
    if (entry.state === "paused") return;
    if (entry.state !== "pending") throw new ScheduleStateError(idOrName, entry.state, "pending");
    if (await changeEntry(context, entry, { change: { state: "paused" } })) return;
  }
  throw new ScheduleBusyError(`schedule ${JSON.stringify(idOrName)}`, { mayBeWritten: false });
}

async function pauseSeries(context: ChangeContext, named: NamedSchedule): Promise<boolean> {
  const { name, generation, entryId } = named;
  const entry = await findEntry(context, entryId);
  const where = { st: "active", g: generation, x: entryId };
  const update = {
    key: nameKey(name),
    where,
    set: { st: "paused", g: generation + 1, tk: tokenOf(context) },
  };
  if (entry?.state !== "pending") return (await updateWithToken(context, update)).applied;
  const change = overChange(context, entry, { state: "skipped", nowMs: context.runtime.now() });
  return (await changeEntry(context, entry, { change, also: [update] })) !== undefined;
}

/**
 * Lets a schedule fire again: a series with its first occurrence from now on, what is for once at its time, or at once if that has passed. Resumed
 * already, nothing changes.
 *
 * Cost: 2 to 4 RCU and 1 WCU; of a series 4 WCU.
 *
 * @throws ScheduleMissingError, ScheduleStateError, ScheduleBusyError
 */
export async function resumeSchedule(
  context: ChangeContext,
  idOrName: string,
  shards: number,
): Promise<void> {
  for (let race = 0; race < MAX_RACES; race++) {
    const { entry, named } = await findSchedule(context, idOrName);
    if (entry === undefined) throw new ScheduleMissingError(idOrName);
    if (isSeries(named)) {
      if (named.state === "active") return lookBack(context, placeOf(named.entryId));
      if (named.state !== "paused") throw new ScheduleStateError(idOrName, named.state, "paused");
      const latest = await latestOf(context, named, entry);
      if (await resumeSeries(context, { named, latest }, shards)) return;
      continue;
    }
    if (entry.state === "pending") return lookBack(context, entry);
    if (entry.state !== "paused") throw new ScheduleStateError(idOrName, entry.state, "paused");
    if (await resumeEntry(context, entry)) return;
  }
  throw new ScheduleBusyError(`schedule ${JSON.stringify(idOrName)}`, { mayBeWritten: false });
}

async function resumeEntry(context: ChangeContext, entry: Entry): Promise<boolean> {
  const resumed = await changeEntry(context, entry, { change: { state: "pending" } });
  if (resumed === undefined) return false;
  await lookBack(context, entry);
  for (const listener of context.onEntry) listener(resumed);
  return true;
}

async function resumeSeries(
  context: ChangeContext,
  { named, latest }: { readonly named: NamedSchedule; readonly latest: Entry | undefined },
  shards: number,
): Promise<boolean> {
  const { name, definition, entryId: previousId } = named;
  const generation = named.generation + 1;
  const passedMs = passedMsOf(context, { named, entry: latest });
  const entry = firstEntry(context, definition, { shards, name, generation, previousId, passedMs });
  await prepareFollower(context, entry);
  const { dueMs, id: entryId } = entry;
  const active: NamedSchedule = { ...named, state: "active", generation, dueMs, entryId, passedMs };
  const refused = await transactWithToken(context, [
    putNamedUpdate(active, named, tokenOf(context)),
    newEntryUpdate(entry),
  ]);
  if (refused.length > 0) return false;
  await lookBack(context, placeOf(entryId));
  tell(context, entry);
  return true;
}
