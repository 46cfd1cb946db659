import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { codeProblems, regionOf, syncCode } from "../docs/src/code-regions.ts";
import { type CheckTuppence, commandProblems } from "../docs/src/command-lines.ts";
import { linkProblems, type MarkdownFile, markdownFiles } from "../docs/src/markdown-files.ts";
import { COMMANDS } from "../packages/cli/src/commands.ts";
import { checkCommandLine } from "../packages/cli/src/shell/run-command-line.ts";

const run = promisify(execFile);
const root = new URL("../", import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), "utf8");

async function sourcesOf(folder: string): Promise<string[]> {
  const names = await readdir(new URL(folder, root), { recursive: true });
  return Promise.all(names.filter((name) => name.endsWith(".ts")).map((name) => read(`${folder}${name}`)));
}

const files = markdownFiles();

/** Files of text, one below the other, which problems are looked for in. */
const page = (...lines: string[]): MarkdownFile => ({ path: "docs/page.md", text: `${lines.join("\n")}\n` });

const checkTuppence: CheckTuppence = (words) => checkCommandLine(COMMANDS, words);

describe("the code in all pages", () => {
  it.each(files.map((file) => [file.path, file] as const))("of %s runs or is type-checked", (_, file) => {
    expect(codeProblems(file)).toEqual([]);
  });

  it("is missed without its comment, and when it differs", () => {
    const code = ["```ts", "const a = 1;", "```"];
    expect(codeProblems(page(...code))).toEqual([
      expect.stringContaining("docs/page.md:1: the code has no comment"),
    ]);
    const named = page("<!-- code: examples/quick-start/src/main.ts -->", ...code);
    expect(codeProblems(named)).toEqual([expect.stringContaining("docs/page.md:2: the code differs")]);
    expect(codeProblems({ ...named, text: syncCode(named.text) })).toEqual([]);
    expect(codeProblems(page("<!-- code: docs/code/absent.ts#a -->", ...code))).toEqual([
      expect.stringContaining("There is no file docs/code/absent.ts"),
    ]);
    expect(codeProblems(page("<!-- code: README.md#a -->", ...code))).toEqual([
      expect.stringContaining("Nobody runs or type-checks README.md"),
    ]);
    expect(codeProblems(page("```json", "{ a: 1 }", "```"))).toEqual([expect.stringContaining("is no JSON")]);
  });

  it("is a region without the marks in it and the indentation around it", () => {
    const source = [
      "  //#region a",
      "    if (x) {",
      "      //#region b",
      "      y();",
      "      //#endregion b",
      "    }",
    ];
    const text = [...source, "  //#endregion a"].join("\n");
    expect(regionOf(text, "a")).toBe("if (x) {\n  y();\n}");
    expect(regionOf(text, "b")).toBe("y();");
    expect(regionOf(text, "c")).toBeUndefined();
    expect(regionOf(text.replaceAll(/endregion \w/g, "endregion"), "a")).toBe("if (x) {\n  y();\n}");
    expect(regionOf(source.join("\n"), "a"), "without an end").toBeUndefined();
    expect(regionOf(`${text}\n${text}`, "b"), "twice").toBeUndefined();
  });
});

