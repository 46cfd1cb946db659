import type { ControlItem } from "@tuppence/core/leases";
import pMap from "p-map";
import { openPartition } from "../entries/keys.ts";
import { endOfMinute, minuteKey, minuteOf } from "../minutes/minute.ts";
import { ringBy } from "../minutes/open-minute.ts";
import type { ScheduleItems } from "../storage/schedule-storage.ts";
import { type DrainContext, drainMinute } from "./drain-minute.ts";

/** Minutes of a shard that one doorbell has drained at a time: after an outage there are many. */
const CONCURRENT_MINUTES = 4;

/** A minute that is open, as its marker says. */
export interface OpenMinute {
  readonly minute: number;
  readonly marker: ControlItem;
}

/** The open minutes of a shard that have begun by then. Cost: 1 RCU for each 4 KB of markers (some 50), half of it eventually consistent. */
export async function readOpenMinutes(
  { storage, signal }: { readonly storage: ScheduleItems; readonly signal?: AbortSignal | undefined },
  shard: number,
  options: {
    readonly fromMs?: number | undefined;
    readonly untilMs?: number | undefined;
    readonly consistency: "strong" | "eventual";
  },
): Promise<readonly OpenMinute[]> {
  const { fromMs, untilMs, consistency } = options;
  const from = fromMs === undefined ? undefined : minuteKey(minuteOf(fromMs));
  const to = untilMs === undefined ? undefined : minuteKey(minuteOf(untilMs));
  const found: OpenMinute[] = [];
  let after: string | undefined;
  for (;;) {
    const range = { partition: openPartition(shard), from, to, after, consistency, signal };
    const { items, more } = await storage.query(range);
    found.push(...items.map(([sort, marker]) => ({ minute: Number(sort), marker })));
    if (!more) return found;
    after = items.at(-1)?.[0] ?? after;
  }
}

/**
 * What follows when a doorbell of a shard has rung: everything that is due in it is fired. `provenMs` is the doorbell's time: it has come,
 * whatever the own clock says. Once it resolves, all that is left has a doorbell that will ring for it.
 *
 * Cost: 1 RCU to see which minutes are open, 1 more if there were any, and what draining them costs.
 */
export async function ring(
  context: Omit<DrainContext, "presentMs">,
  shard: number,
  provenMs: number,
): Promise<void> {
  const proof = context.guards.trustsBell ? provenMs : 0;
  const presentMs = (): number => Math.max(context.runtime.now(), proof);
  const draining = { ...context, presentMs };
  const drained = new Set<number>();
  for (;;) {
    const range = { untilMs: presentMs(), consistency: "strong" } as const;
    const open = await readOpenMinutes(context, shard, range);
    // What follows in a series that is late may be in a minute that was not open before.
    const left = open.filter(({ minute }) => !drained.has(minute));
    if (left.length === 0) return;
    const drain = async ({ minute, marker }: OpenMinute): Promise<void> => {
      context.signal?.throwIfAborted();
      drained.add(minute);
      const place = { shard, minute };
      const leftAtMs = await drainMinute(draining, place, marker);
      // Its own doorbell rings at its end.
      if (leftAtMs !== undefined) await ringBy(context, place, Math.max(leftAtMs, endOfMinute(minute)));
    };
    await pMap(left, drain, { concurrency: CONCURRENT_MINUTES });
  }
}
