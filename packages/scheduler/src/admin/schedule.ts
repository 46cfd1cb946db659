import type { Definition } from "../definition.ts";
import { encodeDefinition } from "../definition.ts";
import { isEntryOver } from "../entries/entry.ts";
import { digits, placeOf } from "../entries/entry-id.ts";
import { ScheduleBusyError, ScheduleNameTakenError } from "../errors.ts";
import type { ChangeContext } from "../firing/change-entry.ts";
import { lookBack } from "../minutes/open-minute.ts";
import { isSameSpec } from "../recurrence/same-spec.ts";
import { checkName, definitionOf, type ScheduleRequest } from "../request.ts";
import type { Schedule } from "../schedule.ts";
import { findSchedule, type FoundSchedule, MAX_RACES, namedScheduleOf, scheduleOf } from "./find-schedule.ts";
import { firstEntry, putEntry } from "./put-entry.ts";
import { supersede } from "./supersede.ts";

/**
 * Schedules what was asked for. Once it resolves, that is not lost any more.
 *
 * @throws ScheduleNameTakenError, ScheduleBusyError, and what `definitionOf` throws.
 */
export async function schedule(
  context: ChangeContext,
  request: ScheduleRequest,
  shards: number,
): Promise<Schedule> {
  const { replace = false } = request;
  if (request.name !== undefined) checkName(request.name);
  const definition = await definitionOf(request, { targets: context.targets, nowMs: context.runtime.now() });
  const isForOnce = definition.spec.kind === "at";
  if (isForOnce && request.name === undefined) {
    return scheduleOf(await putEntry(context, firstEntry(context, definition, { shards })));
  }
  const name = request.name ?? `series-${digits(context.runtime.random)}${digits(context.runtime.random)}`;
  for (let race = 0; race < MAX_RACES; race++) {
    const found = await findSchedule(context, name);
    const isThere = await existing(context, found, { definition, replace });
    if (isThere !== undefined) return isThere;
    const entry = await supersede(context, { ...found, name }, { definition, shards });
    if (entry !== undefined) return scheduleOf(entry);
  }
  throw new ScheduleBusyError(`schedule ${JSON.stringify(name)}`, { mayBeWritten: false });
}

/** The schedule that has the name, if it is the same one. @throws ScheduleNameTakenError when it is another, and not over. */
async function existing(
  context: ChangeContext,
  { named, entry }: FoundSchedule,
  { definition, replace }: { readonly definition: Definition; readonly replace: boolean },
): Promise<Schedule | undefined> {
  if (named === undefined || entry === undefined) return undefined;
  if (named.state === "cancelled" || entry.state === "cancelled") return undefined;
  if (isSameDefinition(named.definition, definition)) {
    // Whoever put it may not have got so far as to look back.
    await lookBack(context, placeOf(entry.id));
    return namedScheduleOf(named, entry);
  }
  const isOver = named.state === "over" || (named.definition.spec.kind === "at" && isEntryOver(entry));
  if (!replace && !isOver) throw new ScheduleNameTakenError(named.name);
  return undefined;
}

function isSameDefinition(one: Definition, other: Definition): boolean {
  const { spec } = one;
  return isSameSpec(spec, other.spec) && encodeDefinition(one) === encodeDefinition({ ...other, spec });
}
