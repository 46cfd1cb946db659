import { existsSync, readFileSync } from "node:fs";
import type { DefaultTheme } from "vitepress";
import { ROOT } from "./site-pages.ts";

/** The sidebar of the API, as TypeDoc wrote it; none before it has. */
export function apiSidebar(): DefaultTheme.SidebarItem[] {
  const file = `${ROOT}docs/reference/api/typedoc-sidebar.json`;
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as DefaultTheme.SidebarItem[]) : [];
}
