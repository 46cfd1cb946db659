import { readFile, writeFile } from "node:fs/promises";
import { format } from "node:util";
import { expect, onTestFinished } from "vitest";

const docs = new URL("../", import.meta.url);

/** Keeps what is printed with `console.log` from here to the end of the test. */
export function capturePrinted(): string[] {
  const lines: string[] = [];
  const { log } = console;
  console.log = (...values: unknown[]): void => void lines.push(...format(...values).split("\n"));
  onTestFinished(() => {
    console.log = log;
  });
  return lines;
}

/**
 * Expects a page to show these lines: in the block behind the comment `<!-- output: name -->`. With `UPDATE_SHOWN=1` the page is
 * changed to show them.
 */
export async function expectShown(page: string, name: string, lines: readonly string[]): Promise<void> {
  const file = new URL(page, docs);
  const text = await readFile(file, "utf8");
  const [before, block, after] = splitAt(text, `<!-- output: ${name} -->\n\`\`\``);
  const [first = "", ...shown] = block.split("\n");
  if (process.env["UPDATE_SHOWN"] !== undefined) {
    await writeFile(file, `${before}${[first, ...lines].join("\n")}${after}`);
    return;
  }
  expect(shown, `${page} shows what is printed (${name}); UPDATE_SHOWN=1 writes it there`).toEqual(lines);
}

/** The same for several blocks, each of which shows the next so many of the lines; together they show all. */
export async function expectAllShown(
  page: string,
  lines: readonly string[],
  blocks: Readonly<Record<string, number>>,
): Promise<void> {
  let from = 0;
  for (const [name, count] of Object.entries(blocks)) {
    await expectShown(page, name, lines.slice(from, from + count));
    from += count;
  }
  expect(lines.slice(from), "what no block shows").toEqual([]);
}

/** A text before a block, the block's own lines, and what follows them. */
function splitAt(text: string, start: string): readonly [before: string, block: string, after: string] {
  const at = text.indexOf(start);
  const end = text.indexOf("\n```", at + start.length);
  if (at < 0 || end < 0) throw new Error(`The page has no block behind ${JSON.stringify(start)}.`);
  return [text.slice(0, at + start.length), text.slice(at + start.length, end), text.slice(end)];
}
