import type { ControlStorage } from "@tuppence/core/leases";
import { parkedOf } from "../builds/names.ts";
import type { Registration } from "../builds/registration.ts";
import { type ParkedEvent, readParked, type SlotRef } from "./parked-event.ts";

/** An event that was put aside by a slot of a build. */
export interface ParkedInSlot extends ParkedEvent, Pick<SlotRef, "build" | "slot"> {}

/** What is parked in each slot of the builds in use, in the order of the log. */
export async function* listParkedSlots(
  control: ControlStorage,
  { name, live, next }: Registration,
  consistency: "strong" | "eventual",
): AsyncGenerator<readonly ParkedInSlot[], void, undefined> {
  for (const build of [live, next]) {
    for (let slot = 0; slot < (build?.slots ?? 0); slot++) {
      const { number = 0 } = build ?? {};
      const items = await control.list(parkedOf(name, number, slot), { consistency });
      yield [...items].map(([sort, item]) => ({ ...readParked(sort, item), build: number, slot }));
    }
  }
}
