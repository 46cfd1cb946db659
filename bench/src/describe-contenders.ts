import type { RunOptions, ScenarioResult } from "./benchmark.ts";
import type { Servers } from "./servers.ts";

interface DescribedContender {
  readonly name: string;
  readonly label: string;
  /** What it promises, for people. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Tells what is measured and on what, before any figures. */
export function describeContenders(
  contenders: readonly DescribedContender[],
  { postgres }: Servers,
  { tell }: RunOptions,
): ScenarioResult {
  const described = contenders.flatMap(({ label, facts }) => [
    label,
    ...Object.entries(facts).map(([fact, text]) => `  ${fact}: ${text}`),
  ]);
  tell([postgres.description, "", ...described].join("\n"));
  return {
    name: "contenders",
    units: {},
    postgres: postgres.description,
    ...Object.fromEntries(contenders.map(({ name, facts }) => [name, facts])),
  };
}
