import type { ExecutionRecord } from "./execution-record.ts";

/** Where it is told what became of occurrences. */
export interface Destination {
  /** What it is, for those who look: "lambda", "queue", "stream" … */
  readonly kind: string;
  /** Hands a record on: at least once. A rejection is tried again a few times. */
  send(record: ExecutionRecord, context: { readonly signal: AbortSignal }): Promise<void>;
}
