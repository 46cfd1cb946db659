import type { ControlStorage } from "@tuppence/core/leases";
import { QUEUES } from "./names.ts";

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
  control: ControlStorage,
  {
    name,
    dedupWindowMs,
    nowMs,
  }: { readonly name: string; readonly dedupWindowMs: number; readonly nowMs: number },
): Promise<void> {
  const key = { partition: QUEUES, sort: name };
  let found = await control.find(key);
  while (found === undefined || Number(found["dedupWindowMs"]) < dedupWindowMs) {
    const { createdAt = nowMs } = found ?? {};
    const where = { dedupWindowMs: found?.["dedupWindowMs"] };
    const outcome = await control.update({ key, where, set: { createdAt, dedupWindowMs } });
    if (outcome.applied) return;
    found = await control.find(key);
  }
}

export async function findRegistration(
  control: ControlStorage,
  name: string,
  signal?: AbortSignal,
): Promise<QueueRegistration | undefined> {
  const item = await control.find({ partition: QUEUES, sort: name }, signal);
  if (item === undefined) return undefined;
  return {
    name,
    createdAt: new Date(Number(item["createdAt"])),
    dedupWindowMs: Number(item["dedupWindowMs"]),
  };
}

/** All queues that were ever written to or consumed, by their names. 0.5 RCU for every 4 KB, some 50 queues. */
export async function listRegistrations(
  control: ControlStorage,
  signal?: AbortSignal,
): Promise<QueueRegistration[]> {
  const items = await control.list(QUEUES, { consistency: "eventual", signal });
  return Array.from(items, ([name, item]) => ({
    name,
    createdAt: new Date(Number(item["createdAt"])),
    dedupWindowMs: Number(item["dedupWindowMs"]),
  }));
}
