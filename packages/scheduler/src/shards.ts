import type { SchedulerContext } from "./context.ts";
import { CONFIG_KEY } from "./entries/keys.ts";
import { ShardsMismatchError } from "./errors.ts";
import { untilCertain } from "./storage/certain-writes.ts";

/** Into how many shards a new table is divided when nothing is said. */
export const DEFAULT_SHARDS = 4;

/** Into how many shards a table can be divided. */
export const MAX_SHARDS = 256;

/** @throws RangeError */
export function checkShards(shards: number | undefined): void {
  if (shards === undefined || (Number.isInteger(shards) && shards >= 1 && shards <= MAX_SHARDS)) return;
  throw new RangeError(`shards is ${shards}; it has to be a whole number from 1 to ${MAX_SHARDS}.`);
}

/**
 * How many shards the table has; what was asked for is stored if it has none yet, or fewer. Entries keep the shard that they were put into, so
 * that more of them can be had at any time, and fewer never.
 *
 * Cost: 1 RCU, and 1 WCU if it is stored.
 *
 * @throws ShardsMismatchError when the table has more than were asked for.
 */
export async function settleShards(
  context: Pick<SchedulerContext, "storage" | "runtime">,
  asked: number | undefined,
): Promise<number> {
  const { storage } = context;
  for (;;) {
    const stored = (await storage.find(CONFIG_KEY))?.["shards"];
    const current = stored === undefined ? undefined : Number(stored);
    if (asked !== undefined && current !== undefined && asked < current) {
      throw new ShardsMismatchError(asked, current);
    }
    const wanted = asked ?? current ?? DEFAULT_SHARDS;
    if (wanted === current) return current;
    const update = { key: CONFIG_KEY, where: { shards: stored }, set: { shards: wanted } };
    const { applied } = await untilCertain(context, "the shards", () => storage.update(update));
    if (applied) return wanted;
  }
}

/** How many shards the table has, as far as anybody has said. Cost: 1 RCU. */
export async function readShards({ storage }: Pick<SchedulerContext, "storage">): Promise<number> {
  return Number((await storage.find(CONFIG_KEY))?.["shards"] ?? DEFAULT_SHARDS);
}
