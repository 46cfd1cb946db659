import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = new URL("../", import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), "utf8");

async function sourcesOf(folder: string): Promise<string[]> {
  const names = await readdir(new URL(folder, root), { recursive: true });
  return Promise.all(names.filter((name) => name.endsWith(".ts")).map((name) => read(`${folder}${name}`)));
}

describe("the README", () => {
  it("shows the quick start as it is, in 20 lines", async () => {
    const code = await read("examples/quick-start/src/main.ts");
    expect(await read("README.md")).toContain(`\`\`\`ts\n${code}\`\`\``);
    expect(code.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
  });

  it("and the quick start works", async () => {
    // In a database that no other test uses, on the server they share.
    const { stdout } = await run(process.execPath, ["examples/quick-start/dist/main.js"], { cwd: root });
    expect(stdout).toMatch(/^1 SeatReserved \w+\n2 SeatReserved \w+\n$/);
  });
});

describe("the README of core", () => {
  it("shows the example of traces and metrics as it is tested", async () => {
    const test = await read("packages/core/test/otel-example.test.ts");
    const region = /\/\/ #region readme\n(.*?) *\/\/ #endregion/s.exec(test)?.[1] ?? "";
    const code = region.replaceAll(/^ {4}/gm, "");
    const imported = `import { createOtelObserver, linksFrom, traceMetadata } from "@tuppence/core/otel";`;
    expect(code).toContain("createOtelObserver()");
    expect(await read("packages/core/README.md")).toContain(`\`\`\`ts\n${imported}\n\n${code}\`\`\``);
  });
});

describe("docs/observability.md", () => {
  it("has a line for each attribute and metric, and no other", async () => {
    const core = ["classify", "instruments", "otel-observer"].map((name) => `core/src/otel/${name}`);
    const files = [...core, "projections/src/otel/projection-metrics"];
    const sources = await Promise.all(files.map((name) => read(`packages/${name}.ts`)));
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
    const files = await Promise.all(
      ["core", "local", "stream-adapter", "projections", "queue", "scheduler", "cli"].map((name) =>
        sourcesOf(`packages/${name}/src/`),
      ),
    );
    const sources = files.flat();
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
