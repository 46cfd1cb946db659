import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("the program schedules, cancels, and fires once", async () => {
  const main = new URL("../dist/main.js", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [main]);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("DynamoDB Local")),
  ).toEqual([
    "stand-up: every morning at 09:00:00",
    "meeting: cancelled",
    "ada is reminded of tea",
    "tea: alreadyFired",
    "still to come: reminder|ada|stand-up",
  ]);
});
