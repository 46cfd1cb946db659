import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { isListening } from "./listening.ts";
import { SHORT_LIVED } from "./short-lived.ts";

const DIST = new URL("../dist/index.js", import.meta.url).href;
const GONE_WITHIN = { timeout: 30_000, interval: 50 };

interface Parent {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly endpoint: string;
}

/** Runs a process that starts DynamoDB Local, never stops it, and goes on with `then`. */
async function startParent(then: string): Promise<Parent> {
  const { DYNAMODB_ENDPOINT: _, ...env } = process.env;
  const script = `
    import { startDynamoDBLocal } from ${JSON.stringify(DIST)};
    const { endpoint } = await startDynamoDBLocal({ log: false });
    console.log(endpoint);
    for await (const go of process.stdin) break;
    ${then}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    // A process group, to send Ctrl-C to as a terminal does.
    detached: true,
    env: { ...env, JAVA_TOOL_OPTIONS: SHORT_LIVED },
    stdio: ["pipe", "pipe", "ignore"],
  });
  for await (const endpoint of createInterface({ input: child.stdout })) {
    if (child.pid === undefined) break;
    return { process: child, pid: child.pid, endpoint };
  }
  throw new Error("The parent ended before its server was ready");
}

describe("the server ends when the process that started it", () => {
  it.each([
    ["is done", "", 0],
    ["calls process.exit()", "process.exit(3);", 3],
    ["throws", "throw new Error('an end');", 1],
  ])("%s", async (_, then, expectedCode) => {
    const parent = await startParent(then);
    expect(await isListening(parent.endpoint)).toBe(true);
    parent.process.stdin?.end("go");
    const [code] = await once(parent.process, "exit");
    expect(code).toBe(expectedCode);
    await expect.poll(() => isListening(parent.endpoint), GONE_WITHIN).toBe(false);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)("gets %s", async (signal) => {
    const parent = await startParent("");
    expect(await isListening(parent.endpoint)).toBe(true);
    process.kill(-parent.pid, signal);
    const [, endedBy] = await once(parent.process, "exit");
    expect(endedBy).toBe(signal);
    await expect.poll(() => isListening(parent.endpoint), GONE_WITHIN).toBe(false);
  });
});
