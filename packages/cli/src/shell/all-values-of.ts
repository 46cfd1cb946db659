import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import { UsageError } from "./usage-error.ts";

/**
 * All values of an option in their order, of which citty, which parses with the same function, keeps the last; undefined
 * without any.
 *
 * @throws UsageError for one that is empty.
 */
export function allValuesOf(
  option: string,
  words: readonly string[],
  definitions: ArgsDef,
): readonly string[] | undefined {
  const options = Object.entries(definitions).map(([name, { type }]) => [
    name,
    { type: type === "boolean" ? "boolean" : "string", multiple: true } as const,
  ]);
  const { values } = parseArgs({
    args: [...words],
    options: Object.fromEntries(options) as Record<string, { type: "boolean" | "string"; multiple: true }>,
    allowPositionals: true,
    strict: false,
  });
  return values[option]?.map((value) => {
    if (typeof value === "string" && value !== "") return value;
    throw new UsageError(`--${option} needs a value.`);
  });
}
