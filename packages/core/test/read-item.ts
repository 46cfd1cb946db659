import type { Item } from "../src/capacity/item-size.ts";
import { readSlots } from "../src/chain/tiling.ts";
import type { RecordedEvent } from "../src/events.ts";
import { openEvents } from "../src/store/open-events.ts";

/** The events of a stored item, as a store without definitions reads them. */
export function readItem(item: Item): readonly RecordedEvent[] {
  const slots = readSlots(item);
  return openEvents({ definitions: undefined }, slots, { low: slots.first, high: slots.last });
}
