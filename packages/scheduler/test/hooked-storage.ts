import type { ControlChange } from "@tuppence/core/leases";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import type { ScheduleStorage } from "../src/storage/schedule-storage.ts";

/** A storage in memory on which something happens at one moment: right before a write of some kind is carried out, or right after it. */
export class HookedStorage {
  readonly storage: ScheduleStorage;
  #hook: Hook | undefined;

  constructor() {
    const memory = createMemoryScheduleStorage();
    this.storage = {
      ...memory,
      update: (update, signal) => this.#around([update], () => memory.update(update, signal)),
      updateMany: (updates) =>
        Promise.allSettled(updates.map((update) => this.#around([update], () => memory.update(update)))),
      transact: (changes, also, signal) =>
        this.#around(changes, () => memory.transact(changes, also, signal)),
    };
  }

  /** Once; the write itself comes afterwards, with a hook of its own if one was set meanwhile. */
  before(kind: Hook["kind"], happen: () => Promise<unknown>): void {
    this.#hook = { kind, happen, isBefore: true };
  }

  /** Once. What it throws is the end of whoever wrote. */
  after(kind: Hook["kind"], happen: () => Promise<unknown>): void {
    this.#hook = { kind, happen, isBefore: false };
  }

  async #around<Result>(changes: readonly ControlChange[], write: () => Promise<Result>): Promise<Result> {
    const hook = this.#hook;
    const isIt = changes.some((change) => "set" in change && hook?.kind(change.key.partition, change.set));
    if (hook === undefined || !isIt) return write();
    this.#hook = undefined;
    if (hook.isBefore) {
      await hook.happen();
      return this.#around(changes, write);
    }
    const result = await write();
    await hook.happen();
    return result;
  }
}

interface Hook {
  readonly kind: (partition: string, set: Readonly<Record<string, unknown>>) => boolean;
  readonly happen: () => Promise<unknown>;
  readonly isBefore: boolean;
}
