import { stripVTControlCharacters } from "node:util";
import { printable } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

/** What the command line ended with. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** What an error means for the caller of the command: one line, and the exit code. */
export function describeError(error: unknown): { readonly line: string; readonly exitCode: number } {
  const { code, message } = factsOf(error);
  const line = `error ${code}: ${printable(stripVTControlCharacters(message).replaceAll(/\s*\n\s*/g, " "))}`;
  const isUsage = error instanceof UsageError || (error instanceof Error && error.name === "CLIError");
  return { line, exitCode: isUsage ? EXIT.usage : EXIT.failed };
}

const CREDENTIALS_HINT =
  "Give the command AWS credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), " +
  "or --endpoint for DynamoDB Local.";

function factsOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: "unknown", message: String(error) };
  // Node tries every address of a host, and says what was wrong with each.
  if (error instanceof AggregateError && error.message === "") return factsOf(error.errors[0]);
  const { code } = error as { readonly code?: unknown };
  if (error.name === "CLIError") return { code: "usage", message: error.message.replace(/\.?$/, ".") };
  if (error.name === "CredentialsProviderError") {
    return { code: error.name, message: `${error.message.replace(/\.?$/, ".")} ${CREDENTIALS_HINT}` };
  }
  if (code === "tableMissing") {
    const { tableName } = error as Error & { readonly tableName?: unknown };
    return {
      code,
      message: `DynamoDB has no table ${String(tableName)} here; tuppence tables create makes it.`,
    };
  }
  if (error.message === "Region is missing") {
    return { code: "regionMissing", message: "No AWS Region is set. Give --region, or set AWS_REGION." };
  }
  return { code: typeof code === "string" ? code : error.name, message: error.message };
}
