import { printable } from "./printable.ts";

export interface Column {
  readonly title: string;
  /** Default: left. */
  readonly align?: "left" | "right" | undefined;
}

export interface Table {
  /** Adds a row: a text for each column. */
  add(row: readonly string[]): Promise<void>;
  /** Prints what was not printed yet. */
  flush(): Promise<void>;
}

export interface TableTarget {
  readonly write: (text: string) => Promise<void>;
  /** Longer lines are cut, at their end. In characters. */
  readonly width: number;
  /** For the line of titles. */
  readonly emphasize: (text: string) => string;
}

/** Rows that are aligned and printed together. Later ones keep the widths that earlier ones took. */
const ROWS_AT_ONCE = 100;

const GAP = "  ";

/** A table whose columns are as wide as their texts. Without rows nothing is printed. */
export function createTable(columns: readonly Column[], { write, width, emphasize }: TableTarget): Table {
  const widths = columns.map(({ title }) => title.length);
  const draw = (row: readonly string[]): string => {
    const cells = columns.map(({ align }, index) => {
      const text = row[index] ?? "";
      const padding = " ".repeat(Math.max((widths[index] ?? 0) - lengthOf(text), 0));
      return align === "right" ? padding + text : text + padding;
    });
    return cut(cells.join(GAP).trimEnd(), width);
  };
  let rows: string[][] = [];
  let hasTitles = false;
  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    for (const row of rows) {
      for (const [index, text] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, lengthOf(text));
    }
    const titles = hasTitles ? [] : [emphasize(draw(columns.map(({ title }) => title)))];
    const lines = [...titles, ...rows.map(draw)];
    hasTitles = true;
    rows = [];
    await write(`${lines.join("\n")}\n`);
  };
  return {
    async add(row) {
      rows.push(row.map(printable));
      if (rows.length >= ROWS_AT_ONCE) await flush();
    },
    flush,
  };
}

/** In code points: near enough for what a terminal shows of most scripts. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** A line without what is beyond a width. */
export function cut(line: string, width: number): string {
  if (line.length <= width) return line;
  const characters = Array.from(line);
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join("")}…`;
}
