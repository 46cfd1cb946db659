import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkTypes,
  type ConsumerProject,
  createProject,
  install,
  type ModuleResolution,
  NODE_VERSIONS,
  runWithNode,
  TYPESCRIPT_VERSIONS,
  type TypeScriptVersion,
  typescriptSpec,
} from "./consumer-project.ts";
import { catalogSpecs, packPackages, type PublishedPackage, publishedPackages } from "./packages.ts";

/** What a project installs beside core, and what beside all packages. */
const CORE_PEERS = ["@aws-sdk/client-dynamodb", "@types/node"];
const PEERS = [
  "@aws-sdk/client-dynamodb-streams",
  "@aws-sdk/client-eventbridge",
  "@aws-sdk/client-lambda",
  "@aws-sdk/client-sqs",
  "@opentelemetry/api",
  "zod",
];

/** Packs all packages and uses them in a project that has nothing else. Prints a line for each thing that holds; rejects with what does not. */
export async function checkRelease(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tuppence-release-"));
  try {
    const packages = await publishedPackages();
    const files = await packPackages(join(folder, "packed"));
    say(`packed ${packages.map(({ name }) => name).join(", ")}`);
    const project = await createProject(join(folder, "consumer"));
    await checkCoreAlone(project, files.get("@tuppence/core") ?? "");
    await install(project, [
      ...files.values(),
      ...(await catalogSpecs(PEERS)),
      ...TYPESCRIPT_VERSIONS.filter((version) => version !== "7.0").map(typescriptSpec),
    ]);
    await checkDeclarations(project, packages);
    await checkRuns(project, packages);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Core works where no optional peer dependency is. */
async function checkCoreAlone(project: ConsumerProject, core: string): Promise<void> {
  await install(project, [core, ...(await catalogSpecs(CORE_PEERS)), typescriptSpec("7.0")]);
  const files = ["alone.ts"];
  await checkTypes(project, { typescript: "7.0", resolution: "nodenext", files, outDir: "built" });
  expectOutput(await runWithNode(project, 20, ["built/alone.js"]), "version 1, function\n");
  say("@tuppence/core works without the peer dependencies that are optional");
}

/** The program, and everything that can be imported, in all releases of TypeScript and both ways to find modules. */
async function checkDeclarations(
  project: ConsumerProject,
  packages: readonly PublishedPackage[],
): Promise<void> {
  const imports = subpathsOf(packages).map((path, at) => `export * as m${at} from "${path}";\n`);
  await writeFile(join(project.folder, "everything.ts"), imports.join(""));
  const files = ["program.ts", "everything.ts"];
  const check = async (typescript: TypeScriptVersion, resolution: ModuleResolution): Promise<void> => {
    await checkTypes(project, { typescript, resolution, files });
    say(`TypeScript ${typescript} (${resolution}) checks the program and all declarations, AWS's too`);
  };
  // Each takes seconds of a core: two at a time, and the other way to find modules by the oldest and by the newest release alone.
  await Promise.all([check("5.4", "nodenext"), check("5.9", "nodenext")]);
  await Promise.all([check("5.4", "bundler"), check("6.0", "nodenext")]);
  await Promise.all([check("7.0", "nodenext"), check("7.0", "bundler")]);
  await checkTypes(project, { typescript: "7.0", resolution: "nodenext", files, outDir: "built" });
}

/** Everything can be required and imported, and the program runs, with all releases of Node. */
async function checkRuns(project: ConsumerProject, packages: readonly PublishedPackage[]): Promise<void> {
  const subpaths = subpathsOf(packages);
  const lines = subpaths.flatMap((path) => [`require("${path}");`, `void import("${path}");`]);
  await writeFile(
    join(project.folder, "run.cjs"),
    `${lines.join("\n")}\nvoid import("./built/program.js");\n`,
  );
  for (const major of NODE_VERSIONS) {
    expectOutput(await runWithNode(project, major, ["run.cjs"]), "all as it should be\n");
    say(`Node ${major} requires and imports ${subpaths.length} paths, and runs the program`);
  }
  const help = await runWithNode(project, 20, ["node_modules/.bin/tuppence", "--help"]);
  if (!help.includes("tuppence tables|")) throw new Error(`The command tuppence printed ${help}`);
  say("the command tuppence runs");
}

function subpathsOf(packages: readonly PublishedPackage[]): readonly string[] {
  return packages.flatMap(({ subpaths }) => subpaths);
}

function expectOutput(output: string, expected: string): void {
  if (output !== expected) throw new Error(`A program printed ${output}instead of ${expected}`);
}

function say(what: string): void {
  console.log(`release: ${what}`);
}
