import type { Audit } from "./audit/audit-place.ts";
import type { Soak } from "./run-soak.ts";

/** How many problems of a kind are shown. */
const SHOWN = 5;

export interface Report {
  readonly isClean: boolean;
  readonly seed: number;
  readonly restMs: number;
  readonly started: number;
  readonly blows: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly unrest: readonly string[];
  readonly problems: Audit["problems"];
  /** All of it for people. */
  readonly text: string;
}

export function reportOf(
  { seed, restMs, started, blows, unrest }: Soak,
  { problems, counts }: Audit,
): Report {
  const isClean = problems.length === 0 && unrest.length === 0;
  const byKind = new Map<string, string[]>();
  for (const { kind, what } of problems) byKind.set(kind, [...(byKind.get(kind) ?? []), what]);
  const lines = [
    "",
    ...table({ ...counts, "processes started": started }),
    "",
    ...table(blows),
    "",
    `At rest after ${(restMs / 1_000).toFixed(1)} s.`,
    ...unrest.map((what) => `NOT AT REST: ${what}`),
    ...[...byKind].flatMap(([kind, all]) => [
      `${all.length} × ${kind.toUpperCase()}`,
      ...all.slice(0, SHOWN).map((what) => `  ${what}`),
    ]),
    isClean ? "No problems." : `${problems.length + unrest.length} problems.`,
  ];
  return { isClean, seed, restMs, started, blows, counts, unrest, problems, text: lines.join("\n") };
}

function table(rows: Readonly<Record<string, number>>): readonly string[] {
  const width = Math.max(...Object.keys(rows).map((name) => name.length));
  return Object.entries(rows)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name.padEnd(width)}  ${count.toLocaleString("en-US").padStart(8)}`);
}
