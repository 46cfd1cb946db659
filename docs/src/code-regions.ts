/** Code in Markdown that is a region of a file which runs, or is type-checked. */
import { existsSync, readFileSync } from "node:fs";
import { type CodeBlock, codeBlocks, type MarkdownFile } from "./markdown-files.ts";
import { ROOT } from "./site-pages.ts";

const CODE = new Set(["ts", "tsx", "js", "jsx", "mjs"]);

/** Where everything is run or type-checked. */
const CHECKED = /^(?:docs\/code|packages\/[^/]+\/(?:src|test)|examples\/[^/]+\/(?:src|test|lib|bin)|test)\//;

const MARK = /^\s*\/\/ ?#(end)?region\b ?(.*)$/;

/** The lines between the marks of a region that is there once; an end without a name is that of the region begun last. */
function linesOf(lines: readonly string[], name: string): readonly string[] | undefined {
  const begun: { readonly name: string; readonly start: number }[] = [];
  const found: (readonly string[])[] = [];
  for (const [index, line] of lines.entries()) {
    const [mark, isEnd, named = ""] = MARK.exec(line) ?? [];
    if (mark === undefined) continue;
    if (isEnd === undefined) {
      begun.push({ name: named.trim(), start: index + 1 });
      continue;
    }
    const at =
      named.trim() === "" ? begun.length - 1 : begun.findIndex((region) => region.name === named.trim());
    const [region] = at < 0 ? [] : begun.splice(at, 1);
    if (region?.name === name) found.push(lines.slice(region.start, index));
  }
  return found.length === 1 ? found[0] : undefined;
}

/** The text of a region, without the marks of regions within it, and without the indentation that its lines have in common. */
export function regionOf(source: string, name: string): string | undefined {
  const within = linesOf(source.split("\n"), name)?.filter((line) => !MARK.test(line));
  if (within === undefined) return undefined;
  const indents = within.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  const text = within.map((line) => line.slice(indent)).join("\n");
  return text.replace(/^\n+/, "").trimEnd();
}

/**
 * The code that a comment names: `path`, a whole file; `path#region`; or `path#one,two`, regions with an empty line between them.
 *
 * @throws Error when there is no such file, or no such region, or one twice.
 */
function namedCode(source: string): string {
  const [path = "", regions] = source.split("#", 2);
  if (!CHECKED.test(path)) throw new Error(`Nobody runs or type-checks ${path}.`);
  if (!existsSync(`${ROOT}${path}`)) throw new Error(`There is no file ${path}.`);
  const text = readFileSync(`${ROOT}${path}`, "utf8");
  const parts = regions?.split(",").map((name) => {
    const region = regionOf(text, name);
    if (region === undefined) throw new Error(`${path} has not one region ${name}.`);
    return region;
  });
  return `${parts === undefined ? text.trimEnd() : parts.join("\n\n")}\n`;
}

function problemOf({ language, source, code }: CodeBlock): string | undefined {
  if (source !== undefined) {
    try {
      return namedCode(source) === code ? undefined : `differs from ${source}: run pnpm docs:sync.`;
    } catch (error) {
      return (error as Error).message;
    }
  }
  if (CODE.has(language)) return "has no comment <!-- code: path#region --> on the line before.";
  if (language !== "json") return undefined;
  try {
    JSON.parse(code);
    return undefined;
  } catch (error) {
    return `is no JSON: ${(error as Error).message}`;
  }
}

/** What is wrong with the code of a file: it is no region, another one, or no JSON. */
export function codeProblems({ path, text }: MarkdownFile): string[] {
  return codeBlocks(text).flatMap((block) => {
    const problem = problemOf(block);
    return problem === undefined ? [] : [`${path}:${block.line}: the code ${problem}`];
  });
}

/** The text with the code that its comments name. */
export function syncCode(text: string): string {
  const lines = text.split("\n");
  for (const { line, source, code } of codeBlocks(text).toReversed()) {
    if (source === undefined) continue;
    const indent = /^\s*/.exec(lines[line - 1] ?? "")?.[0] ?? "";
    const now = namedCode(source).trimEnd().split("\n");
    lines.splice(
      line,
      code.split("\n").length - 1,
      ...now.map((row) => (row === "" ? "" : `${indent}${row}`)),
    );
  }
  return lines.join("\n");
}