describe("the command lines in all pages", () => {
  it.each(files.map((file) => [file.path, file] as const))("of %s make sense", (_, file) => {
    expect(commandProblems(file, checkTuppence)).toEqual([]);
  });

  it.each([
    ["tuppence streams lst", "There is no command lst."],
    ["npx @tuppence/cli tables status --regoin eu-central-1", "There is no option --regoin."],
    ["$ tuppence log tail --follow x", "There is no use for"],
    ["npx -y pnpm@10 dmeo", "There is no script dmeo."],
    ["pnpm build && node examples/absent/dist/main.js", "There is no examples/absent/src/main.ts."],
    ["npm install --save-dev @tuppence/loca", "Nothing here depends on @tuppence/loca."],
  ])("are missed: %s", (line, problem) => {
    expect(commandProblems(page("```sh", line, "```"), checkTuppence)).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});

describe("the links in all pages", () => {
  it("lead to files and headings that are there", () => {
    expect(linkProblems(files)).toEqual([]);
  });

  it.each(["../absent.md", "#absent", "errors.md#absent", "/errors.md"])("are missed: %s", (href) => {
    const others = files.filter(({ path }) => path === "docs/errors.md");
    expect(linkProblems([page(`[x](${href})`), ...others])).toEqual([expect.stringContaining(href)]);
    expect(
      linkProblems([page("# Here", "[x](#here) [y](errors.md#errors) [z](https://example.org)"), ...others]),
    ).toEqual([]);
  });
});

describe("the README", () => {
  it("shows the quick start in 20 lines, and it works", async () => {
    const code = await read("examples/quick-start/src/main.ts");
    expect(await read("README.md")).toContain(code);
    expect(code.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
    // In a database that no other test uses, on the server they share.
    const { stdout } = await run(process.execPath, ["examples/quick-start/dist/main.js"], { cwd: root });
    expect(stdout).toMatch(/^1 SeatReserved \w+\n2 SeatReserved \w+\n$/);
  });
});

describe("docs/observability.md", () => {
  it("has a line for each attribute and metric, and no other", async () => {
    const core = ["classify", "instruments", "otel-observer"].map((name) => `core/src/otel/${name}`);
    const names = [...core, "projections/src/otel/projection-metrics"];
    const sources = await Promise.all(names.map((name) => read(`packages/${name}.ts`)));
    const written = sources.flatMap((source) =>
      Array.from(source.matchAll(/"((?:tuppence|error)\.[\w.]+)"/g), ([, name]) => name),
    );
    const documented = Array.from(
      (await read("docs/observability.md")).matchAll(/^\| `((?:tuppence|error)\.[\w.]+)` \|/gm),
      ([, name]) => name,
    );
    expect([...new Set(documented)].toSorted()).toEqual([...new Set(written)].toSorted());
  });
});

describe("docs/errors.md", () => {
  it("has one line for each error code, and no other", async () => {
    const folders = await Promise.all(
      ["core", "local", "stream-adapter", "projections", "queue", "scheduler", "cli"].map((name) =>
        sourcesOf(`packages/${name}/src/`),
      ),
    );
    const sources = folders.flat();
    const codes = sources.flatMap((source) =>
      Array.from(source.matchAll(/code = "(\w+)"/g), ([, code]) => code),
    );
    const documented = Array.from(
      (await read("docs/errors.md")).matchAll(/^\| `(\w+)` \|/gm),
      ([, code]) => code,
    );
    expect(codes.length).toBeGreaterThan(10);
    expect(documented.toSorted()).toEqual(codes.toSorted());
  });
});

describe("docs/limits.md", () => {
  /** The number that a file defines by this name: a product or a sum of numbers. */
  async function constantIn(path: string, name: string): Promise<number | undefined> {
    const [, term] = new RegExp(`const ${name}(?:: number)? = ([\\d_ *+]+);`).exec(await read(path)) ?? [];
    const factors = (product: string): number =>
      product.split("*").reduce((value, factor) => value * Number(factor.replaceAll("_", "")), 1);
    return term?.split("+").reduce((value, product) => value + factors(product), 0);
  }

  it("has the numbers of the constants that it names", async () => {
    const rows = Array.from(
      (await read("docs/limits.md")).matchAll(/^\| [^|]+ \| ([\d,]+)[^|]* \| \[`(\w+)`\]\(\.\.\/([^)]+)\)/gm),
      ([, value = "", name = "", path = ""]) => ({ value: Number(value.replaceAll(",", "")), name, path }),
    );
    expect(rows.length).toBeGreaterThan(30);
    for (const { value, name, path } of rows) {
      expect({ name, path, value: await constantIn(path, name) }).toEqual({ name, path, value });
    }
    const lines = (await read("docs/limits.md")).split("\n").filter((line) => /^\| (?!limit)/.test(line));
    expect(rows, "every row has a number and its constant").toHaveLength(lines.length);
  });

  it("has each limit that a package exports", async () => {
    const limitsPage = await read("docs/limits.md");
    const indexes = files.filter(({ path }) => /^packages\/\w[^/]*\/README\.md$/.test(path));
    const exported = await Promise.all(
      indexes.map(({ path }) => read(path.replace("README.md", "src/index.ts")).catch(() => "")),
    );
    const limits = exported
      .concat(await read("packages/core/src/limits.ts"))
      .flatMap((text) => text.match(/\bMAX_\w+/g) ?? []);
    expect(limits.length).toBeGreaterThan(5);
    expect(limits.filter((name) => !limitsPage.includes(`[\`${name}\`]`))).toEqual([]);
  });
});
