/**
 * Which Markdown files of the repository are pages of the site, under which path, and how links between files become links between pages.
 */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder: two above this one, built or not. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Pages beside those in docs: the file, and its path on the site. */
const OUTSIDE: readonly (readonly [file: RegExp, page: string])[] = [
  [/^(packages|examples)\/([^/]+)\/README\.md$/, "$1/$2.md"],
  [/^(bench)\/README\.md$/, "$1.md"],
  [/^(ARCHITECTURE|CONTRIBUTING|CHANGELOG|SECURITY)\.md$/, "$1.md"],
];

/** The path on the site of a file of the repository, both relative and ending in `.md`; `undefined`: it is no page. */
export function pageOf(file: string): string | undefined {
  if (file.startsWith("docs/") && file.endsWith(".md")) return file.slice("docs/".length);
  for (const [pattern, page] of OUTSIDE) {
    if (pattern.test(file)) return file.replace(pattern, page).toLowerCase();
  }
  return undefined;
}

/** The repository's address, from the packages' own field; `undefined` while they have none. */
export function repositoryUrl(): string | undefined {
  const { repository } = JSON.parse(readFileSync(`${ROOT}packages/core/package.json`, "utf8")) as {
    repository?: string | { url: string };
  };
  const url = typeof repository === "object" ? repository.url : repository;
  return url?.replace(/^git\+/, "").replace(/\.git$/, "");
}

/**
 * Where a relative link in a file leads on the site: a page, the repository for all else, or nowhere (`undefined`) while that has no address.
 */
export function siteLink(href: string, file: string, repository: string | undefined): string | undefined {
  const [, path = "", anchor = ""] = /^([^#]*)(.*)$/.exec(href) ?? [];
  const target = posix.join(posix.dirname(file), decodeURI(path)).replace(/\/$/, "");
  if (target === "README.md" && anchor === "") return "/";
  const readme = posix.join(target, "README.md");
  const page = pageOf(target) ?? (existsSync(`${ROOT}${readme}`) ? pageOf(readme) : undefined);
  if (page !== undefined) return `/${page}${anchor}`;
  if (repository === undefined) return undefined;
  const kind = statSync(`${ROOT}${target}`, { throwIfNoEntry: false })?.isDirectory() ? "tree" : "blob";
  return `${repository}/${kind}/main/${target}${anchor}`;
}

/** The first heading of a file. */
function titleOf(file: string): string {
  const [, title = file] = /^# (.+)$/m.exec(readFileSync(`${ROOT}${file}`, "utf8")) ?? [];
  return title.replaceAll("`", "");
}

export interface SidebarLink {
  readonly text: string;
  readonly link: string;
}

/** The pages of some files, in their order. */
export function linksTo(files: readonly string[]): SidebarLink[] {
  return files
    .filter((file) => existsSync(`${ROOT}${file}`))
    .map((file) => ({
      text: titleOf(file),
      link: `/${pageOf(file)?.replace(/(?:index)?\.md$/, "")}`,
    }));
}

/** The Markdown files of a folder: its index first, then in the order in which the index names them, then by name. */
export function filesOf(folder: string): string[] {
  const path = `${ROOT}${folder}`;
  if (!existsSync(path)) return [];
  const names = readdirSync(path).filter((name) => name.endsWith(".md"));
  const index = names.includes("index.md") ? readFileSync(`${path}/index.md`, "utf8") : "";
  const place = (name: string): number => {
    if (name === "index.md") return -1;
    const named = index.indexOf(`(${name}`);
    return named < 0 ? Number.MAX_SAFE_INTEGER : named;
  };
  return names
    .toSorted((a, b) => place(a) - place(b) || a.localeCompare(b))
    .map((name) => `${folder}/${name}`);
}

/** The READMEs of the folders in a folder, by name. */
export function readmesOf(folder: string): string[] {
  const files = readdirSync(`${ROOT}${folder}`).map((name) => `${folder}/${name}/README.md`);
  return files.filter((file) => existsSync(`${ROOT}${file}`)).toSorted();
}
