import { LambdaClient } from "@aws-sdk/client-lambda";
import { classifyFailure } from "@tuppence/core/failures";
import { inProcessFunction, type LocalFunction, startLambdaApi } from "@tuppence/local/lambda";
import { afterAll, describe, expect, it } from "vitest";
import { lambda } from "../src/targets/lambda/index.ts";
import { anOccurrence, inTime, ITS_EVENT } from "./occurrences.ts";

const got: unknown[] = [];
const gate: (() => void)[] = [];

const echo = inProcessFunction({
  name: "echo",
  handler: async (event: unknown) => {
    got.push(event);
    return { done: true };
  },
});
const fails = inProcessFunction({
  name: "fails",
  handler: async () => {
    throw new RangeError("no such permit");
  },
});
const slow = inProcessFunction({
  name: "slow",
  timeoutMs: 60_000,
  handler: () =>
    new Promise<void>((resolve) => {
      gate.push(resolve);
    }),
});
/** A runtime that answers what is no JSON. */
const strange: LocalFunction = {
  name: "strange",
  invoke: async () => ({ payload: "<html>", functionError: "Unhandled" }),
};

const api = await startLambdaApi({ functions: [echo, fails, slow, strange], concurrency: { slow: 1 } });
const client = new LambdaClient({ ...api.clientConfig(), maxAttempts: 1 });

afterAll(async () => {
  for (const open of gate) open();
  await api.stop();
});

async function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a Lambda function as target", () => {
  it("that is waited for answers", async () => {
    const target = lambda({ client, functionName: "echo", invocation: "requestResponse" });
    expect(target.kind).toBe("lambda");
    expect(await target.fire(anOccurrence(), inTime())).toEqual({ done: true });
    expect(got.splice(0)).toEqual([ITS_EVENT]);
  });

  it("that is not waited for has the occurrence, and nobody knows yet what it does", async () => {
    const target = lambda({ client, functionName: "echo:live", invocation: "event" });
    const bare = anOccurrence({ name: undefined, group: undefined, payload: undefined });
    expect(await target.fire(bare, inTime())).toBeUndefined();
    await api.whenIdle();
    const { scheduleName: _, group: _group, payload: _payload, ...event } = ITS_EVENT;
    expect(got.splice(0)).toEqual([event]);
  });

  it("that fails is a failure of the occurrence, tried a few times", async () => {
    const error = await rejection(
      lambda({ client, functionName: "fails", invocation: "requestResponse" }).fire(anOccurrence(), inTime()),
    );
    expect(error).toMatchObject({
      code: "functionFailed",
      functionName: "fails",
      errorType: "RangeError",
      response: { errorMessage: "no such permit" },
      message: 'Function "fails" failed with RangeError: no such permit.',
    });
    expect(classifyFailure(error)).toEqual({ kind: "permanent" });
  });

  it("that answers what is no JSON is told as it is", async () => {
    const error = await rejection(
      lambda({ client, functionName: "strange", invocation: "requestResponse" }).fire(
        anOccurrence(),
        inTime(),
      ),
    );
    expect(error).toMatchObject({ code: "functionFailed", errorType: undefined, response: "<html>" });
  });

  it("that is throttled is tried until it is over; one that takes too long is given up with the signal", async () => {
    const target = lambda({ client, functionName: "slow", invocation: "requestResponse" });
    const giveUp = new AbortController();
    const first = rejection(target.fire(anOccurrence(), { signal: giveUp.signal }));
    await expect.poll(() => gate.length).toBe(1);
    const throttled = await rejection(target.fire(anOccurrence(), inTime()));
    expect(throttled).toMatchObject({ name: "TooManyRequestsException" });
    expect(classifyFailure(throttled)).toMatchObject({ kind: "transient" });
    giveUp.abort();
    expect(await first).toMatchObject({ name: "AbortError" });
  });

  it("that is not there is tried a few times: it may be on its way", async () => {
    const target = lambda({ client, functionName: "nobody", invocation: "event" });
    const error = await rejection(target.fire(anOccurrence(), inTime()));
    expect(error).toMatchObject({ name: "ResourceNotFoundException" });
    expect(classifyFailure(error)).toEqual({ kind: "permanent" });
  });

  it("is invoked in one of two ways", () => {
    expect(() => lambda({ client, functionName: "echo", invocation: "Event" as "event" })).toThrow(TypeError);
  });
});
