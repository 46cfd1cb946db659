import { UncertainWriteError } from "../chain/storage.ts";
import type { ControlOutcome } from "../control/control-storage.ts";
import { attemptWrite } from "./attempt.ts";
import { BEATS_PER_DURATION, HeldLease, type LeaseContext } from "./held-lease.ts";
import { claimUpdate, leaseKey, readLease, type StoredLease } from "./lease-item.ts";

/** Sends of one claim, the first included; after that the next round sees what became of it. */
const MAX_CLAIM_SENDS = 3;

/**
 * Takes a lease that is still as it was seen. Answers undefined when somebody else was faster.
 *
 * Cost: 1 WCU, also for a refused one; 2 requests more when a reply is lost.
 */
export async function claimLease(
  context: LeaseContext,
  resource: string,
  seen: StoredLease | undefined,
): Promise<HeldLease | undefined> {
  const { storage, runtime, worker, durationMs } = context;
  const key = leaseKey(context.group, resource);
  let expected = seen;
  for (let send = 1; ; send++) {
    const update = claimUpdate(key, expected, { worker, durationMs });
    const heldSince = runtime.monotonic();
    let outcome: ControlOutcome;
    try {
      const limits = { timeoutMs: durationMs / BEATS_PER_DURATION };
      outcome = await attemptWrite(runtime, limits, (signal) => storage.update(update, signal));
    } catch (error) {
      if (send < MAX_CLAIM_SENDS && error instanceof UncertainWriteError) continue;
      throw error;
    }
    const stored = outcome.item && readLease(outcome.item);
    if (outcome.applied && stored) return new HeldLease(context, resource, { ...stored, heldSince });
    // An earlier claim of this process was applied, nobody knows when: claimed once more, its time is known.
    if (stored?.owner !== worker || send === MAX_CLAIM_SENDS) return undefined;
    expected = stored;
  }
}
