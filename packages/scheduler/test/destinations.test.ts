import { LambdaClient } from "@aws-sdk/client-lambda";
import { createEventStore, defineEvents, ensureTables, NonRetryableError } from "@tuppence/core";
import { inProcessFunction, startLambdaApi } from "@tuppence/local/lambda";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Destination } from "../src/destinations/destination.ts";
import { type ExecutionRecord, executionRecord } from "../src/destinations/execution-record.ts";
import { toQueue } from "../src/destinations/to-queue.ts";
import { toStream } from "../src/destinations/to-stream.ts";
import { ring } from "../src/drain/ring.ts";
import { contextOf, createScheduler, type Scheduler } from "../src/scheduler.ts";
import type { SchedulerEvent } from "../src/scheduler-event.ts";
import { createMemoryScheduleStorage } from "../src/storage/memory-storage.ts";
import { call } from "../src/targets/call.ts";
import { FunctionFailedError } from "../src/targets/errors.ts";
import { lambdaDestination } from "../src/targets/lambda/index.ts";
import type { Targets } from "../src/targets/target.ts";
import { anOccurrence, inTime, ITS_EVENT } from "./occurrences.ts";
import { connect } from "@tuppence/test-support/database";

const NOW = Date.UTC(2026, 2, 1, 12, 0, 5);

const success = executionRecord({
  occurrence: anOccurrence(),
  target: "remind",
  outcome: { kind: "success", answer: { sent: 1 } },
  nowMs: NOW,
});

function failureOf(error: unknown): ExecutionRecord {
  return executionRecord({
    occurrence: anOccurrence(),
    target: "remind",
    outcome: { kind: "failure", error },
    nowMs: NOW,
  });
}

describe("the record of a run", () => {
  it("that succeeded is like that of an asynchronous invocation", () => {
    expect(success).toEqual({
      version: "1.0",
      timestamp: "2026-03-01T12:00:05.000Z",
      requestContext: {
        requestId: ITS_EVENT.occurrenceId,
        functionArn: "remind",
        condition: "Success",
        approximateInvokeCount: 2,
      },
      requestPayload: ITS_EVENT,
      responseContext: { statusCode: 200, executedVersion: "$LATEST" },
      responsePayload: { sent: 1 },
    });
  });

  it("that failed says why", () => {
    expect(failureOf(new RangeError("no"))).toMatchObject({
      requestContext: { condition: "RetriesExhausted" },
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      responsePayload: { errorType: "RangeError", errorMessage: "no" },
    });
    const response = { errorType: "Sandbox.Timedout", errorMessage: "too late" };
    expect(failureOf(new FunctionFailedError("f", response)).responsePayload).toEqual(response);
    expect(failureOf("odd").responsePayload).toEqual({ errorType: "string", errorMessage: "odd" });
  });

  it("has no answer if there is none, or too large a one", () => {
    for (const answer of [undefined, "x".repeat(131_071)]) {
      const outcome = { kind: "success", answer } as const;
      const record = executionRecord({ occurrence: anOccurrence(), target: "t", outcome, nowMs: NOW });
      expect(Object.keys(record)).not.toContain("responsePayload");
    }
  });
});

describe("a destination", () => {
  const events = defineEvents({ Told: z.object({ condition: z.string(), id: z.string() }) });
  const client = connect("destinations");
  const store = createEventStore({ client, events });
  const got: unknown[] = [];
  const keep = inProcessFunction({ name: "keep", handler: async (event: unknown) => void got.push(event) });

  it("may be a queue or a stream, which have each record once", async () => {
    await ensureTables({ client });
    const messages = new Map<string, unknown>();
    const queue = toQueue({ enqueue: async (message) => messages.set(message.messageId, message) });
    const stream = toStream({
      store,
      streamId: ({ requestContext }) => `runs|${requestContext.functionArn}`,
      event: ({ requestContext: { condition, requestId: id } }) => ({
        type: "Told",
        data: { condition, id },
      }),
    });
    const failure = failureOf(new Error("no"));
    for (const record of [success, success, failure, failure]) {
      await queue.send(record, inTime());
      await stream.send(record, inTime());
    }
    const since = new Date(ITS_EVENT.fireAt);
    const id = ITS_EVENT.occurrenceId;
    expect([...messages.values()]).toEqual([
      { body: success, messageId: `${id}|Success|2`, since },
      { body: failure, messageId: `${id}|RetriesExhausted|2`, since },
    ]);
    const told: unknown[] = [];
    for await (const { data } of store.read("runs|remind")) told.push(data);
    expect(told).toEqual([
      { condition: "Success", id },
      { condition: "RetriesExhausted", id },
    ]);
  });

  it("may be a Lambda function", async () => {
    const api = await startLambdaApi({ functions: [keep] });
    const lambda = new LambdaClient({ ...api.clientConfig(), maxAttempts: 1 });
    await lambdaDestination({ client: lambda, functionName: "keep" }).send(success, inTime());
    await api.whenIdle();
    await api.stop();
    expect(got).toEqual([success]);
  });
});

