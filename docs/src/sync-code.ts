/** `pnpm docs:sync`: writes the regions that the Markdown files name into them. */
import { writeFileSync } from "node:fs";
import { syncCode } from "./code-regions.ts";
import { markdownFiles } from "./markdown-files.ts";
import { ROOT } from "./site-pages.ts";

for (const { path, text } of markdownFiles()) {
  const synced = syncCode(text);
  if (synced === text) continue;
  writeFileSync(`${ROOT}${path}`, synced);
  console.log(path);
}
