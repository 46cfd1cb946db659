import { UncertainWriteError } from "../chain/storage.ts";
import { TableMissingError } from "../errors.ts";
import { isNamed, wasApplied } from "./aws-errors.ts";

/** What a failed read is told as. @throws TableMissingError, or the error as it is. */
export function failRead(tableName: string, error: unknown): never {
  if (isNamed(error, "ResourceNotFoundException")) throw new TableMissingError(tableName, { cause: error });
  throw error;
}

/**
 * What a failed write is told as.
 *
 * @throws UncertainWriteError when it may have been applied, or was turned away for a moment; else what `failRead` throws.
 */
export function failWrite(tableName: string, error: unknown): never {
  const applied = wasApplied(error);
  if (applied === "no") failRead(tableName, error);
  throw new UncertainWriteError({ mayBeWritten: applied === "unknown", cause: error });
}
