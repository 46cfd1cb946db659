import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = new URL("../", import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), "utf8");

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

describe("docs/errors.md", () => {
  it("has one line for each error code, and no other", async () => {
    const sources = await Promise.all(
      ["core", "local"].map((name) => read(`packages/${name}/src/errors.ts`)),
    );
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
