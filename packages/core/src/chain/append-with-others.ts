import type { ChainAppend, ChainAppendResult, ChainContext } from "./chain.ts";
import {
  type AlsoWrites,
  type ChainConflict,
  type ChainTransactResult,
  transactOnChains,
} from "./transact.ts";

/** Appends a commit together with writes to other tables: by the rules of a transaction over chains, of which it has one. */
export async function appendWithOthers(
  context: ChainContext,
  { chain, commit, expected, ownCommitId, bill, signal }: ChainAppend,
  also: AlsoWrites,
): Promise<ChainAppendResult | Extract<ChainTransactResult, { readonly kind: "refused" }>> {
  const participants = [{ chain, expected, commit }];
  const transact = { commitId: commit.id, ownCommitId, participants, also, bill, signal };
  const result = await transactOnChains(context, transact);
  switch (result.kind) {
    case "written": {
      const { first, end } = result.places[0] as (typeof result.places)[number];
      return { kind: "written", first, end };
    }
    case "conflict": {
      const { end, winner } = result.conflicts[0] as ChainConflict;
      return { kind: "conflict", actual: end.version, closed: end.closed, winner };
    }
    default:
      return result;
  }
}
