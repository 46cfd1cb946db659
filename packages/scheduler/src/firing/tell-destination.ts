import type { SchedulerContext } from "../context.ts";
import { executionRecord, type RunOutcome } from "../destinations/execution-record.ts";
import { sendRecord } from "../destinations/send-record.ts";
import type { Entry } from "../entries/entry.ts";
import { occurrenceOf } from "./attempt-target.ts";

/**
 * Tells the destination of a target what became of an occurrence, before that is stored: a crash in between tells it again. One that does not
 * take the record does not keep the schedule from going on: the event `destinationFailed` has the record.
 */
export async function tellDestination(
  context: SchedulerContext & { readonly signal?: AbortSignal | undefined },
  entry: Entry,
  run: { readonly attempts: number; readonly outcome: RunOutcome },
): Promise<void> {
  const { runtime, targets, signal } = context;
  const { target: name } = entry.definition;
  const target = targets[name];
  const isSuccess = run.outcome.kind === "success";
  // What is in the store tells of its success itself.
  const onSuccess = target?.isInStore === true ? undefined : target?.onSuccess;
  const destination = isSuccess ? onSuccess : target?.onFailure;
  if (destination === undefined) return;
  const occurrence = occurrenceOf(entry, run.attempts);
  const record = executionRecord({ occurrence, target: name, outcome: run.outcome, nowMs: runtime.now() });
  try {
    await sendRecord(runtime, destination, { record, signal });
  } catch (error) {
    signal?.throwIfAborted();
    context.emit({ type: "destinationFailed", id: entry.id, target: name, record, error });
  }
}
