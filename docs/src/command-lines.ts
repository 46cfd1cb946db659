/** Command lines in Markdown: that what they start is there, without starting it. */
import { existsSync, readFileSync } from "node:fs";
import { codeBlocks, type MarkdownFile } from "./markdown-files.ts";
import { ROOT } from "./site-pages.ts";

const SHELL = new Set(["sh", "bash", "shell", "console"]);

/** Says what is wrong with the words after `tuppence`, by throwing it. */
export type CheckTuppence = (words: readonly string[]) => void;

/** The words of each command of a block: of a terminal's text only what follows a `$`. */
function commandsIn(language: string, code: string): string[][] {
  const lines = code.replaceAll("\\\n", " ").split("\n");
  const typed = lines.flatMap((line) => {
    const prompt = /^\s*\$ (.*)/.exec(line)?.[1];
    return prompt !== undefined ? [prompt] : SHELL.has(language) && !/^\s*\$ /m.test(code) ? [line] : [];
  });
  return typed.flatMap((line) =>
    splitWords(line).map((words) => words.slice(words.findIndex((word) => !/^\w+=/.test(word)))),
  );
}

/** Splits a line into commands and these into words, without quotes, comments and redirections. */
function splitWords(line: string): string[][] {
  const commands: string[][] = [[]];
  const written = line.replaceAll(/\s\d?>{1,2}\s*\S+/g, "");
  for (const [word] of written.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (word.startsWith("#")) break;
    if (/^(?:&&|\|\|?|;|&)$/.test(word)) commands.push([]);
    else commands.at(-1)?.push(word.replaceAll(/['"]/g, ""));
  }
  return commands.filter((words) => words.length > 0);
}

/** Own commands of pnpm, and programs that it finds, which need no script. */
const PNPM = new Set(["install", "exec", "pack", "vitest"]);

/** Options of pnpm with a value of their own. */
const WITH_VALUE = new Set(["--dir", "--filter", "-C"]);

/** What is wrong with the words after `pnpm`: no script of the package in `--dir`, or of the workspace, is called so. */
function pnpmProblem(words: readonly string[]): string | undefined {
  const folder = words.includes("--dir") ? (words[words.indexOf("--dir") + 1] ?? "") : ".";
  const named = words.filter((word, at) => !word.startsWith("-") && !WITH_VALUE.has(words[at - 1] ?? ""));
  const script = named[0] === "run" ? named[1] : named[0];
  if (script === undefined || PNPM.has(script)) return undefined;
  const manifest = `${ROOT}${folder}/package.json`;
  if (!existsSync(manifest)) return `There is no package in ${folder}.`;
  const { scripts = {} } = JSON.parse(readFileSync(manifest, "utf8")) as { scripts?: object };
  return Object.hasOwn(scripts, script) ? undefined : `There is no script ${script}.`;
}

/** What is wrong with the words after `npm`: it installs what neither is a package of ours nor anywhere in the lock file. */
function npmProblem([command, ...words]: readonly string[]): string | undefined {
  if (command !== "install") return undefined;
  const lock = readFileSync(`${ROOT}pnpm-lock.yaml`, "utf8");
  const isKnown = (name: string): boolean =>
    name.startsWith("@tuppence/")
      ? existsSync(`${ROOT}packages/${name.slice("@tuppence/".length)}/package.json`)
      : new RegExp(`^ {2}'?${name.replaceAll(".", String.raw`\.`)}@\\d`, "m").test(lock);
  const named = words.filter((word) => !word.startsWith("-") && !word.endsWith(".tgz"));
  const unknown = named.map((word) => word.replace(/(?<=.)@.*$/, "")).find((name) => !isKnown(name));
  return unknown === undefined ? undefined : `Nothing here depends on ${unknown}.`;
}

/** What is wrong with the words after `node`: there is no source of a program of this repository. */
function nodeProblem([file = ""]: readonly string[]): string | undefined {
  if (!/^(?:examples|bench)\/.*\/dist\//.test(file)) return undefined;
  const source = file.replace("/dist/", "/src/").replace(/js$/, "ts");
  return existsSync(`${ROOT}${source}`) ? undefined : `There is no ${source}.`;
}

function problemOf(words: readonly string[], checkTuppence: CheckTuppence): string | undefined {
  const [program, ...rest] = words[0] === "npx" ? words.slice(1).filter((word) => word !== "-y") : words;
  if (program === "node") return nodeProblem(rest);
  if (program === "npm") return npmProblem(rest);
  if (program === "pnpm" || program === "pnpm@10") return pnpmProblem(rest);
  if (program !== "tuppence" && program !== "@tuppence/cli") return undefined;
  try {
    checkTuppence(rest);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is wrong with the command lines of a file. */
export function commandProblems({ path, text }: MarkdownFile, checkTuppence: CheckTuppence): string[] {
  return codeBlocks(text).flatMap(({ line, language, code }) =>
    commandsIn(language, code).flatMap((words) => {
      const problem = problemOf(words, checkTuppence);
      return problem === undefined ? [] : [`${path}:${line}: ${words.join(" ")}: ${problem}`];
    }),
  );
}
