import { minuteOf } from "../minutes/minute.ts";

/**
 * The id of an entry says where it is kept: the moment at which it may fire, its shard, and what tells it from others.
 * `0mg3k9z5s-2-4fzk09x1m2c3qw7e`: 9 digits of base 36 are milliseconds up to the year 5188, and sort by time.
 */

const TIME_DIGITS = 9;
const OWN_DIGITS = 16;
const ID = /^([0-9a-z]{9})-([0-9a-z]{1,2})-([0-9a-z]{16})$/;

/** The last moment that an id can hold, in epoch milliseconds. */
const MAX_FIRE_AT_MS: number = 36 ** TIME_DIGITS - 1;

export interface EntryPlace {
  readonly fireAtMs: number;
  readonly shard: number;
  readonly minute: number;
}

export function isEntryId(text: string): boolean {
  return ID.test(text);
}

/** @throws TypeError for what is no id. */
export function placeOf(id: string): EntryPlace {
  const [, time, shard] = ID.exec(id) ?? [];
  if (time === undefined || shard === undefined) {
    throw new TypeError(`${JSON.stringify(id)} is no id of a schedule.`);
  }
  const fireAtMs = Number.parseInt(time, 36);
  return { fireAtMs, shard: Number.parseInt(shard, 36), minute: minuteOf(fireAtMs) };
}

/** A new id; whoever made it puts the entry only where there is none. */
export function newEntryId(fireAtMs: number, shard: number, random: () => number): string {
  return `${timeKey(fireAtMs)}-${shard.toString(36)}-${digits(random)}${digits(random)}`;
}

/** What ids of a moment begin with; all earlier ones sort before. */
export function timeKey(fireAtMs: number): string {
  return Math.min(fireAtMs, MAX_FIRE_AT_MS).toString(36).padStart(TIME_DIGITS, "0");
}

/** Random digits, half of what an id has of them. */
export function digits(random: () => number): string {
  const count = OWN_DIGITS / 2;
  return Math.floor(random() * 36 ** count)
    .toString(36)
    .padStart(count, "0");
}
