/** The Markdown files of the repository, and what is in them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import GithubSlugger from "github-slugger";
import MarkdownIt from "markdown-it";
import { ROOT } from "./site-pages.ts";

export interface MarkdownFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block. */
export interface CodeBlock {
  /** Of its opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** What its comment names: `path#region`; `undefined` without a comment on the line before. */
  readonly source: string | undefined;
  /** As it is shown, with a line break at its end. */
  readonly code: string;
}

/** Folders whose files nobody wrote. */
const GENERATED = new Set(["node_modules", "dist", "coverage", "reference"]);

/** All Markdown files that somebody wrote, by path. */
export function markdownFiles(folder = ""): MarkdownFile[] {
  return readdirSync(`${ROOT}${folder}`, { withFileTypes: true })
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        return GENERATED.has(entry.name) || entry.name.startsWith(".") ? [] : markdownFiles(path);
      }
      return entry.name.endsWith(".md") ? [{ path, text: readFileSync(`${ROOT}${path}`, "utf8") }] : [];
    });
}

const markdown = new MarkdownIt({ html: true });
type Token = ReturnType<typeof markdown.parse>[number];

/** The front matter is not Markdown; lines keep their numbers. */
function tokensOf(text: string): Token[] {
  return markdown.parse(
    text.replace(/^---\n.*?\n---\n/s, (matter) => matter.replaceAll(/[^\n]/g, "")),
    {},
  );
}

/** The blocks of code, in their order. */
export function codeBlocks(text: string): CodeBlock[] {
  const lines = text.split("\n");
  return tokensOf(text).flatMap(({ type, map, info, content }) => {
    if (type !== "fence" || map === null) return [];
    const comment = /^\s*<!-- code: (\S+) -->$/.exec(lines[map[0] - 1] ?? "");
    return [
      { line: map[0] + 1, language: info.trim().split(/\s/)[0] ?? "", source: comment?.[1], code: content },
    ];
  });
}

/** The links and the images of a text, each with its line. */
function linksOf(text: string): { readonly line: number; readonly href: string }[] {
  return tokensOf(text).flatMap(({ children, map }) =>
    (children ?? []).flatMap((child) => {
      const href = child.attrGet("href") ?? child.attrGet("src");
      return href === null ? [] : [{ line: (map?.[0] ?? 0) + 1, href }];
    }),
  );
}

/** The anchors that GitHub gives the headings, as the site does, and those that the text has itself. */
function anchorsOf(text: string): Set<string> {
  const slugger = new GithubSlugger();
  const tokens = tokensOf(text);
  const headings = tokens.filter((_, index) => tokens[index - 1]?.type === "heading_open");
  const written = Array.from(text.matchAll(/<a id="([^"]+)">/g), ([, id = ""]) => id);
  return new Set([...headings.map(({ children }) => slugger.slug(textOf(children ?? []))), ...written]);
}

function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ type, content }) => (["text", "code_inline"].includes(type) ? content : "")).join("");
}

/** What is wrong with the relative links of some files: a file or a heading that is not there. */
export function linkProblems(files: readonly MarkdownFile[]): string[] {
  const anchors = new Map(files.map(({ path, text }) => [path, anchorsOf(text)]));
  return files.flatMap(({ path, text }) =>
    linksOf(text).flatMap(({ line, href }) => {
      if (/^[a-z]+:/.test(href)) return [];
      const [target = "", anchor] = href.split("#", 2);
      const file = target === "" ? path : posix.join(posix.dirname(path), decodeURI(target));
      const isInside = !target.startsWith("/") && !file.startsWith("..");
      if (!isInside || (!anchors.has(file) && !existsSync(`${ROOT}${file}`)))
        return [`${path}:${line}: ${href} is not there.`];
      if (anchor === undefined || anchors.get(file)?.has(anchor) === true) return [];
      return [`${path}:${line}: there is no heading for ${href}.`];
    }),
  );
}
