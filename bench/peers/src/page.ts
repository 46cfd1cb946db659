import type { Measurement, PeerResult, Results, ScenarioResult } from "./results.ts";
import { FIGURES } from "./scenario.ts";

/** What the page says of a run, by the name of the region that it stands in. */
export function regionsOf(results: Results): Readonly<Record<string, string>> {
  return {
    run: describeRun(results),
    ahead: describeAhead(results),
    figures: figuresTable(results),
    probes: probesTable(results),
  };
}

/** Puts texts into a page: each between `<!-- region NAME -->` and `<!-- endregion -->`, in place of what was there. */
export function fillPage(page: string, regions: Readonly<Record<string, string>>): string {
  let filled = page;
  for (const [name, text] of Object.entries(regions)) {
    const region = new RegExp(`(<!-- region ${name} -->\n).*?(<!-- endregion -->)`, "s");
    if (!region.test(filled)) throw new Error(`The page has no region ${name}.`);
    filled = filled.replace(region, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`);
  }
  return filled;
}

function describeRun({ date, machine, server, scale, peers, scenarios }: Results): string {
  const versions = Object.values(peers).flatMap(({ label, version }) =>
    version ? [`${label} ${version}`] : [],
  );
  const rounds = [...new Set(scenarios.map((scenario) => scenario.rounds))].sort((one, other) => one - other);
  const lines = [
    `${date}, ${machine}; ${server}; medians of ${rounds.join(" to ")} ${rounds.at(-1) === 1 ? "round" : "rounds"}.`,
    `${versions.join(", ")}.`,
  ];
  if (scale === "small") {
    lines.push("**A run at a tenth of the size, to see that all works: its times and ratios say nothing.**");
  }
  return lines.join("\n\n");
}

/** A difference that is smaller than that is taken for noise. */
const NOTABLE = 0.05;

/** The figures in which one can be ahead; the p99 of so few operations is not among them. */
const COMPARED = ["eventsPerSecond", "p50Ms", "requests", "readUnits", "writeUnits"] as const;

function describeAhead({ peers, scenarios }: Results): string {
  const theirs = Object.entries(peers).filter(([, { ours }]) => !ours);
  const lines = scenarios.flatMap((scenario) => {
    const ahead = theirs.flatMap(([name, { label }]) => {
      const leads = leadsOf(scenario.peers[name]);
      return leads.length > 0 ? [`${label} (${leads.join(", ")})`] : [];
    });
    return ahead.length > 0 ? [`- ${scenario.title}: ${ahead.join("; ")}`] : [];
  });
  return lines.length > 0 ? lines.join("\n") : "Nowhere.";
}

/** In what a peer is ahead: as `1.20 × events/s`. */
function leadsOf(result: PeerResult | undefined): string[] {
  if (result === undefined || !("ratios" in result)) return [];
  return COMPARED.flatMap((name) => {
    const ratio = result.ratios[name] ?? 1;
    const ahead = name === "eventsPerSecond" ? ratio > 1 + NOTABLE : ratio < 1 - NOTABLE;
    return ahead ? [`${ratio.toFixed(2)} × ${FIGURES[name]}`] : [];
  });
}

function figuresTable({ peers, scenarios }: Results): string {
  const headings = ["", "", "events/s", "ratio", ...Object.values(FIGURES).slice(1)];
  const rows = scenarios.flatMap((scenario) =>
    Object.entries(peers).map(([name, { label }], index) => {
      const title = index === 0 ? `**${scenario.title}**; requests and units for ${scenario.per}` : "";
      return [title, label, ...figureCells(scenario, name)];
    }),
  );
  return markdownTable(headings, rows);
}

function figureCells({ peers }: ScenarioResult, name: string): string[] {
  const result = peers[name];
  if (result === undefined || !("figures" in result)) return [result?.impossible ?? ""];
  const { figures, ratios }: Measurement = result;
  const [speed, ...others] = Object.keys(FIGURES).map((figure) =>
    formatFigure(figures[figure] ?? Number.NaN),
  );
  return [speed ?? "", (ratios["eventsPerSecond"] ?? Number.NaN).toFixed(2), ...others];
}

/** With three digits or no fraction: 0.412, 3.14, 1,240. */
function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

/** A row for each question. What is not safe stands out. */
function probesTable({ peers, probes }: Results): string {
  const asked = Object.entries(peers).filter(([name]) => probes.some((probe) => name in probe.peers));
  const rows = probes.map((probe) => [
    probe.question,
    ...asked.map(([name]) => {
      const { safe, seen = "" } = probe.peers[name] ?? {};
      return safe === false ? `**${seen}**` : seen;
    }),
  ]);
  return markdownTable(["", ...asked.map(([, { label }]) => label)], rows);
}

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${headings.map((_, index) => cells[index] ?? "").join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}
