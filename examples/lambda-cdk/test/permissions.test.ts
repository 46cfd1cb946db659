import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { PERMISSIONS } from "../src/infrastructure/permissions.ts";

/** The cells of a row in a package's README, each with the actions of DynamoDB that it names. */
async function actionsIn(packageName: string, row: string): Promise<string[][]> {
  const readme = await readFile(
    new URL(`../../../packages/${packageName}/README.md`, import.meta.url),
    "utf8",
  );
  const line = readme.split("\n").find((each) => each.startsWith(`| ${row} |`));
  const [, , ...cells] = line?.split("|") ?? [];
  return cells.map((cell) =>
    Array.from(cell.matchAll(/`(?:dynamodb:)?(\w+)`/g), ([, action = ""]) => action).toSorted(),
  );
}

it.each([
  ["append", "core", { events: ["`append`, `read`, `load` and what is made of them", 0] }],
  ["sequence", "stream-adapter", { events: ["`table/<prefix>-events`", 1] }],
  [
    "project",
    "projections",
    {
      events: ["`table/<prefix>-events`", 0],
      control: ["`table/<prefix>-control`", 0],
      documents: ["`table/<prefix>-documents`", 0],
    },
  ],
  [
    "enqueue",
    "queue",
    { letters: ["`table/<prefix>-events`", 0], lettersControl: ["`table/<prefix>-control`", 0] },
  ],
  [
    "consume",
    "queue",
    { letters: ["`table/<prefix>-events`", 3], lettersControl: ["`table/<prefix>-control`", 3] },
  ],
  ["schedule", "scheduler", { schedules: ["`<prefix>-schedules`", 0] }],
  // "The same", it says there.
  ["fire", "scheduler", { schedules: ["`<prefix>-schedules`", 0] }],
] as const)("what it takes to %s is what the README of %s says", async (name, packageName, tables) => {
  const said: Record<string, readonly string[] | undefined> = {};
  for (const [table, [row, column]] of Object.entries(tables)) {
    said[table] = (await actionsIn(packageName, row))[column];
  }
  expect(PERMISSIONS[name]).toEqual(said);
});
