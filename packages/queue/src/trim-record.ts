import type { Runtime } from "@tuppence/core";
import type { ControlItem, ControlKey, ControlStorage } from "@tuppence/core/leases";
import { queuePartition } from "./names.ts";
import { settleUpdate } from "./settle-update.ts";

/** What is said of a queue's trimming, before anything is taken away. */
export interface TrimRecord {
  /** The first position that is kept. */
  readonly firstPosition: number;
  /** All before this position have been taken away. */
  readonly stripped: number;
}

/** 1 request, strongly consistent. */
export async function findTrimRecord(
  control: ControlStorage,
  queue: string,
  signal?: AbortSignal,
): Promise<TrimRecord> {
  return recordOf(await control.find(keyOf(queue), signal));
}

/** Says something newer than what was said; answers what is said then, by whomever. */
export async function saveTrimRecord(
  place: { readonly control: ControlStorage; readonly runtime: Runtime },
  queue: string,
  { before, after }: { readonly before: TrimRecord; readonly after: TrimRecord },
): Promise<TrimRecord> {
  const isFirst = before.firstPosition === 1;
  const where = isFirst ? { firstPosition: undefined } : { ...before };
  return recordOf((await settleUpdate(place, { key: keyOf(queue), where, set: { ...after } })).item);
}

function keyOf(queue: string): ControlKey {
  return { partition: queuePartition(queue), sort: "trim" };
}

function recordOf(item: ControlItem | undefined): TrimRecord {
  return { firstPosition: Number(item?.["firstPosition"] ?? 1), stripped: Number(item?.["stripped"] ?? 1) };
}
