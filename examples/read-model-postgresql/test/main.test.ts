import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

/** Compiling PostgreSQL takes seconds of a core, and others have it, too. */
const BOOT_TIMEOUT_MS = 180_000;

it("the program prints the read model, and the same once more after a rebuild", {
  timeout: BOOT_TIMEOUT_MS,
}, async () => {
  const main = new URL("../dist/main.js", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [main]);
  const sales = ["  Ada     2 orders    37.50", "  Grace   1 orders    30.00", "  Edsger  0 orders     0.00"];
  expect(stdout.trimEnd().split("\n")).toEqual([
    "As events came: build 1, at position 9",
    ...sales,
    "Built anew, in a table beside it: build 2, at position 9",
    ...sales,
  ]);
});
