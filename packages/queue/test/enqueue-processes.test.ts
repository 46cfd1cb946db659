import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startDynamoDBLocal } from "@tuppence/local";
import { expect, it } from "vitest";
import { createQueue } from "../src/index.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";

const DATABASE = "queueprocesses";
const PROGRAM = fileURLToPath(new URL("enqueue-process.mjs", import.meta.url));
const PROCESSES = 4;
const WRITERS = 8;
const MESSAGES = 8;
const PRODUCER = { id: "scanner" };

interface Line {
  readonly by: string;
  readonly number: number;
  readonly position: number;
}

const server = await startDynamoDBLocal({ log: false });

/** Runs a process to its end; kills it after so many lines and starts another in its place, if it is told to. */
async function run(settings: object, killAfter: number | undefined, lines: Line[]): Promise<void> {
  const config = { ...server.clientConfig(DATABASE), maxAttempts: 5 };
  const args = [PROGRAM, JSON.stringify({ config, name: "letters", messages: MESSAGES, ...settings })];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  let count = 0;
  createInterface({ input: child.stdout }).on("line", (text) => {
    const [by = "", number, position] = text.split(" ");
    lines.push({ by, number: Number(number), position: Number(position) });
    count += 1;
    if (count === killAfter) child.kill("SIGKILL");
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (signal === "SIGKILL") return run(settings, undefined, lines);
  expect(code).toBe(0);
}

it("32 writers in processes that are killed get positions 1 to N, each message once, each in its order", {
  timeout: 120_000,
}, async () => {
  const queue = createQueue({ client: connect(DATABASE), name: "letters" });
  await queue.ensureTables();
  const lines: Line[] = [];
  await Promise.all([
    ...Array.from({ length: PROCESSES }, (_, index) =>
      run({ process: `p${index}`, writers: WRITERS }, index % 2 === 0 ? 5 + 20 * index : undefined, lines),
    ),
    run({ producer: PRODUCER }, 3, lines),
    // Another one at the same time.
    run({ producer: PRODUCER }, undefined, lines),
  ]);
  const stored = await collect(queue.read(1));
  expect(stored.map(({ position }) => position)).toEqual(stored.map((_, index) => index + 1));
  expect(stored).toHaveLength(PROCESSES * WRITERS * MESSAGES + MESSAGES);
  const numbers = new Map<string, number[]>();
  for (const { body } of stored) {
    const { by, number } = body as Line;
    numbers.set(by, [...(numbers.get(by) ?? []), number]);
  }
  const inOrder = Array.from({ length: MESSAGES }, (_, index) => index + 1);
  expect(numbers.size).toBe(PROCESSES * WRITERS + 1);
  for (const own of numbers.values()) expect(own).toEqual(inOrder);
  // What was told is what is stored, also by those who were killed later.
  const told = lines.filter(({ position }) => position > 0);
  for (const { by, number, position } of told) expect(stored[position - 1]?.body).toEqual({ by, number });
  expect(told.length).toBeGreaterThanOrEqual(PROCESSES * WRITERS * MESSAGES);
});
