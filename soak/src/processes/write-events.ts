import {
  commitIdFrom,
  createCommandHandler,
  createStateCache,
  decideAcross,
  type EventStore,
  type RecordedEvent,
} from "@tuppence/core";
import {
  balanceFold,
  type Operation,
  type OperationOutcome,
  partsOf,
  planOperation,
  type StoredPart,
} from "../accounts.ts";
import { openPlace } from "../place.ts";
import { takeSteps } from "../steps.ts";
import type { ProcessInput, Work } from "./process-input.ts";

/** There is not enough in the account. */
class NotCoveredError extends Error {
  readonly code = "notCovered";
}

/** Errors that say that nothing was written. */
const REFUSALS: readonly unknown[] = ["notCovered", "versionConflict", "transactConflict"];

/** Appends to accounts in all the ways that there are, each step with a commit id of its own. */
export const writeEvents: Work = async ({ name, seed, place }: ProcessInput, signal) => {
  const { store, folder } = openPlace(place);
  const carryOut = operationsOn(store);
  const versionOf = async (account: string): Promise<number> =>
    (await store.load(account, balanceFold)).version;
  await takeSteps<Operation, OperationOutcome>(
    { folder, name },
    {
      seed,
      plan: (_step, random) => planOperation(random, versionOf),
      async carryOut(step, operation) {
        try {
          return { stored: await carryOut(operation, { by: name, step }) };
        } catch (error) {
          const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
          if (code === undefined || !REFUSALS.includes(code)) throw error;
          return { refused: code };
        }
      },
      mayAbandon: true,
      pauseMs: 200,
    },
    signal,
  );
};

type CarryOut = (
  operation: Operation,
  by: { readonly by: string; readonly step: number },
) => Promise<readonly StoredPart[]>;

function operationsOn(store: EventStore): CarryOut {
  const withdraw = createCommandHandler({
    store,
    cache: createStateCache<number>(),
    decider: {
      ...balanceFold,
      decide: ({ cents, events }: Withdrawal, balance: number) => {
        if (balance < cents) throw new NotCoveredError("There is not enough in the account.");
        return events;
      },
    },
  });
  return async (operation, by) => {
    const commitId = commitIdFrom(`${by.by}/${by.step}`);
    const parts = partsOf(operation, by);
    const [first] = parts;
    if (first === undefined) throw new TypeError("An operation has a part at least.");
    const { streamId, events } = first;
    switch (operation.kind) {
      case "deposit": {
        const { expectedVersion } = operation;
        return [await store.append(streamId, events, { commitId, expectedVersion })].map(partOf);
      }
      case "spread":
        return (await store.transact(parts, { commitId })).appends.map(partOf);
      case "withdraw": {
        const result = await withdraw(streamId, { cents: operation.cents, events }, { commitId });
        return [partOf({ streamId, ...versionsOf(result.events) })];
      }
      case "send": {
        const decided = await decideAcross(
          store,
          async ({ load, versionOf }) => {
            // Half of them would also do with any version of the other account.
            if (by.step % 2 === 0) await versionOf(operation.to);
            if ((await load(operation.from, balanceFold)) < operation.cents)
              throw new NotCoveredError("There is not enough in the account.");
            return parts;
          },
          { commitId },
        );
        return decided.appends.map(partOf);
      }
    }
  };
}

interface Withdrawal {
  readonly cents: number;
  readonly events: ReturnType<typeof partsOf>[number]["events"];
}

function partOf({ streamId, firstVersion, version }: StoredPart): StoredPart {
  return { streamId, firstVersion, version };
}

function versionsOf(events: readonly RecordedEvent[]): Omit<StoredPart, "streamId"> {
  return { firstVersion: events[0]?.version ?? 0, version: events.at(-1)?.version ?? 0 };
}
