import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  childProcessFunction,
  type Handler,
  inProcessFunction,
  type InvokeResult,
  type LocalFunction,
  type ProcessFunction,
  ricFunction,
} from "../../src/lambda/index.ts";
import { realClient } from "./real-client.ts";

const HANDLERS = new URL("./handlers/handlers.mjs", import.meta.url);
const { any } = (await import(HANDLERS.href)) as { readonly any: Handler };

type Make = (timeoutMs: number) => LocalFunction;

const started: ProcessFunction[] = [];
afterAll(() => Promise.all(started.map((fn) => fn.stop())));

const inProcess: Make = (timeoutMs) => inProcessFunction({ name: "fn", handler: any, timeoutMs });

const childProcess: Make = (timeoutMs) => {
  const fn = childProcessFunction({
    name: "fn",
    moduleUrl: HANDLERS,
    handlerName: "any",
    timeoutMs,
    log: false,
  });
  started.push(fn);
  return fn;
};

const realRuntime: Make = (timeoutMs) => {
  if (typeof realClient === "string") throw new TypeError(realClient);
  const cwd = fileURLToPath(new URL("./handlers/", import.meta.url));
  const code = { client: realClient, handler: "handlers.any", cwd };
  const fn = ricFunction({ name: "fn", timeoutMs, log: false, ...code });
  started.push(fn);
  return fn;
};

interface Kind {
  readonly kind: string;
  readonly make: Make;
  /** Why it can't be run here. */
  readonly missing?: string;
}

const childProcesses: readonly Kind[] = [
  { kind: "in a child process", make: childProcess },
  typeof realClient === "string"
    ? { kind: `in the real runtime interface client (${realClient})`, make: realRuntime, missing: realClient }
    : { kind: "in the real runtime interface client", make: realRuntime },
];

function returned(result: InvokeResult): unknown {
  expect(result).toMatchObject({ functionError: undefined });
  return JSON.parse(result.payload);
}

function failure(result: InvokeResult): unknown {
  expect(result).toMatchObject({ functionError: "Unhandled" });
  return JSON.parse(result.payload);
}

const allKinds: readonly Kind[] = [{ kind: "in this process", make: inProcess }, ...childProcesses];

describe.each(allKinds)("a function $kind", ({ make, missing }) => {
  let fn: LocalFunction;
  beforeAll(() => {
    if (missing === undefined) fn = make(30_000);
  });
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  const run = (name: string, event?: unknown, requestId?: string): Promise<InvokeResult> =>
    fn.invoke({ run: name, event }, { requestId });

  it("gets the event and a context", async () => {
    const result = await run("echo", { a: [1, "ä€😀"] }, "request-1");
    expect(returned(result)).toEqual({
      event: { a: [1, "ä€😀"] },
      calls: expect.any(Number),
      pid: expect.any(Number),
      context: {
        awsRequestId: "request-1",
        functionName: "fn",
        functionVersion: "$LATEST",
        invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:fn",
        memoryLimitInMB: "128",
        logGroupName: "/aws/lambda/fn",
        logStreamName: "local",
        callbackWaitsForEmptyEventLoop: true,
        remainingMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 30_000),
      },
    });
  });

  it("passes on which records of a batch failed", async () => {
    const event = { Records: ["1", "2"].map((SequenceNumber) => ({ dynamodb: { SequenceNumber } })) };
    const result = await run("batch", event);
    expect(result.payload).toBe('{"batchItemFailures":[{"itemIdentifier":"2"}]}');
  });

  it.each(["nothing", "notAsync"])(
    "returns null for a handler with no promise of a value: %s",
    async (name) => {
      expect(await run(name)).toEqual({ payload: "null", functionError: undefined });
    },
  );

  it.each([
    ["throws", "RangeError", "out of range"],
    ["throwsAtOnce", "TypeError", "at once"],
  ])("tells what the handler threw: %s", async (name, errorType, errorMessage) => {
    const trace = expect.arrayContaining([`${errorType}: ${errorMessage}`]);
    expect(failure(await run(name))).toEqual({ errorType, errorMessage, trace });
  });

  it.each([
    ["throwsText", { errorType: "string", errorMessage: "just text", trace: [] }],
    ["throwsNothing", { errorType: "string", errorMessage: "handled", trace: [] }],
    [
      "notJson",
      { errorType: "Error", errorMessage: "Unable to stringify response body", trace: expect.anything() },
    ],
  ])("tells what is no error as the runtime client does: %s", async (name, expected) => {
    expect(failure(await run(name))).toEqual(expected);
  });

  it("returns 6 MB, and no more", async () => {
    expect((await run("tooLarge", { bytes: 6_291_556 })).payload).toHaveLength(6_291_556);
    expect(failure(await run("tooLarge", { bytes: 6_291_557 }))).toEqual({
      errorType: "Function.ResponseSizeTooLarge",
      errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    });
  });

  it("runs out of time", async () => {
    expect(failure(await make(500).invoke({ run: "never" }, { requestId: "r" }))).toEqual({
      errorType: "Sandbox.Timedout",
      errorMessage: "RequestId: r Error: Task timed out after 0.50 seconds",
    });
  });
});

describe.each(childProcesses)("a function $kind", ({ make, missing }) => {
  let fn: LocalFunction;
  beforeAll(() => {
    if (missing === undefined) fn = make(30_000);
  });
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  const run = (name: string, event?: unknown, requestId?: string): Promise<InvokeResult> =>
    fn.invoke({ run: name, event }, { requestId });
  const processId = async (): Promise<number> =>
    (returned(await run("echo")) as { readonly pid: number }).pid;

  it.each([
    [
      "exits",
      { code: 3 },
      "Runtime.ExitError",
      "RequestId: r Error: Runtime exited with error: exit status 3",
    ],
    [
      "exits",
      { code: 0 },
      "Runtime.ExitError",
      "RequestId: r Error: Runtime exited without providing a reason",
    ],
    ["throwsLater", {}, "RangeError", "later"],
    ["rejectsUnseen", {}, "Runtime.UnhandledPromiseRejection", "Error: unseen"],
    [
      "fillsMemory",
      {},
      "Runtime.ExitError",
      "RequestId: r Error: Runtime exited with error: signal: aborted",
    ],
  ])(
    "crashes, and the next invocation gets a new process: %s %j",
    async (name, event, errorType, errorMessage) => {
      const before = await processId();
      expect(failure(await run(name, event, "r"))).toMatchObject({ errorType, errorMessage });
      expect(await processId()).not.toBe(before);
    },
  );

  it("runs in one process while it is well", async () => {
    const first = await processId();
    expect(first).not.toBe(process.pid);
    expect(failure(await run("throws"))).toMatchObject({ errorType: "RangeError" });
    expect(await processId()).toBe(first);
  });
});
