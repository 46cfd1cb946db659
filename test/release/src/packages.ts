import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./run-command.ts";

/** Of the repository. */
export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

/** What is asked of a package.json here. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package of this repository that is published. */
export interface PublishedPackage {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** `@tuppence/core/otel`: what can be imported, but for the package.json. */
  readonly subpaths: readonly string[];
}

/** All of them, each after those that it depends on. */
export async function publishedPackages(): Promise<readonly PublishedPackage[]> {
  const folders = (await readdir(join(ROOT, "packages"))).map((name) => join(ROOT, "packages", name));
  const manifests = await Promise.all(
    folders.map(async (folder) => {
      const text = await readFile(join(folder, "package.json"), "utf8");
      return { folder, manifest: JSON.parse(text) as Manifest };
    }),
  );
  const ordered: typeof manifests = [];
  const place = (one: (typeof manifests)[number]): void => {
    if (ordered.includes(one)) return;
    const needed = Object.keys(one.manifest.dependencies ?? {});
    manifests.filter(({ manifest }) => needed.includes(manifest.name)).forEach(place);
    ordered.push(one);
  };
  manifests.forEach(place);
  return ordered.map(({ folder, manifest: { name, version, exports } }) => {
    const paths = Object.keys(exports).filter((path) => path !== "./package.json");
    return { folder, name, version, subpaths: paths.map((path) => `${name}${path.slice(1)}`) };
  });
}

/** Packs them as they are published, into a folder; answers their files, by name. */
export async function packPackages(into: string): Promise<ReadonlyMap<string, string>> {
  await mkdir(into, { recursive: true });
  const flags = ["--recursive", "--filter", "./packages/*", "--json", "--pack-destination", into];
  const packed = JSON.parse(await runCommand("pnpm", ["pack", ...flags], ROOT)) as readonly {
    readonly name: string;
    readonly filename: string;
  }[];
  return new Map(packed.map(({ name, filename }) => [name, filename]));
}

/** What npm has to install so that it is what the packages are developed with: `zod@^4.6.7`. */
export async function catalogSpecs(names: readonly string[]): Promise<readonly string[]> {
  const workspace = await readFile(join(ROOT, "pnpm-workspace.yaml"), "utf8");
  const catalog = new Map(
    Array.from(workspace.matchAll(/^ {2}'?([^':]+)'?: (.+)$/gm), ([, name, range]) => [name, range]),
  );
  return names.map((name) => {
    const range = catalog.get(name);
    if (range === undefined) throw new Error(`The catalog has no ${name}.`);
    return `${name}@${range}`;
  });
}
