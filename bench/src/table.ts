import type { Figures } from "./measure.ts";

/** Figures as people read them: a line for each side, a column for each figure. */
export interface FigureTable {
  readonly title: string;
  /** What to call each figure, by its name; in this order. */
  readonly headings: Readonly<Record<string, string>>;
  readonly rows: readonly FigureRow[];
}

interface FigureRow {
  readonly label: string;
  readonly figures: Figures;
  /** Whether the figures are ratios: 1.07x. */
  readonly ratio?: boolean;
}

/** Aligned: names to the left, figures to the right. */
export function formatFigureTable({ title, headings, rows }: FigureTable): string {
  const body = rows.map(({ label, figures, ratio }) => {
    const format = ratio ? formatRatio : formatFigure;
    return [label].concat(Object.keys(headings).map((name) => format(figures[name] ?? Number.NaN)));
  });
  return formatTable([[title, ...Object.values(headings)], ...body]);
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      widths
        .map((width, column) =>
          column === 0 ? (row[0] ?? "").padEnd(width) : (row[column] ?? "").padStart(width),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A figure with three significant digits or no fraction: 0.412, 3.14, 1,240. */
function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString("en-US")
    : value.toLocaleString("en-US", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** A ratio: 1.07x. */
function formatRatio(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)}x` : "–";
}
