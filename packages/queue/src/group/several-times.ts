import { sendUntilCertain, UncertainWriteError } from "@tuppence/core/leases";
import type { QueueContext } from "../queue-context.ts";
import { GroupBusyError } from "./group-errors.ts";

/** How often a write is sent whose reply is lost; repeated, it changes nothing. */
const MAX_SENDS = 5;

/** @throws GroupBusyError when the outcome stays unknown. */
export async function trySeveralTimes(
  { runtime, name: queue }: Pick<QueueContext, "runtime" | "name">,
  group: string,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await sendUntilCertain({ runtime, maxSends: MAX_SENDS }, write);
  } catch (error) {
    if (!(error instanceof UncertainWriteError)) throw error;
    const { mayBeWritten, cause } = error;
    throw new GroupBusyError({ queue, group, mayBeWritten }, { cause });
  }
}
