import type { ScenarioResult } from "./benchmark.ts";
import { type Figures, inTurn, medians, ratios } from "./measure.ts";
import { formatFigureTable } from "./table.ts";

/** One of those that are measured in turn. */
export interface MeasuredSide {
  /** Its key in the JSON. */
  readonly name: string;
  readonly label: string;
  readonly run: (round: number) => Promise<Figures>;
}

export interface Comparison {
  readonly name: string;
  readonly headings: Readonly<Record<string, string>>;
  readonly sides: readonly MeasuredSide[];
  /** Of the scenario, for the JSON. */
  readonly details: Readonly<Record<string, number>>;
}

/** The name of the side that the others are compared to, where there is one. */
const OURS = "ours";

/** Measures the sides in turn and tells: the medians, and the ratios of ours to each of the others. */
export async function compareSides(
  { name, headings, sides, details }: Comparison,
  { rounds, tell }: { readonly rounds: number; readonly tell: (text: string) => void },
): Promise<ScenarioResult> {
  const runs = await inTurn(
    sides.map(({ run }) => run),
    rounds,
  );
  const measured = sides.map((side, index) => ({ ...side, runs: runs[index] ?? [] }));
  const ours = measured.find((side) => side.name === OURS);
  const compared = ours === undefined ? [] : measured.filter((side) => side !== ours);
  const rows = [
    ...measured.map((side) => ({ label: side.label, figures: medians(side.runs) })),
    ...compared.map((side) => ({
      label: `ratio to ${side.label}`,
      figures: ratios(ours?.runs, side.runs),
      ratio: true,
    })),
  ];
  tell(formatFigureTable({ title: name, headings, rows }));
  return {
    name,
    ...details,
    units: headings,
    ...Object.fromEntries(measured.map((side) => [side.name, medians(side.runs)])),
    ...Object.fromEntries(compared.map((side) => [`${side.name}Ratio`, ratios(ours?.runs, side.runs)])),
  };
}
