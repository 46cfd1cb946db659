import type { Runtime } from "@tuppence/core";
import {
  type ControlItem,
  type ControlStorage,
  type ControlUpdate,
  sendUntilCertain,
  UncertainWriteError,
} from "@tuppence/core/leases";

/** Sends of one change, the first included. */
const MAX_SENDS = 4;

/**
 * Changes an item, and sends it again when its reply is lost. Answers whether what is there now is what was to be set: then
 * it is no matter who did it, or which of the sends.
 */
export async function settleUpdate(
  { control, runtime }: { readonly control: ControlStorage; readonly runtime: Runtime },
  update: ControlUpdate,
  signal?: AbortSignal,
): Promise<{ readonly isSet: boolean; readonly item: ControlItem | undefined }> {
  try {
    const resending = { runtime, maxSends: MAX_SENDS, signal };
    const { item } = await sendUntilCertain(resending, () => control.update(update, signal));
    const isSet =
      item !== undefined && Object.entries(update.set).every(([name, value]) => item[name] === value);
    return { isSet, item };
  } catch (error) {
    throw error instanceof UncertainWriteError ? error.cause : error;
  }
}