/** Pauses are over at once, and time-outs never come. */
async function withoutPauses(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 2_000) return;
  await new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

describe("a scheduler", () => {
  const records: ExecutionRecord[] = [];
  const happened: SchedulerEvent[] = [];
  let troubles = 0;
  const keeps: Destination = {
    kind: "list",
    async send(record) {
      if (troubles-- > 0) throw new Error("not now");
      records.push(record);
    },
  };
  const told = { onSuccess: keeps, onFailure: keeps };
  const targets = {
    works: call(() => ({ sent: 2 }), told),
    fails: call(() => {
      throw new NonRetryableError("never");
    }, told),
    writes: {
      kind: "write",
      isInStore: true,
      onFailure: keeps,
      fire: () => Promise.reject(new NonRetryableError("no place")),
    },
  } as const satisfies Targets;
  const scheduler: Scheduler<typeof targets> = createScheduler({
    storage: createMemoryScheduleStorage(),
    targets,
    shards: 1,
    onEvent: (event) => void happened.push(event),
    // By chance as it is: with one and the same, what is scheduled in one millisecond would have one id.
    runtime: { sleep: withoutPauses },
  });
  const fire = async (target: keyof typeof targets): Promise<string> => {
    const { id } = await scheduler.schedule({ in: 0, target, payload: 1 });
    await ring({ ...contextOf(scheduler), concurrency: 1 }, 0, 0);
    return id;
  };

  it("tells destinations what became of runs", async () => {
    const ids = [await fire("works"), await fire("fails"), await fire("writes")];
    expect(records.splice(0)).toMatchObject([
      {
        requestContext: {
          requestId: ids[0],
          functionArn: "works",
          condition: "Success",
          approximateInvokeCount: 1,
        },
        requestPayload: { payload: 1 },
        responsePayload: { sent: 2 },
      },
      {
        requestContext: { requestId: ids[1], functionArn: "fails", condition: "RetriesExhausted" },
        responsePayload: { errorType: "NonRetryableError", errorMessage: "never" },
      },
      { requestContext: { requestId: ids[2], functionArn: "writes", condition: "RetriesExhausted" } },
    ]);
  });

  it("tries again a few times, and goes on if that does not help", async () => {
    troubles = 3;
    await fire("works");
    expect(records.splice(0)).toHaveLength(1);
    troubles = 4;
    happened.length = 0;
    const id = await fire("works");
    expect(records).toEqual([]);
    expect(happened.map(({ type }) => type)).toEqual(["fired", "destinationFailed"]);
    expect(happened[1]).toMatchObject({ id, target: "works", record: { requestContext: { requestId: id } } });
    expect(await scheduler.get(id)).toMatchObject({ state: "fired" });
  });

  it("tells again what it told before a crash", async () => {
    troubles = 0;
    const storage = createMemoryScheduleStorage();
    let now = NOW;
    let isCrashing = true;
    const crash = new Error("the process ends here");
    const ending = new AbortController();
    const crashing = createScheduler({ storage, targets, shards: 1, runtime: { now: () => now } });
    const { id } = await crashing.schedule({ in: 0, target: "works" });
    const context = contextOf(crashing);
    const fragile = {
      ...context,
      storage: {
        ...storage,
        update: async (...args: Parameters<typeof storage.update>) => {
          if (isCrashing && records.length > 0) {
            ending.abort(crash);
            throw crash;
          }
          return storage.update(...args);
        },
      },
    };
    await expect(ring({ ...fragile, concurrency: 1, signal: ending.signal }, 0, 0)).rejects.toThrow();
    isCrashing = false;
    now += 120_000;
    await ring({ ...context, concurrency: 1 }, 0, 0);
    expect(
      records.map(({ requestContext: { requestId, approximateInvokeCount } }) => [
        requestId,
        approximateInvokeCount,
      ]),
    ).toEqual([
      [id, 1],
      [id, 2],
    ]);
    expect(await crashing.get(id)).toMatchObject({ state: "fired", attempts: 2 });
  });
});
