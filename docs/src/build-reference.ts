/**
 * Writes docs/reference: a page for each export of all packages, made by TypeDoc from the docstrings, and the page of options.
 * It fails on whatever has no docstring, or links to nothing.
 */
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Application, type ProjectReflection } from "typedoc";
import { optionsPage } from "./options-page.ts";
import { repositoryUrl, ROOT } from "./site-pages.ts";

const REFERENCE = `${ROOT}docs/reference`;

/** The source of each module that the packages export, with the name that it is imported by. */
function exportedModules(): Map<string, string> {
  const modules = new Map<string, string>();
  for (const folder of readdirSync(`${ROOT}packages`)) {
    const path = `${ROOT}packages/${folder}`;
    const { name, exports } = JSON.parse(readFileSync(`${path}/package.json`, "utf8")) as {
      name: string;
      exports: Record<string, string>;
    };
    for (const [subpath, file] of Object.entries(exports)) {
      if (!file.startsWith("./dist/")) continue;
      modules.set(
        `${path}/${file.replace("./dist/", "src/").replace(/js$/, "ts")}`,
        `${name}${subpath.slice(1)}`,
      );
    }
  }
  return modules;
}

/** Reads all packages; throws when a docstring is missing or links to nothing. */
async function convert(app: Application, modules: ReadonlyMap<string, string>): Promise<ProjectReflection> {
  const project = await app.convert();
  if (project === undefined) throw new Error("The packages can't be read.");
  for (const module of project.children ?? []) {
    const [file = ""] =
      project.getSymbolIdFromReflection(module) === undefined
        ? []
        : [project.getSymbolIdFromReflection(module)!.fileName];
    module.name = modules.get(file) ?? module.name;
  }
  app.validate(project);
  return project;
}

const repository = repositoryUrl();
const modules = exportedModules();
const app = await Application.bootstrapWithPlugins({
  entryPoints: [...modules.keys()],
  tsconfig: `${ROOT}docs/typedoc.tsconfig.json`,
  plugin: ["typedoc-plugin-markdown", "typedoc-vitepress-theme"],
  out: `${REFERENCE}/api`,
  docsRoot: `${ROOT}docs`,
  readme: "none",
  name: "API",
  disableGit: true,
  ...(repository === undefined
    ? { disableSources: true }
    : { gitRevision: "main", sourceLinkTemplate: `${repository}/blob/main/{path}#L{line}` }),
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  packagesRequiringDocumentation: [
    ...new Set([...modules.values()].map((name) => name.split("/", 2).join("/"))),
  ],
  requiredToBeDocumented: ["Class", "Variable"],
  membersWithOwnFile: ["Class", "Function", "Interface"],
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: "table",
  logLevel: "Warn",
} as never);
const project = await convert(app, modules);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
rmSync(REFERENCE, { recursive: true, force: true });
await app.generateOutputs(project);
writeFileSync(`${REFERENCE}/options.md`, optionsPage(project));
