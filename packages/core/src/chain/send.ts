import { itemSize, type Item } from "../capacity/item-size.ts";
import { type Bill, writeUnits } from "../capacity/units.ts";
import { formatCommitId } from "../commit-id.ts";
import { type RefusedWrite, WriteRefusedError } from "../conflict-errors.ts";
import { OutcomeUnknownError } from "../errors.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import { type AlsoWrite, type ChainStorage, type ChainTransaction, UncertainWriteError } from "./storage.ts";
import { type ChainItem, readSlots } from "./tiling.ts";

/** Who sends, for the bill and for what a caller is told when the outcome stays unknown. */
export interface Sender {
  readonly chain: string;
  readonly commitId: Uint8Array;
  readonly bill: Bill;
  readonly signal?: AbortSignal | undefined;
}

/** Why nothing was written. */
export interface Refusal {
  /** What is in the way of each put and check. */
  readonly found: readonly (ChainItem | undefined)[];
  /** The other writes whose conditions do not hold. */
  readonly refused: readonly RefusedWrite[];
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
 * why they were not.
 *
 * @throws OutcomeUnknownError when replies stay lost.
 */
export async function sendUntilCertain(
  context: { readonly storage: ChainStorage; readonly runtime: Runtime },
  sender: Sender,
  transaction: ChainTransaction,
): Promise<Refusal | undefined> {
  const { bill, signal } = sender;
  const unknown = (cause: unknown): OutcomeUnknownError =>
    new OutcomeUnknownError(sender.chain, formatCommitId(sender.commitId), { cause });
  let mayBeWritten = false;
  let lost = 0;
  for (let send = 1; ; send++) {
    let answer: readonly (Item | undefined)[] | undefined;
    try {
      answer = await sendOnce(context.storage, transaction, signal);
    } catch (error) {
      bill.addWrite(unitsOf(transaction, undefined));
      const isUncertain = error instanceof UncertainWriteError;
      const isLost = isUncertain && error.mayBeWritten;
      mayBeWritten ||= isLost;
      lost += isLost ? 1 : 0;
      if (!isUncertain || lost >= MAX_SENDS || send >= MAX_SENDS_IN_CONFLICT) {
        const cause = isUncertain ? error.cause : error;
        // A refusal says nothing about an earlier send whose reply was lost. Giving up is the caller's own wish.
        throw !mayBeWritten || signal?.aborted ? cause : unknown(cause);
      }
      const pause = isLost
        ? backoffMs(lost, RESEND_BACKOFF, context.runtime.random)
        : backoffMs(send, IN_CONFLICT_BACKOFF, context.runtime.random);
      await context.runtime.sleep(pause, signal);
      bill.resends += 1;
      continue;
    }
    bill.addWrite(unitsOf(transaction, answer));
    if (answer === undefined) return undefined;
    const refusal = readRefusal(transaction, answer);
    // A taken slot stays taken. A condition may hold again by the time that an earlier send arrives.
    const isFinal = !mayBeWritten || refusal.found.some((item) => item !== undefined);
    if (!isFinal) throw unknown(new WriteRefusedError(refusal.refused, bill.total()));
    return refusal;
  }
}

async function sendOnce(
  storage: ChainStorage,
  transaction: ChainTransaction,
  signal: AbortSignal | undefined,
): Promise<readonly (Item | undefined)[] | undefined> {
  const { puts, free, also = [] } = transaction;
  const [only, ...more] = puts;
  if (only === undefined || more.length + free.length + also.length > 0) {
    return storage.transact(transaction, signal);
  }
  const found = await storage.putNew(only, signal);
  return found && [found];
}

function readRefusal(
  { puts, free, also = [] }: ChainTransaction,
  answer: readonly (Item | undefined)[],
): Refusal {
  const slots = puts.length + free.length;
  return {
    found: answer.slice(0, slots).map((item) => item && readSlots(item)),
    refused: also.flatMap((write, index) => {
      const item = answer[slots + index];
      return item === undefined ? [] : [{ index, write, item: isEmpty(item) ? undefined : item }];
    }),
  };
}

function isEmpty(item: Item): boolean {
  return Object.keys(item).length === 0;
}

/**
 * Write units of a write. The index of streams costs one more where an item appears in it: at the first item of a
 * stream. What is refused costs the larger of the item and the one in its way; a check costs as much as a put of 1 KB, or
 * of the item that it finds, and so does an update or delete of another table, as the size of its item is not known.
 */
function unitsOf(
  { puts, free, also = [] }: ChainTransaction,
  found: readonly (Item | undefined)[] | undefined,
): number {
  const transaction = puts.length + free.length + also.length > 1;
  const unitsAt = (index: number, item: Item | undefined): number => {
    const inTheWay = found?.[index];
    const bytes = Math.max(item ? itemSize(item) : 0, inTheWay ? itemSize(inTheWay) : 0);
    return writeUnits(bytes, { transaction });
  };
  const items = [...puts, ...free.map(() => undefined), ...also.map(({ Put }: AlsoWrite) => Put?.Item)];
  const units = items.reduce((total, item, index) => total + unitsAt(index, item), 0);
  return found ? units : units + puts.reduce((total, item) => total + unitsOfIndex(item), 0);
}

function unitsOfIndex({ p, s, c }: Item): number {
  return p && s && c ? writeUnits(itemSize({ p, s, c })) : 0;
}
