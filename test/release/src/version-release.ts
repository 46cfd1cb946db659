import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { notesOf, releaseChangelog } from "./changelog.ts";
import { publishedPackages, ROOT } from "./packages.ts";
import { runCommand } from "./run-command.ts";

const CHANGELOG = join(ROOT, "CHANGELOG.md");
const STATUS_FILE = ".changeset-status.json";

/** Makes the next version out of the changesets: in all packages, and in the changelog. */
export async function versionRelease(today: Date): Promise<void> {
  await runCommand("pnpm", ["exec", "changeset", "status", "--output", STATUS_FILE], ROOT);
  const status = JSON.parse(await readFile(join(ROOT, STATUS_FILE), "utf8")) as {
    readonly changesets: readonly { readonly summary: string }[];
  };
  await rm(join(ROOT, STATUS_FILE));
  await runCommand("pnpm", ["exec", "changeset", "version"], ROOT);
  const summaries = status.changesets.map(({ summary }) => summary);
  const date = today.toISOString().slice(0, "2026-12-24".length);
  const release = { version: await currentVersion(), date, summaries };
  await writeFile(CHANGELOG, releaseChangelog(await readFile(CHANGELOG, "utf8"), release));
}

/** Prints what the changelog tells of the version that the packages have. */
export async function printNotes(): Promise<void> {
  const version = await currentVersion();
  const notes = notesOf(await readFile(CHANGELOG, "utf8"), version);
  if (notes === undefined) throw new Error(`The changelog does not tell of ${version}.`);
  console.log(notes);
}

async function currentVersion(): Promise<string> {
  const [first] = await publishedPackages();
  if (first === undefined) throw new Error("There are no packages.");
  return first.version;
}
