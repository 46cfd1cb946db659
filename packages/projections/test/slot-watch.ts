import type { ControlStorage } from "@tuppence/core/leases";
import { readSlotLeases } from "../src/builds/slot-leases.ts";

/** A slot as its lease says. */
export interface WatchedSlot {
  readonly owner: string | undefined;
  readonly epoch: number;
  readonly position: number;
}

/** Looks at all slots again and again, and notes what must never be: a position or an epoch that goes back. */
export class SlotWatch {
  readonly problems: string[] = [];
  looks = 0;
  readonly #control: ControlStorage;
  readonly #known = new Map<string, WatchedSlot>();

  constructor(control: ControlStorage) {
    this.#control = control;
  }

  async look(): Promise<ReadonlyMap<string, WatchedSlot>> {
    this.looks += 1;
    for (const [resource, { owner, epoch, position }] of await readSlotLeases(this.#control, "strong")) {
      const before = this.#known.get(resource);
      const now = {
        owner: owner === undefined ? undefined : String(owner),
        epoch: Number(epoch),
        position: Number(position ?? 0),
      };
      if (before && (now.position < before.position || now.epoch < before.epoch)) {
        this.problems.push(`${resource} went from ${JSON.stringify(before)} to ${JSON.stringify(now)}`);
      }
      this.#known.set(resource, now);
    }
    return this.#known;
  }
}
