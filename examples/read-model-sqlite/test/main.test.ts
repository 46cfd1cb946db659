import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("the program prints what the file holds when it is opened again", async () => {
  const main = new URL("../dist/main.js", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [main]);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "At position 11",
    "  Ada     0 at home, 3 ever",
    "  Edsger  1 at home, 1 ever",
    "  Grace   1 at home, 1 ever",
  ]);
});
