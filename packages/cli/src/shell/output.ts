import { once } from "node:events";
import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { printable } from "./printable.ts";
import { type Column, createTable, cut, type Table } from "./table.ts";

/** What commands print to: lines of JSON for programs, or aligned tables for people. */
export interface Output {
  /** Whether JSON is asked for. */
  readonly json: boolean;
  /** Prints a value as one line of JSON. */
  writeJson(value: unknown): Promise<void>;
  /** Prints a value as JSON that people can read and a file can hold: in lines, unless JSON is asked for, and never cut. */
  writeDocument(value: unknown): Promise<void>;
  /** Prints a line for people. */
  writeLine(text: string): Promise<void>;
  /** Whether there is a terminal to show progress on. */
  readonly showsProgress: boolean;
  /** Shows how far a command is, in the place of what it showed before, on a terminal only; nothing takes that away. */
  showProgress(...lines: readonly string[]): void;
  /** Begins a table; its rows are printed as they come, some at a time. */
  table(columns: readonly Column[]): Table;
  /** Prints a list as it comes: as lines of JSON, or as the rows of a table. What came before a failure is printed. */
  list<Element>(elements: AsyncIterable<Element> | Iterable<Element>, form: ListForm<Element>): Promise<void>;
}

/** How the elements of a list are printed. */
export interface ListForm<Element> {
  readonly columns: readonly Column[];
  readonly row: (element: Element) => readonly string[];
  readonly json: (element: Element) => unknown;
}

export interface OutputOptions {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

export function createOutput({ stdout, stderr, env, json, signal }: OutputOptions): Output {
  const write = async (text: string): Promise<void> => {
    if (!stdout.write(text)) await once(stdout, "drain", { signal });
  };
  const isColoured = hasColours(stdout, env);
  const writeJson = (value: unknown): Promise<void> => write(`${JSON.stringify(value)}\n`);
  const table = (columns: readonly Column[]): Table =>
    createTable(columns, {
      write,
      width: widthOf(stdout, env),
      emphasize: (text) => (isColoured ? styleText("bold", text) : text),
    });
  /** Lines of progress that are on the terminal. */
  let shown = 0;
  return {
    json,
    writeJson,
    writeDocument: (value) => (json ? writeJson(value) : write(`${JSON.stringify(value, undefined, 2)}\n`)),
    writeLine: (text) => write(`${cut(printable(text), widthOf(stdout, env))}\n`),
    showsProgress: stderr.isTTY,
    showProgress(...lines) {
      if (!stderr.isTTY) return;
      // Some terminals say that they have none.
      const fitting = lines
        .slice(0, stderr.rows || undefined)
        .map((line) => cut(printable(line), widthOf(stderr, env)));
      stderr.write(drawOver(shown, fitting));
      shown = fitting.length;
    },
    table,
    async list(elements, form) {
      if (json) {
        for await (const element of elements) await writeJson(form.json(element));
        return;
      }
      const rows = table(form.columns);
      try {
        for await (const element of elements) await rows.add(form.row(element));
      } finally {
        await rows.flush();
      }
    },
  };
}

/** What puts lines in the place of as many as were drawn before, the cursor being at the end of the last. */
function drawOver(before: number, lines: readonly string[]): string {
  const toFirst = before > 1 ? `\r\u001B[${before - 1}A` : "\r";
  const toEnd = before > Math.max(lines.length, 1) ? "\u001B[J" : "";
  return `${toFirst}${lines.join("\u001B[K\n")}\u001B[K${toEnd}`;
}

/** Colours only for a terminal that has some, and for people who want any. https://no-color.org */
export function hasColours(stdout: Partial<WriteStream>, env: NodeJS.ProcessEnv): boolean {
  return stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/** What goes into a file or another program is not cut, unless COLUMNS says so. */
function widthOf({ columns }: Partial<WriteStream>, env: NodeJS.ProcessEnv): number {
  const width = columns || Number(env["COLUMNS"]);
  return width > 0 ? width : Number.POSITIVE_INFINITY;
}
