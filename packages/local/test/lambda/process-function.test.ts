import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  childProcessFunction,
  type ChildProcessFunctionOptions,
  findRuntimeInterfaceClient,
  type InvokeResult,
  type ProcessFunction,
  ricFunction,
} from "../../src/lambda/index.ts";
import { isRunning } from "./is-running.ts";

const HANDLERS = new URL("./handlers/handlers.mjs", import.meta.url);
const DIST = new URL("../../dist/lambda/index.js", import.meta.url).href;
const GONE_WITHIN = { timeout: 30_000, interval: 20 };

let folder: string;
let files = 0;
const fns: ProcessFunction[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tuppence-lambda-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => Promise.all(fns.splice(0).map((fn) => fn.stop())));

function make(handlerName: string, options: Partial<ChildProcessFunctionOptions> = {}): ProcessFunction {
  const fn = childProcessFunction({
    name: "fn",
    moduleUrl: HANDLERS,
    handlerName,
    timeoutMs: 30_000,
    log: false,
    ...options,
  });
  fns.push(fn);
  return fn;
}

function newFile(): string {
  files += 1;
  return join(folder, String(files));
}

/** Waits for the process id that a handler writes to a file. */
async function pidIn(file: string): Promise<number> {
  const text = (): Promise<string> => readFile(file, "utf8").catch(() => "");
  await expect.poll(text, { timeout: 20_000, interval: 10 }).not.toBe("");
  return Number(await text());
}

const errorOf = ({ payload }: InvokeResult): unknown => JSON.parse(payload);

describe("at its time limit", () => {
  it.each(["waits", "blocks"])("a process is killed: %s", async (name) => {
    const file = newFile();
    const fn = make(name, { timeoutMs: 300 });
    expect(errorOf(await fn.invoke({ file }))).toMatchObject({ errorType: "Sandbox.Timedout" });
    const pid = await pidIn(file);
    await expect.poll(() => isRunning(pid), GONE_WITHIN).toBe(false);
  });

  it("the next invocation starts in a new process", async () => {
    const fn = make("waits", { timeoutMs: 300, maxEnvironments: 1 });
    const [first, second] = [newFile(), newFile()];
    await Promise.all([fn.invoke({ file: first }), fn.invoke({ file: second })]);
    expect(await pidIn(second)).not.toBe(await pidIn(first));
  });
});

describe("kill()", () => {
  it("ends a process in the middle of an invocation, and the next starts in a new one", async () => {
    const file = newFile();
    const fn = make("blocks");
    const invocation = fn.invoke({ file }, { requestId: "r" });
    const pid = await pidIn(file);
    expect(isRunning(pid)).toBe(true);
    expect(await fn.kill(7)).toBe(true);
    await expect.poll(() => isRunning(pid), GONE_WITHIN).toBe(false);
    expect(errorOf(await invocation)).toEqual({
      errorType: "Runtime.ExitError",
      errorMessage: "RequestId: r Error: Runtime exited with error: signal: killed",
    });
    expect(await fn.kill()).toBe(false);
  });

  it("ends a process that is idle, and nobody notices", async () => {
    const fn = make("echo");
    await fn.invoke({});
    expect(await fn.kill()).toBe(true);
    expect(await fn.invoke({})).toMatchObject({ functionError: undefined });
  });
});

describe("concurrent invocations", () => {
  it("run in processes of their own, up to the limit, and others wait", async () => {
    const meeting = await mkdtemp(join(folder, "meeting-"));
    const fn = make("meets", { maxEnvironments: 2 });
    const invoke = async (): Promise<unknown> => errorOf(await fn.invoke({ folder: meeting, count: 2 }));
    const pids = await Promise.all([invoke(), invoke(), invoke(), invoke()]);
    expect(new Set(pids).size).toBe(2);
  });
});

describe("a handler that can't be loaded", () => {
  it.each([
    ["throws", `throw new RangeError("loading");`, "RangeError", "loading"],
    ["imports what is not there", `import "./not-there.mjs";`, "Runtime.ImportModuleError", "not-there"],
    ["is no JavaScript", `export const any = (;`, "Runtime.UserCodeSyntaxError", "Unexpected token"],
    ["is not exported", `export const other = 1;`, "Runtime.HandlerNotFound", "any is not a function"],
  ])("is told at each invocation: %s", async (_, code, errorType, message) => {
    const file = `${newFile()}.mjs`;
    await writeFile(file, code);
    const fn = make("any", { moduleUrl: pathToFileURL(file) });
    for (let call = 0; call < 2; call += 1) {
      const errorMessage = expect.stringContaining(message);
      expect(errorOf(await fn.invoke({}))).toMatchObject({ errorType, errorMessage });
    }
  });
});

describe("what it is given", () => {
  it("has the variables it was given, and its lines are passed on", async () => {
    const lines: string[] = [];
    const fn = make("logs", { log: (line) => lines.push(line), env: { NODE_DISABLE_COLORS: "1" } });
    await fn.invoke({});
    await expect.poll(() => lines).toEqual(["a line to read"]);
  });

  it("refuses what Lambda would not take", async () => {
    expect(() => make("echo", { name: "no name" })).toThrow(TypeError);
    expect(() => make("echo", { timeoutMs: 0 })).toThrow("timeoutMs is an integer from 1 to 900000, not 0");
    expect(() => make("echo", { memoryMb: 64 })).toThrow(RangeError);
    expect(() => make("echo", { maxEnvironments: 0 })).toThrow(RangeError);
    const fn = make("echo");
    await fn.stop();
    await expect(fn.invoke({})).rejects.toThrow("The function fn is stopped");
  });

  it("says where there is no runtime interface client", () => {
    expect(findRuntimeInterfaceClient(folder)).toContain(`aws-lambda-ric is not installed in ${folder}`);
  });

  it("can't run in a folder that is not there", async () => {
    const fn = ricFunction({
      name: "fn",
      client: { command: "x.mjs" },
      handler: "a.b",
      cwd: newFile(),
      log: false,
    });
    expect(errorOf(await fn.invoke({}))).toMatchObject({ errorType: "Runtime.ExitError" });
  });
});

describe("when the process that made it", () => {
  const script = (then: string): string => `
    import { childProcessFunction } from ${JSON.stringify(DIST)};
    const fn = (handlerName) => childProcessFunction({
      name: "fn", moduleUrl: new URL(${JSON.stringify(HANDLERS.href)}), handlerName, timeoutMs: 60_000, log: false,
    });
    ${then}`;

  it("is done, warm processes do not keep it, and end", async () => {
    const child = spawn(process.execPath, [
      "--input-type=module",
      "--eval",
      script(`console.log((await fn("echo").invoke({})).payload);`),
    ]);
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(0);
    const { pid } = JSON.parse(line) as { readonly pid: number };
    await expect.poll(() => isRunning(pid), GONE_WITHIN).toBe(false);
  });

  it.each(["waits", "blocks"])("is killed, a busy process ends: %s", async (name) => {
    const file = newFile();
    const child = spawn(process.execPath, [
      "--input-type=module",
      "--eval",
      script(`await fn("${name}").invoke({ file: ${JSON.stringify(file)} });`),
    ]);
    const pid = await pidIn(file);
    expect(isRunning(pid)).toBe(true);
    child.kill("SIGKILL");
    await expect.poll(() => isRunning(pid), GONE_WITHIN).toBe(false);
  });
});
