import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("the program prints what became of the racers", async () => {
  const main = new URL("../dist/main.js", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [main]);
  expect(stdout).toMatch(/^8 users want the name Ada +1 stored, 7 NameTakenError$/m);
  expect(stdout).toMatch(/^8 students, 3 places +3 stored, 5 CourseFullError$/m);
  expect(stdout).toMatch(/^8 invoices, numbered +8 stored, numbers 1 2 3 4 5 6 7 8$/m);
  expect(stdout).toMatch(/^1 payment, told 8 times +1 stored, 7 with nothing to do$/m);
});
