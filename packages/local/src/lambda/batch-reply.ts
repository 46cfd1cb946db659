import { isObject } from "./filter-rule.ts";
import type { InvokeResult } from "./local-function.ts";

/** What a function's reply means for its batch. */
export type BatchReply =
  | { readonly kind: "success" }
  /** Nothing of it counts as done. */
  | { readonly kind: "failure" }
  /** The records before this index are done. */
  | { readonly kind: "failureFrom"; readonly index: number };

const SUCCESS: BatchReply = { kind: "success" };
const FAILURE: BatchReply = { kind: "failure" };

/**
 * Returns what Lambda makes of a reply to a batch with these sequence numbers.
 *
 * Without `reports` (ReportBatchItemFailures) only an error is a failure. With it, a reply without failures is a
 * success, also `[]`, `null`, `""` and `{}`; failures count from the lowest sequence number on; and one identifier
 * that is empty, null, missing or not of this batch fails the whole batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
export function readReply(
  result: InvokeResult,
  sequenceNumbers: readonly string[],
  reports: boolean,
): BatchReply {
  if (result.functionError !== undefined) return FAILURE;
  if (!reports || result.payload === "") return SUCCESS;
  let reply: unknown;
  try {
    reply = JSON.parse(result.payload);
  } catch {
    // What is no JSON reports nothing that can be trusted.
    return FAILURE;
  }
  const failures = isObject(reply) ? reply["batchItemFailures"] : undefined;
  if (failures === undefined || failures === null) return SUCCESS;
  if (!Array.isArray(failures)) return FAILURE;
  if (failures.length === 0) return SUCCESS;
  let lowest: number | undefined;
  for (const failure of failures as readonly unknown[]) {
    const identifier = isObject(failure) ? failure["itemIdentifier"] : undefined;
    const index = typeof identifier === "string" ? sequenceNumbers.indexOf(identifier) : -1;
    if (index === -1) return FAILURE;
    if (lowest === undefined || isBefore(sequenceNumbers, index, lowest)) lowest = index;
  }
  return lowest === undefined ? SUCCESS : { kind: "failureFrom", index: lowest };
}

/** Sequence numbers are compared as numbers: as text, "9" would come after "10". */
function isBefore(sequenceNumbers: readonly string[], left: number, right: number): boolean {
  return BigInt(sequenceNumbers[left] ?? 0) < BigInt(sequenceNumbers[right] ?? 0);
}
