import { backoffMs, type Runtime } from "@tuppence/core";
import {
  type ControlItem,
  type ControlStorage,
  type ControlUpdate,
  UncertainWriteError,
} from "@tuppence/core/leases";

/** Sends of one change, the first included. */
const MAX_SENDS = 4;
const RESEND_BACKOFF = { baseMs: 25, maxMs: 1_000 };

/**
 * Changes an item, and sends it again when its reply is lost. Answers whether what is there now is what was to be set: then
 * it is no matter who did it, or which of the sends.
 */
export async function settleUpdate(
  { control, runtime }: { readonly control: ControlStorage; readonly runtime: Runtime },
  update: ControlUpdate,
  signal?: AbortSignal,
): Promise<{ readonly isSet: boolean; readonly item: ControlItem | undefined }> {
  for (let send = 1; ; send++) {
    try {
      const { item } = await control.update(update, signal);
      const isSet =
        item !== undefined && Object.entries(update.set).every(([name, value]) => item[name] === value);
      return { isSet, item };
    } catch (error) {
      if (!(error instanceof UncertainWriteError)) throw error;
      if (send >= MAX_SENDS) throw error.cause;
      await runtime.sleep(backoffMs(send, RESEND_BACKOFF, runtime.random), signal);
    }
  }
}
