import { Bill, type Billed } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { itemHolding, lastItemUpTo } from "../chain/read-chain.ts";
import { commitsIn, partsOf, type TransactionPart } from "../chain/tiling.ts";
import { formatCommitId } from "../commit-id.ts";
import type { EventDefinitions } from "../events.ts";
import { checkStreamId } from "../stream-name.ts";
import { type AppendContext, eventsOf } from "./append.ts";
import type { TransactResult } from "./write-options.ts";
import { checkCounts } from "./read-stream.ts";

type StoredTransaction = Omit<TransactResult<EventDefinitions>, "duplicate">;

/** Reads the transaction that an event belongs to. */
export async function readTransaction(
  context: AppendContext,
  { streamId, version }: { readonly streamId: string; readonly version: number },
  { signal, bill = new Bill() }: { readonly signal?: AbortSignal | undefined } & Billed = {},
): Promise<StoredTransaction | undefined> {
  checkStreamId(streamId);
  checkCounts({ version });
  const found = await lastItemUpTo(readContext(context, { chain: streamId, bill }), version, signal);
  const commits = found === undefined ? [] : commitsIn(found);
  const commit = commits.find(({ first, last }) => first <= version && version <= last);
  if (found === undefined || commit === undefined) return undefined;
  const { commitId, first, last } = commit;
  const stored = partsOf(found);
  const parts = stored.length === 0 ? [{ chain: streamId, first, count: last - first + 1 }] : stored;
  let events = 0;
  const appends = parts.map((part) => {
    const { chain, first: firstVersion, count } = part;
    const slots = { commitId, first: firstVersion, last: firstVersion + count - 1, offset: events };
    events += count;
    return readPart(context, part, { slots, found: chain === streamId ? found : undefined, bill, signal });
  });
  return {
    commitId: formatCommitId(commitId),
    appends: await Promise.all(appends),
    capacity: bill.total(),
  };
}

async function readPart(
  context: AppendContext,
  { chain, first, count }: TransactionPart,
  commit: Parameters<typeof eventsOf>[2] & { readonly signal: AbortSignal | undefined },
): Promise<StoredTransaction["appends"][number]> {
  const { slots, bill, signal } = commit;
  const described = { streamId: chain, firstVersion: first, version: slots.last };
  if (count === 0) return { ...described, events: [] };
  // A part may become visible a moment after the one by which the transaction was found: it is waited for.
  const read = readContext(context, { chain, bill });
  const found = commit.found ?? (await itemHolding(read, first, signal));
  return { ...described, events: await eventsOf(context, chain, { slots, found, bill }) };
}
