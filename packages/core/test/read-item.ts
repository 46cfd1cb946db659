import type { Item } from "../src/capacity/item-size.ts";
import { readSlots } from "../src/chain/tiling.ts";
import type { RecordedEvent } from "../src/events.ts";
import { openEvents } from "../src/store/open-events.ts";

/** The events of a stored item, as a store without definitions reads them. */
export function readItem(item: Item): readonly RecordedEvent[] {
  const slots = readSlots(item);
  const events = openEvents({ definitions: undefined }, slots, { low: slots.first, high: slots.last });
  if (events instanceof Promise) throw new TypeError("The item has bodies that take time to open.");
  return events;
}
