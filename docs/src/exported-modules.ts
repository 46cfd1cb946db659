import { existsSync, readdirSync, readFileSync } from "node:fs";
import { ROOT } from "./site-pages.ts";

/** The source of each module that the packages export, with the name that it is imported by. */
export function exportedModules(): Map<string, string> {
  const modules = new Map<string, string>();
  for (const folder of readdirSync(`${ROOT}packages`)) {
    const path = `${ROOT}packages/${folder}`;
    const { name, exports } = JSON.parse(readFileSync(`${path}/package.json`, "utf8")) as {
      name: string;
      exports: Record<string, string | { default: string }>;
    };
    for (const [subpath, target] of Object.entries(exports)) {
      const file = typeof target === "string" ? target : target.default;
      if (!file.startsWith("./dist/")) continue;
      modules.set(
        `${path}/${file.replace("./dist/", "src/").replace(/js$/, "ts")}`,
        `${name}${subpath.slice(1)}`,
      );
    }
  }
  return modules;
}

/** The file of a module's page, relative to docs/reference: one that has a namespace is a folder's index. */
export function pageOfModule(name: string): string {
  const index = `api/${name}/index.md`;
  return existsSync(`${ROOT}docs/reference/${index}`) ? index : `api/${name}.md`;
}
