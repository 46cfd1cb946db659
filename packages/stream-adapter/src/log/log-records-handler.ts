import type { LateCommit, Sequencer } from "@tuppence/core";
import type { RecordsHandler } from "../records-handler.ts";

export interface LateOptions {
  /**
   * Is told of commits that went into the log behind a later one of their stream: an outage had left them out. Default:
   * nobody is.
   */
  readonly onLate?: ((late: readonly LateCommit[]) => void) | undefined;
}

/** Puts what the records of the events table tell into the global log; all other records are passed over. */
export function logRecordsHandler(sequencer: Sequencer, { onLate }: LateOptions): RecordsHandler {
  return async (records, { signal }) => {
    const items = records.flatMap((record) => (record.kind === "commit" ? [record.newImage] : []));
    const { late } = await sequencer.sequence(items, { signal });
    if (late.length > 0) onLate?.(late);
  };
}
