const UNRELEASED = "## Unreleased\n";

/** What is released. */
export interface Release {
  readonly version: string;
  /** `2026-12-24`. */
  readonly date: string;
  /** What the changesets say; those that say nothing stand for what is written under "Unreleased" already. */
  readonly summaries: readonly string[];
}

/**
 * The changelog after a release: what was unreleased, and what the changesets say, is of this version now.
 *
 * @throws Error when there is no place for it, or nothing to tell.
 */
export function releaseChangelog(changelog: string, { version, date, summaries }: Release): string {
  const [before, rest] = splitOnce(changelog, UNRELEASED);
  if (rest === undefined) throw new Error(`The changelog has no line ${UNRELEASED.trim()}.`);
  const end = /^## /m.exec(rest)?.index ?? rest.length;
  const written = rest.slice(0, end).trim();
  const added = summaries.filter((summary) => summary.trim() !== "").map(asListItem);
  const notes = [written, added.join("\n")].filter((part) => part !== "").join("\n");
  if (notes === "") throw new Error(`There is nothing to tell of ${version}.`);
  return `${before}${UNRELEASED}\n## ${version} (${date})\n\n${notes}\n${end === rest.length ? "" : `\n${rest.slice(end)}`}`;
}

/** What the changelog tells of a version; undefined when that is not in it. */
export function notesOf(changelog: string, version: string): string | undefined {
  const heading = changelog.split("\n").find((line) => line.startsWith(`## ${version} `));
  if (heading === undefined) return undefined;
  const [, rest = ""] = splitOnce(changelog, `${heading}\n`);
  return rest.slice(0, /^## /m.exec(rest)?.index ?? rest.length).trim();
}

function asListItem(summary: string): string {
  return `- ${summary.trim().replaceAll(/\n(?=.)/g, "\n  ")}`;
}

function splitOnce(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}
