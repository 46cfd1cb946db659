import type { Runtime } from "@tuppence/core";
import type { ControlItem, ControlStorage } from "@tuppence/core/leases";
import { QUEUES } from "./names.ts";
import { settleUpdate } from "./settle-update.ts";

/** A queue that is known. */
export interface QueueRegistration {
  readonly name: string;
  readonly createdAt: Date;
  /** The longest window, in milliseconds, that a process of the queue looks for ids in: what is younger is not trimmed. */
  readonly dedupWindowMs: number;
}

/**
 * Makes a queue known, and that ids are looked for in a window.
 *
 * Cost: 1 RCU; 1 WCU more the first time.
 */
export async function registerQueue(
  place: { readonly control: ControlStorage; readonly runtime: Runtime },
  { name, dedupWindowMs }: { readonly name: string; readonly dedupWindowMs: number },
): Promise<void> {
  const key = { partition: QUEUES, sort: name };
  let found = await place.control.find(key);
  while (found === undefined || Number(found["dedupWindowMs"]) < dedupWindowMs) {
    const createdAt = found?.["createdAt"] ?? place.runtime.now();
    const where = { dedupWindowMs: found?.["dedupWindowMs"] };
    ({ item: found } = await settleUpdate(place, { key, where, set: { createdAt, dedupWindowMs } }));
  }
}

/** 1 request, strongly consistent; undefined: nobody has used it yet. */
export async function findRegistration(
  control: ControlStorage,
  name: string,
  signal?: AbortSignal,
): Promise<QueueRegistration | undefined> {
  const item = await control.find({ partition: QUEUES, sort: name }, signal);
  return item && registrationOf(name, item);
}

/** All queues that were ever written to or consumed, by their names: 0.5 RCU for every 4 KB, some 50 queues. */
export async function listRegistrations(
  control: ControlStorage,
  signal?: AbortSignal,
): Promise<QueueRegistration[]> {
  const items = await control.list(QUEUES, { consistency: "eventual", signal });
  return Array.from(items, ([name, item]) => registrationOf(name, item));
}

function registrationOf(name: string, { createdAt, dedupWindowMs }: ControlItem): QueueRegistration {
  return { name, createdAt: new Date(Number(createdAt)), dedupWindowMs: Number(dedupWindowMs) };
}
