import { backoffMs, pause } from "@tuppence/core";
import { UncertainWriteError } from "@tuppence/core/leases";
import type { QueueContext } from "../queue-context.ts";
import { GroupBusyError } from "./group-errors.ts";

/** How often a write is sent whose reply is lost; repeated, it changes nothing. */
const MAX_SENDS = 5;
const BACKOFF = { baseMs: 25, maxMs: 1_000 };

/** @throws GroupBusyError when the outcome stays unknown. */
export async function trySeveralTimes(
  { runtime, name: queue }: Pick<QueueContext, "runtime" | "name">,
  group: string,
  write: () => Promise<void>,
): Promise<void> {
  for (let send = 1; ; send++) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof UncertainWriteError)) throw error;
      const { mayBeWritten, cause } = error;
      if (send === MAX_SENDS) throw new GroupBusyError({ queue, group, mayBeWritten }, { cause });
      await pause(runtime, backoffMs(send, BACKOFF, runtime.random), new AbortController().signal);
    }
  }
}
