/**
 * Writes docs/reference: a page for each export of all packages, made by TypeDoc from the docstrings, and the page of options.
 * It fails on whatever has no docstring, or links to nothing.
 */
import { rmSync, writeFileSync } from "node:fs";
import { Application, type ProjectReflection } from "typedoc";
import { exportedModules } from "./exported-modules.ts";
import { linkProblems, markdownFiles } from "./markdown-files.ts";
import { optionsPage } from "./options-page.ts";
import { repositoryUrl, ROOT } from "./site-pages.ts";

const REFERENCE = `${ROOT}docs/reference`;

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
  // Packages know each other by their sources, so that links lead from one to another.
  compilerOptions: { paths: Object.fromEntries([...modules].map(([file, name]) => [name, [file]])) },
  plugin: ["typedoc-plugin-markdown"],
  entryFileName: "index",
  out: `${REFERENCE}/api`,
  readme: "none",
  name: "API",
  disableGit: true,
  ...(repository === undefined
    ? { disableSources: true }
    : { gitRevision: "main", sourceLinkTemplate: `${repository}/blob/main/packages/{path}#L{line}` }),
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  packagesRequiringDocumentation: [
    ...new Set([...modules.values()].map((name) => name.split("/", 2).join("/"))),
  ],
  requiredToBeDocumented: ["Class", "Variable"],
  outputFileStrategy: "modules",
  useHTMLAnchors: true,
  groupOrder: ["Functions", "Interfaces", "Type Aliases", "Classes", "Variables", "*"],
  tableColumnSettings: {
    hideModifiers: true,
    hideInherited: true,
    hideOverrides: true,
    hideDefaults: true,
    hideSources: true,
  },
  interfacePropertiesFormat: "table",
  classPropertiesFormat: "table",
  typeAliasPropertiesFormat: "table",
  propertyMembersFormat: "table",
  typeDeclarationFormat: "table",
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
const problems = linkProblems(markdownFiles("docs/reference"));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
