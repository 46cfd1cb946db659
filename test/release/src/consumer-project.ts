import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./run-command.ts";

/** The releases of TypeScript that our declarations have to be understood by: the oldest that we promise, and the last of each major since. */
export const TYPESCRIPT_VERSIONS = ["5.4", "5.9", "6.0", "7.0"] as const;

/** The major releases of Node that run our packages. */
export const NODE_VERSIONS = [20, 22, 24] as const;

export type TypeScriptVersion = (typeof TYPESCRIPT_VERSIONS)[number];
export type ModuleResolution = "nodenext" | "bundler";

/** A project of a user's, in a folder of its own. */
export interface ConsumerProject {
  readonly folder: string;
}

/** Makes an empty project. */
export async function createProject(folder: string): Promise<ConsumerProject> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await cp(fileURLToPath(new URL("../src/consumer", import.meta.url)), folder, { recursive: true });
  return { folder };
}

/** Installs packages as a user does. */
export async function install({ folder }: ConsumerProject, what: readonly string[]): Promise<void> {
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1", "--loglevel=error"];
  try {
    await runCommand("npm", ["install", ...flags, ...what], folder);
  } catch (error) {
    throw new Error(
      "npm could not install the packages. This check needs npm's registry, or a cache that has all of it.",
      {
        cause: error,
      },
    );
  }
}

/** How npm is told to install a release of TypeScript beside the others. */
export function typescriptSpec(version: TypeScriptVersion): string {
  return `typescript-${version}@npm:typescript@~${version}.0`;
}

/** Checks files with a release of TypeScript, all declarations too; with `outDir` they are compiled. */
export async function checkTypes(
  { folder }: ConsumerProject,
  check: {
    readonly typescript: TypeScriptVersion;
    readonly resolution: ModuleResolution;
    readonly files: readonly string[];
    readonly outDir?: string | undefined;
  },
): Promise<void> {
  const { typescript, resolution, files, outDir } = check;
  const config = join(folder, `tsconfig.${typescript}.${resolution}.json`);
  const output = outDir === undefined ? { noEmit: true } : { outDir };
  const compilerOptions = {
    target: "ES2022",
    lib: ["ES2023"],
    types: ["node"],
    module: resolution === "nodenext" ? "nodenext" : "esnext",
    moduleResolution: resolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    ...output,
  };
  await writeFile(config, JSON.stringify({ compilerOptions, files }));
  const compiler = join(folder, "node_modules", `typescript-${typescript}`, "bin", "tsc");
  await runCommand(process.execPath, [compiler, "-p", config], folder);
}

/** Runs a file, with its arguments, with a major release of Node; another one than ours comes through npx. */
export async function runWithNode(
  { folder }: ConsumerProject,
  major: (typeof NODE_VERSIONS)[number],
  file: readonly string[],
): Promise<string> {
  const isOurs = process.version.startsWith(`v${major}.`);
  const [command, args] = isOurs
    ? [process.execPath, file]
    : ["npx", ["--yes", "--prefer-offline", `node@${major}`, ...file]];
  return runCommand(command, args, folder);
}
