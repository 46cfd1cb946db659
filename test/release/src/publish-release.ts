import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packPackages, type PublishedPackage, publishedPackages, ROOT } from "./packages.ts";
import { runCommand } from "./run-command.ts";

/** The version that packages have before their first release. */
const NEVER_RELEASED = "0.0.0";

/**
 * Publishes the packages that npm does not have in this version yet, each after those that it depends on: it may be run again when it was
 * interrupted. How each is published (access, provenance) is in its package.json. `flags` are npm's, such as `--dry-run`.
 */
export async function publishRelease(flags: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tuppence-publish-"));
  try {
    const packages = await publishedPackages();
    const files = await packPackages(folder);
    for (const one of packages) {
      const file = files.get(one.name);
      if (file === undefined) throw new Error(`${one.name} was not packed.`);
      const isDone = one.version === NEVER_RELEASED || (await isPublished(one));
      if (!isDone) await runCommand("npm", ["publish", file, ...flags], ROOT);
      console.log(`release: ${one.name} ${one.version} ${isDone ? "left as it is" : "published"}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isPublished({ name, version }: PublishedPackage): Promise<boolean> {
  try {
    const found = await runCommand("npm", ["view", `${name}@${version}`, "version"], ROOT);
    return found.trim() === version;
  } catch (error) {
    // npm has no package of this name at all.
    if (error instanceof Error && error.message.includes("E404")) return false;
    throw error;
  }
}
