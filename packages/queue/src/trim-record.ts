import type { ControlItem, ControlKey, ControlStorage } from "@tuppence/core/leases";
import { queuePartition } from "./names.ts";

/** What is said of a queue's trimming, before anything is taken away. */
export interface TrimRecord {
  /** The first position that is kept. */
  readonly firstPosition: number;
  /** All items before this position have been stripped. */
  readonly stripped: number;
}

const NEVER: TrimRecord = { firstPosition: 1, stripped: 1 };

export function trimKey(queue: string): ControlKey {
  return { partition: queuePartition(queue), sort: "trim" };
}

export function readTrimRecord(item: ControlItem | undefined): TrimRecord {
  if (item === undefined) return NEVER;
  return { firstPosition: Number(item["firstPosition"]), stripped: Number(item["stripped"]) };
}

/** 1 request, strongly consistent. */
export async function findTrimRecord(
  control: ControlStorage,
  queue: string,
  signal?: AbortSignal,
): Promise<TrimRecord> {
  return readTrimRecord(await control.find(trimKey(queue), signal));
}
