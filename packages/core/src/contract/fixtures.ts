import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { TuppenceError } from "../errors.ts";
import type { NewEvent } from "../events.ts";
import type { EventStore } from "../store/event-store.ts";
import type { ReadOptions } from "../store/read-options.ts";

/** A stream that no other test uses. */
export function newStreamId(category = "contract"): string {
  return `${category}|${randomUUID()}`;
}

/** Events that can be told apart: `counted(1, 3)` has the numbers 1, 2 and 3. */
export function counted(from: number, to: number = from): NewEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    type: "Counted",
    data: { number: from + index },
  }));
}

/** Appends commits of these sizes, their events numbered from 1 on. */
export async function appendCommits(
  store: EventStore,
  streamId: string,
  sizes: readonly number[],
): Promise<void> {
  let version = 0;
  for (const size of sizes) {
    await store.append(streamId, counted(version + 1, version + size), { expectedVersion: version });
    version += size;
  }
}

/** All that an iteration yields. */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** The versions that a read yields; the events have to be those of `counted`. */
export async function readVersions(
  store: EventStore,
  streamId: string,
  options?: ReadOptions,
): Promise<number[]> {
  const events = await collect(store.read(streamId, options));
  for (const event of events) assert.deepEqual(event.data, { number: event.version });
  return events.map((event) => event.version);
}

/** Checks that a promise is rejected with an error of this code and these fields. */
export async function assertRejects(
  promise: Promise<unknown>,
  expected: { readonly code: TuppenceError["code"] } & Readonly<Record<string, unknown>>,
): Promise<void> {
  await assert.rejects(promise, (error: Error) => {
    const actual = error as Error & Readonly<Record<string, unknown>>;
    for (const [field, value] of Object.entries(expected))
      assert.deepEqual(actual[field], value, `${field}: ${error}`);
    return true;
  });
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Text that hardly compresses, always the same for the same seed. */
export function pseudoRandomText(seed: number, length: number): string {
  let state = seed + 1;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += LETTERS[state >>> 26];
  }
  return text;
}

/** The listing may be a moment behind. */
export async function untilListed(list: () => Promise<readonly unknown[]>, count: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await list()).length < count && Date.now() < deadline);
}
