import { itemSize, type Item } from "../capacity/item-size.ts";
import { type Bill, writeUnits } from "../capacity/units.ts";
import { formatCommitId } from "../commit-id.ts";
import { OutcomeUnknownError } from "../errors.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import { type ChainStorage, type ChainTransaction, UncertainWriteError } from "./storage.ts";
import { type ChainItem, readSlots } from "./tiling.ts";

/** Who sends, for the bill and for what a caller is told when the outcome stays unknown. */
export interface Sender {
  readonly chain: string;
  readonly commitId: Uint8Array;
  readonly bill: Bill;
  readonly signal?: AbortSignal | undefined;
}

/** Sends of one write whose outcome stays uncertain, the first included. */
const MAX_SENDS = 4;
const RESEND_BACKOFF = { baseMs: 25, maxMs: 1_000 };

/** Sends of one write that another transaction on the same items keeps away. It is over as soon as that one is. */
export const MAX_SENDS_IN_CONFLICT = 30;
export const IN_CONFLICT_BACKOFF: { readonly baseMs: number; readonly maxMs: number } = {
  baseMs: 10,
  maxMs: 500,
};

/**
 * Writes all items or none, and sends them again when a reply is lost: they can't be stored twice, and if they
 * were stored the first time, they come back as what is in the way. Answers undefined when they were written, or else
 * what is in the way of each put and check.
 *
 * @throws OutcomeUnknownError when replies stay lost.
 */
export async function sendUntilCertain(
  context: { readonly storage: ChainStorage; readonly runtime: Runtime },
  sender: Sender,
  transaction: ChainTransaction,
): Promise<readonly (ChainItem | undefined)[] | undefined> {
  const { bill, signal } = sender;
  let mayBeWritten = false;
  let lost = 0;
  for (let send = 1; ; send++) {
    try {
      const found = await sendOnce(context.storage, transaction, signal);
      bill.addWrite(unitsOf(transaction, found));
      return found?.map((item) => item && readSlots(item));
    } catch (error) {
      bill.addWrite(unitsOf(transaction, undefined));
      const isUncertain = error instanceof UncertainWriteError;
      const isLost = isUncertain && error.mayBeWritten;
      mayBeWritten ||= isLost;
      lost += isLost ? 1 : 0;
      if (!isUncertain || lost >= MAX_SENDS || send >= MAX_SENDS_IN_CONFLICT) {
        const cause = isUncertain ? error.cause : error;
        // A refusal says nothing about an earlier send whose reply was lost. Giving up is the caller's own wish.
        if (!mayBeWritten || signal?.aborted) throw cause;
        throw new OutcomeUnknownError(sender.chain, formatCommitId(sender.commitId), { cause });
      }
      const pause = isLost
        ? backoffMs(lost, RESEND_BACKOFF, context.runtime.random)
        : backoffMs(send, IN_CONFLICT_BACKOFF, context.runtime.random);
      await context.runtime.sleep(pause, signal);
      bill.resends += 1;
    }
  }
}

async function sendOnce(
  storage: ChainStorage,
  transaction: ChainTransaction,
  signal: AbortSignal | undefined,
): Promise<readonly (Item | undefined)[] | undefined> {
  const [only, ...more] = transaction.puts;
  if (only === undefined || more.length > 0 || transaction.free.length > 0) {
    return storage.transact(transaction, signal);
  }
  const found = await storage.putNew(only, signal);
  return found && [found];
}

/**
 * Write units of a write. The index of streams costs one more where an item appears in it: at the first item of a
 * stream. What is refused costs the larger of the item and the one in its way; a check costs as much as a put of 1 KB, or
 * of the item that it finds.
 */
function unitsOf({ puts, free }: ChainTransaction, found: readonly (Item | undefined)[] | undefined): number {
  const transaction = puts.length + free.length > 1;
  const ofPuts = puts.reduce((units, item, index) => {
    const inTheWay = found?.[index];
    const bytes = Math.max(itemSize(item), inTheWay ? itemSize(inTheWay) : 0);
    const { p, s, c } = item;
    const indexed = p && s && c && !found ? writeUnits(itemSize({ p, s, c })) : 0;
    return units + writeUnits(bytes, { transaction }) + indexed;
  }, 0);
  return free.reduce((units, _, index) => {
    const inTheWay = found?.[puts.length + index];
    return units + writeUnits(inTheWay ? itemSize(inTheWay) : 0, { transaction });
  }, ofPuts);
}
