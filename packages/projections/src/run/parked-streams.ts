import type { ControlStorage } from "@tuppence/core/leases";
import { parkedOf } from "../builds/names.ts";
import { type ParkedEvent, readParked, type SlotRef } from "./parked-event.ts";

/** The streams of a slot of which something is parked, as the slot's owner knows them: only the owner changes them. */
export class ParkedStreams {
  readonly #control: ControlStorage;
  readonly #slot: SlotRef;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(control: ControlStorage, slot: SlotRef) {
    this.#control = control;
    this.#slot = slot;
  }

  /** Reads what is parked, in the order of the log. Cost: 1 RCU for each 4 KB, strongly consistent. */
  async load(signal: AbortSignal): Promise<readonly ParkedEvent[]> {
    const { projection, build, slot } = this.#slot;
    const partition = parkedOf(projection, build, slot);
    const items = await this.#control.list(partition, { consistency: "strong", signal });
    const events = [...items].map(([sort, item]) => readParked(sort, item));
    this.#counts.clear();
    this.#total = 0;
    for (const event of events) this.add(event);
    return events;
  }

  /** Events that are parked. */
  get total(): number {
    return this.#total;
  }

  /** Their streams, as they are now. */
  names(): ReadonlySet<string> {
    return new Set(this.#counts.keys());
  }

  add({ streamId }: ParkedEvent): void {
    this.#counts.set(streamId, (this.#counts.get(streamId) ?? 0) + 1);
    this.#total += 1;
  }

  remove({ streamId }: ParkedEvent): void {
    const left = (this.#counts.get(streamId) ?? 1) - 1;
    if (left > 0) this.#counts.set(streamId, left);
    else this.#counts.delete(streamId);
    this.#total -= 1;
  }
}
