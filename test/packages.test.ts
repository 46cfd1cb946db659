import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly keywords: readonly string[];
  readonly repository: { readonly url: string };
  readonly bugs: { readonly url: string };
  readonly bin?: unknown;
}

const root = new URL("../", import.meta.url);
const read = async <Content = Manifest>(path: string): Promise<Content> =>
  JSON.parse(await readFile(new URL(path, root), "utf8")) as Content;

const folders = (await readdir(new URL("packages/", root))).map((name) => `packages/${name}`);
const manifests = await Promise.all(folders.map((folder) => read(`${folder}/package.json`)));

describe("the packages", () => {
  it("say where they come from, as the root's package.json does, and are published with provenance", async () => {
    const { repository, bugs } = await read("package.json");
    const page = repository.url.replace(/^git\+(.*)\.git$/, "$1");
    for (const [at, manifest] of manifests.entries()) {
      const directory = folders[at];
      expect(manifest).toMatchObject({
        license: "MIT",
        homepage: `${page}/tree/main/${directory}#readme`,
        repository: { type: "git", url: repository.url, directory },
        bugs,
        type: "module",
        engines: { node: ">=20.19" },
        files: expect.arrayContaining(["dist", "src"]) as string[],
        publishConfig: { access: "public", provenance: true },
        // A command is for its effects.
        ...(manifest.bin === undefined && { sideEffects: false }),
      });
      expect(manifest.keywords.length).toBeGreaterThan(3);
    }
  });

  it("have one version, in which they are released together", async () => {
    const { fixed } = await read<{ readonly fixed: readonly string[][] }>(".changeset/config.json");
    expect(fixed).toEqual([manifests.map(({ name }) => name).toSorted()]);
    expect(new Set(manifests.map(({ version }) => version)).size).toBe(1);
  });
});
