import type { ControlKey } from "@tuppence/core/leases";
import { createHash } from "node:crypto";
import { minuteKey } from "../minutes/minute.ts";
import { placeOf } from "./entry-id.ts";

/** Where things are kept in the table of schedules. */

/** Partitions that names are spread over. It never changes: a name is looked for in one of them. */
export const NAME_PARTITIONS = 4;

export function duePartition(shard: number, minute: number): string {
  return `DUE|${shard}|${minuteKey(minute)}`;
}

export function entryKey(id: string): ControlKey {
  const { shard, minute } = placeOf(id);
  return { partition: duePartition(shard, minute), sort: id };
}

/** Markers of the minutes that have entries to be looked after. */
export function openPartition(shard: number): string {
  return `OPEN|${shard}`;
}

export function markerKey(shard: number, minute: number): ControlKey {
  return { partition: openPartition(shard), sort: minuteKey(minute) };
}

/** The sort key of all doorbells, for filters. */
export const BELL_SORT = "bell";

export function bellKey(shard: number, minute: number): ControlKey {
  return { partition: `BELL|${shard}|${minuteKey(minute)}`, sort: BELL_SORT };
}

/** The shard and the minute of a doorbell's key. */
export function bellPlace(
  partition: string,
): { readonly shard: number; readonly minute: number } | undefined {
  const [, shard, minute] = /^BELL\|(\d+)\|(\d+)$/.exec(partition) ?? [];
  return shard === undefined ? undefined : { shard: Number(shard), minute: Number(minute) };
}

export function parkedPartition(shard: number): string {
  return `PARKED|${shard}`;
}

export function parkedKey(id: string): ControlKey {
  return { partition: parkedPartition(placeOf(id).shard), sort: id };
}

export function namePartition(index: number): string {
  return `NAME|${index}`;
}

export function nameKey(name: string): ControlKey {
  return { partition: namePartition(hashOf(name) % NAME_PARTITIONS), sort: name };
}

export const CONFIG_KEY: ControlKey = { partition: "CONFIG", sort: "table" };

/** The shard of a series: the same for all of its occurrences, while the table has so many. */
export function shardOfName(name: string, shards: number): number {
  return hashOf(name) % shards;
}

function hashOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0);
}
