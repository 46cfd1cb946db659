import { ScheduleBusyError, ScheduleMissingError, ScheduleStateError } from "../errors.ts";
import type { ChangeContext } from "../firing/change-entry.ts";
import { parseWhen } from "../recurrence/parse-when.ts";
import type { When } from "../recurrence/schedule-spec.ts";
import type { Schedule } from "../schedule.ts";
import { findSchedule, isSeries, latestOf, MAX_RACES, scheduleOf } from "./find-schedule.ts";
import { firstEntry, putEntry } from "./put-entry.ts";
import { supersede } from "./supersede.ts";

/**
 * Gives a schedule another time, at once or not at all. Its id is another then; the one before leads to it.
 *
 * Cost: 2 to 3 RCU; 5 WCU, with a name 7; 2 WCU the first time that this process sees the new minute.
 *
 * @throws ScheduleMissingError, ScheduleStateError, InvalidScheduleError, ScheduleBusyError
 */
export async function reschedule(
  context: ChangeContext,
  idOrName: string,
  { when, shards }: { readonly when: When; readonly shards: number },
): Promise<Schedule> {
  for (let race = 0; race < MAX_RACES; race++) {
    const found = await findSchedule(context, idOrName);
    const { entry, named } = found;
    if (entry === undefined) throw new ScheduleMissingError(idOrName);
    const goesOn = isSeries(named) && (named.state === "active" || named.state === "paused");
    const isWaiting = entry.state === "pending" || entry.state === "paused";
    if (!goesOn && !isWaiting) throw new ScheduleStateError(idOrName, entry.state, "pending or paused");
    const spec = parseWhen(when, context.runtime.now());
    if (spec.kind !== "at" && named === undefined) {
      throw new ScheduleStateError(idOrName, "without a name", "one with a name to fire again and again");
    }
    // The name as it was seen: what has become of it since, a cancellation say, refuses the move.
    const latest = goesOn ? await latestOf(context, named, entry) : entry;
    const definition = { ...(named ?? entry).definition, spec };
    const moved = await supersede(
      context,
      { named, entry: latest, name: named?.name },
      { definition, shards, isSame: true },
    );
    if (moved !== undefined) return scheduleOf(moved);
  }
  throw new ScheduleBusyError(`schedule ${JSON.stringify(idOrName)}`, { mayBeWritten: false });
}

/**
 * Fires now what would fire later; of a series an occurrence more, beside the others.
 *
 * @throws ScheduleMissingError, ScheduleStateError, ScheduleBusyError
 */
export async function fireNow(context: ChangeContext, idOrName: string, shards: number): Promise<Schedule> {
  for (let race = 0; race < MAX_RACES; race++) {
    const found = await findSchedule(context, idOrName);
    const { entry, named } = found;
    if (entry === undefined) throw new ScheduleMissingError(idOrName);
    const fireAtMs = context.runtime.now();
    if (isSeries(named)) {
      const spec = { kind: "at", dueMs: fireAtMs } as const;
      const { name } = named;
      const extra = firstEntry(context, { ...named.definition, spec }, { shards, name, fireAtMs });
      return scheduleOf(await putEntry(context, extra));
    }
    if (entry.state !== "pending" && entry.state !== "paused") {
      throw new ScheduleStateError(idOrName, entry.state, "pending or paused");
    }
    const { definition } = entry;
    const moved = await supersede(
      context,
      { ...found, name: found.named?.name },
      { definition, shards, fireAtMs, isSame: true },
    );
    if (moved !== undefined) return scheduleOf(moved);
  }
  throw new ScheduleBusyError(`schedule ${JSON.stringify(idOrName)}`, { mayBeWritten: false });
}
