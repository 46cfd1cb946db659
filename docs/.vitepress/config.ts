import GithubSlugger from "github-slugger";
import { type DefaultTheme, defineConfig, type MarkdownRenderer, type UserConfig } from "vitepress";
import { exportedModules, pageOfModule } from "../src/exported-modules.ts";
import {
  filesOf,
  linksTo,
  pageOf,
  readmesOf,
  repositoryUrl,
  ROOT,
  type SidebarLink,
  siteLink,
} from "../src/site-pages.ts";

const repository = repositoryUrl();

/** Pages of docs that are looked up rather than read. */
const LOOKED_UP = ["docs/reference/options.md", "docs/limits.md", "docs/errors.md", "docs/format.md"];

/** In the order in which they build on each other; other pages follow. */
const READ_FIRST = ["chain", "log", "decisions", "projections", "queue", "scheduler"].map(
  (name) => `docs/${name}.md`,
);

const explanations = (): string[] => {
  const others = filesOf("docs").filter(
    (file) => !file.endsWith("/index.md") && ![...LOOKED_UP, ...READ_FIRST].includes(file),
  );
  return [...READ_FIRST, ...others, "bench/README.md", "ARCHITECTURE.md"];
};

const group = (text: string, items: SidebarLink[]): DefaultTheme.SidebarItem[] =>
  items.length === 0 ? [] : [{ text, items }];

const tutorial = group("Tutorial", linksTo(filesOf("docs/tutorial")));
const howTo = group("How to", linksTo(filesOf("docs/how-to")));
const examples = group("Examples", linksTo(readmesOf("examples")));
const packages = group("Packages", linksTo(readmesOf("packages")));
const reference = group("Reference", linksTo(LOOKED_UP));
const explanation = group("Explanation", linksTo(explanations()));
const project = group("Project", linksTo(["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]));

const api = group(
  "API",
  [...exportedModules().values()].map((name) => ({
    text: name.replace("@tuppence/", ""),
    link: `/reference/${pageOfModule(name).replace(/(?:index)?\.md$/, "")}`,
  })),
);

const firstLink = (groups: DefaultTheme.SidebarItem[]): string | undefined => groups[0]?.items?.[0]?.link;
const nav: DefaultTheme.NavItem[] = [
  ["Tutorial", firstLink(tutorial)],
  ["How to", firstLink(howTo)],
  ["Reference", firstLink(reference)],
  ["API", "/reference/api/"],
  ["Explanation", firstLink(explanation)],
].flatMap(([text, link]) =>
  text === undefined || link === undefined
    ? []
    : [{ text, link, ...(link.endsWith("/") ? { activeMatch: `^${link}` } : {}) }],
);

/** Lets links between files of the repository lead to pages of the site; what leads nowhere is shown as text. */
function linkPages(md: MarkdownRenderer): void {
  md.core.ruler.after("inline", "link-pages", ({ tokens, env }) => {
    const file = String(env.realPath ?? env.path).slice(ROOT.length);
    for (const token of tokens) {
      let open = true;
      for (const child of token.children ?? []) {
        const href = child.attrGet("href");
        if (child.type === "link_open") open = true;
        if (child.type === "link_close" && !open) child.tag = "span";
        if (href === null || /^(?:[a-z]+:|#|\/)/.test(href)) continue;
        const link = siteLink(href, file, repository);
        open = link !== undefined;
        if (open) child.attrSet("href", link as string);
        else Object.assign(child, { tag: "span", attrs: [] });
      }
    }
  });
}

/** Pages lie outside of this package, which is the only one that has Vue. */
const vueOfDocs: NonNullable<NonNullable<UserConfig["vite"]>["plugins"]>[number] = {
  name: "vue-of-docs",
  enforce: "pre",
  resolveId: (id, _importer, { ssr }) => (ssr && /^vue($|\/)/.test(id) ? { id, external: true } : undefined),
};

export default defineConfig({
  title: "Tuppence",
  description: "Event sourcing in TypeScript on DynamoDB and Lambda alone.",
  lang: "en",
  cleanUrls: true,
  srcDir: "..",
  srcExclude: ["README.md", "**/test/**", "**/.*/**", "packages/*/CHANGELOG.md"],
  rewrites: (file) => pageOf(file) ?? file,
  // The index of the search is one chunk, which is loaded with the first search.
  vite: { plugins: [vueOfDocs], build: { chunkSizeWarningLimit: 4_000 } },
  metaChunk: true,
  markdown: {
    theme: { light: "github-light", dark: "github-dark" },
    // The anchors that GitHub makes, so that a link holds in both places.
    anchor: { slugify: (heading) => new GithubSlugger().slug(heading) },
    config: linkPages,
  },
  themeConfig: {
    nav,
    sidebar: {
      "/": [...tutorial, ...howTo, ...explanation, ...reference, ...packages, ...examples, ...project],
      "/reference/api/": [...reference, ...packages, ...api],
    },
    outline: [2, 3],
    search: { provider: "local" },
    ...(repository === undefined ? {} : { socialLinks: [{ icon: "github", link: repository }] }),
    footer: { message: "MIT" },
  },
});
