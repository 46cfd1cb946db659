import { itemSize, type Item } from "../capacity/item-size.ts";
import { type Bill, readUnits } from "../capacity/units.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import { IN_CONFLICT_BACKOFF, MAX_SENDS_IN_CONFLICT } from "./send.ts";
import { type ChainStorage, type SlotKey, UncertainWriteError } from "./storage.ts";
import { type ChainItem, readSlots } from "./tiling.ts";

/**
 * Looks whether slots are free, all at one moment. Answers undefined when they are, or else what is in each.
 *
 * Cost: 1 request, 2 RCU for each slot.
 */
export async function lookAtOnce(
  { storage, runtime }: { readonly storage: ChainStorage; readonly runtime: Runtime },
  { bill, signal }: { readonly bill: Bill; readonly signal?: AbortSignal | undefined },
  slots: readonly SlotKey[],
): Promise<readonly (ChainItem | undefined)[] | undefined> {
  if (slots.length === 0) return undefined;
  for (let look = 1; ; look++) {
    try {
      const items = await storage.find(slots, signal);
      bill.addRead(unitsOf(items));
      const isFree = items.every((item) => item === undefined);
      return isFree ? undefined : items.map((item) => item && readSlots(item));
    } catch (error) {
      bill.addRead(unitsOf(slots.map(() => undefined)));
      if (!(error instanceof UncertainWriteError)) throw error;
      // A look changes nothing: it may be repeated whatever became of it.
      if (look >= MAX_SENDS_IN_CONFLICT) throw error.cause;
      await runtime.sleep(backoffMs(look, IN_CONFLICT_BACKOFF, runtime.random), signal);
      bill.resends += 1;
    }
  }
}

/** A slot in which nothing is costs as much as the smallest item. */
function unitsOf(items: readonly (Item | undefined)[]): number {
  return items.reduce((units, item) => units + readUnits(item ? itemSize(item) : 0, "transaction"), 0);
}
