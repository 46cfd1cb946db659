import type { Runtime } from "@tuppence/core";
import {
  type ControlUpdate,
  type ControlChange,
  sendUntilCertain,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { ScheduleBusyError } from "../errors.ts";
import type { ChangeOutcome, ScheduleItems } from "./schedule-storage.ts";

/**
 * Writes whose outcome is known. Each carries a token of its own: whether one was made whose reply was lost is seen by the token that is
 * there, however often it is sent.
 */

/** Sends of one write, the first included. */
const MAX_SENDS = 10;

export interface Writing {
  readonly storage: ScheduleItems;
  readonly runtime: Runtime;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a write until it is known what became of it.
 *
 * @throws ScheduleBusyError when that did not become known.
 */
export async function untilCertain<Result>(
  { runtime, signal }: Pick<Writing, "runtime" | "signal">,
  what: string,
  send: () => Promise<Result>,
): Promise<Result> {
  try {
    return await sendUntilCertain({ runtime, maxSends: MAX_SENDS, signal }, send);
  } catch (error) {
    if (!(error instanceof UncertainWriteError)) throw error;
    throw new ScheduleBusyError(what, { cause: error, mayBeWritten: error.mayBeWritten });
  }
}

/** Makes a change that sets a token; one that was made already by an earlier send counts as made. */
export async function updateWithToken(
  writing: Writing,
  update: ControlUpdate & { readonly set: { readonly tk: string } },
): Promise<ChangeOutcome> {
  const { storage, signal } = writing;
  const outcome = await untilCertain(writing, update.key.sort, () => storage.update(update, signal));
  return !outcome.applied && outcome.item?.["tk"] === update.set.tk ? { applied: true } : outcome;
}

/** Makes changes that belong together, the first of which sets a token. Answers which of them were refused; none when all were made. */
export async function transactWithToken(
  writing: Writing,
  changes: readonly [ControlUpdate & { readonly set: { readonly tk: string } }, ...ControlChange[]],
): Promise<readonly number[]> {
  const { storage, signal } = writing;
  const [first] = changes;
  const outcome = await untilCertain(writing, first.key.sort, () => storage.transact(changes, [], signal));
  if (outcome.applied) return [];
  // By an earlier send, or not at all.
  const found = await storage.find(first.key, signal);
  return found?.["tk"] === first.set.tk ? [] : outcome.refused;
}
