import type { Entry } from "../entries/entry.ts";
import { openPartition } from "../entries/keys.ts";
import { findEntry } from "../entries/read-entries.ts";
import { ScheduleBusyError } from "../errors.ts";
import { type ChangeContext, changeEntry } from "../firing/change-entry.ts";
import { overChange } from "../firing/ending.ts";
import { minuteOf } from "../minutes/minute.ts";
import type { NamedSchedule } from "../names/named-schedule.ts";
import { isSeries, MAX_RACES } from "./find-schedule.ts";

/** What there was of runs: nothing that would go on, retries that do not come any more, or attempts that are under way. */
export type RunsLeft = "none" | "cancelled" | "firing";

/** Runs that are looked at at most. Of those before them it is taken for granted that one may be under way. */
const MAX_RUNS = 1_000;

/**
 * Cancels what waits for another attempt among the runs of a schedule, from its latest entry back. Runs that are under way beside each other are in
 * minutes that are open: so whoever comes to a run before the first of these has seen them all.
 *
 * Cost: 1 RCU for the first open minute, 1 for each run, and 1 WCU for each that is cancelled.
 */
export async function cancelRuns(
  context: ChangeContext,
  named: NamedSchedule,
  latest: Entry | undefined,
): Promise<RunsLeft> {
  const open = new Map<number, number>();
  let left: RunsLeft = "none";
  let run = latest;
  for (let count = 0; run !== undefined; count++) {
    const { generation, shard, fireAtMs, definition, previousId } = run;
    if (generation !== undefined && generation < named.firstGeneration) return left;
    if (count === MAX_RUNS) return "firing";
    const became = await cancelRun(context, run);
    if (left !== "firing" && became !== "none") left = became;
    if (previousId === undefined || !mayHaveRuns(context, named)) return left;
    if (generation !== undefined) {
      const first = open.get(shard) ?? (await firstOpenMinute(context, shard));
      open.set(shard, first);
      // With jitter, one that was due before may fire later.
      if (minuteOf(fireAtMs + definition.jitterMs) < first) return left;
    }
    run = await findEntry(context, previousId);
  }
  return left;
}

/** Whether runs may be under way that are not the latest: beside each other, or begun before the series was paused or moved. */
function mayHaveRuns({ guards }: ChangeContext, named: NamedSchedule): boolean {
  if (!guards.cancelsRuns) return false;
  const { definition, generation, firstGeneration, passedMs } = named;
  if (!isSeries(named)) return passedMs !== undefined;
  return definition.overlap === "allow" || generation > firstGeneration;
}

async function cancelRun(context: ChangeContext, seen: Entry): Promise<RunsLeft> {
  let run: Entry | undefined = seen;
  for (let race = 0; race < MAX_RACES; race++) {
    if (run?.state === "claimed" && run.nextState === undefined) return "firing";
    if (run?.state !== "pending") return "none";
    const { reason } = run;
    const change = overChange(context, run, { state: "cancelled", nowMs: context.runtime.now(), reason });
    if ((await changeEntry(context, run, { change })) !== undefined) return "cancelled";
    run = await findEntry(context, seen.id);
  }
  throw new ScheduleBusyError(`run ${seen.id}`, { mayBeWritten: false });
}

/** The first minute of a shard that is open; infinity when none is. */
async function firstOpenMinute({ storage, signal }: ChangeContext, shard: number): Promise<number> {
  const partition = openPartition(shard);
  const { items } = await storage.query({ partition, limit: 1, consistency: "strong", signal });
  return items[0] === undefined ? Number.POSITIVE_INFINITY : Number(items[0][0]);
}
