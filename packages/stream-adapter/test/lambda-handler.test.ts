import { once } from "node:events";
import type { Context, DynamoDBRecord, DynamoDBStreamEvent, DynamoDBStreamHandler } from "aws-lambda";
import { describe, expect, it, vi } from "vitest";
import { oneByOne, type RecordsHandler, StoppedAtRecordError } from "../src/index.ts";
import {
  createLambdaHandler,
  type FailureLogger,
  InvocationEndingError,
  type LambdaHandlerOptions,
} from "../src/lambda/index.ts";

const record = (number: number): DynamoDBRecord => ({
  eventID: `event-${number}`,
  eventName: "MODIFY",
  eventSource: "aws:dynamodb",
  dynamodb: { SequenceNumber: String(number), Keys: { p: { S: "a" } } },
});
const batch = (...numbers: readonly number[]): DynamoDBStreamEvent => ({ Records: numbers.map(record) });
/** A record that nobody knows: it has no place. */
const stranger: DynamoDBRecord = { eventSource: "aws:dynamodb" };

const contextWith = (leftMs: number): Context =>
  ({ awsRequestId: "request", getRemainingTimeInMillis: () => leftMs }) as unknown as Context;

const logs = () => ({
  logger: { warn: vi.fn<FailureLogger["warn"]>(), error: vi.fn<FailureLogger["error"]>() },
});

function run(
  handler: RecordsHandler,
  event: DynamoDBStreamEvent,
  { leftMs = 30_000, ...options }: LambdaHandlerOptions & { readonly leftMs?: number } = {},
): Promise<unknown> {
  return createLambdaHandler(handler, { ...logs(), ...options })(event, contextWith(leftMs));
}

const failure = new Error("no");
const failing: RecordsHandler = () => Promise.reject(failure);

describe("a batch that is done", () => {
  it("was handed on as a whole, decoded and in order", async () => {
    const handler = vi.fn<RecordsHandler>(async () => undefined);
    expect(await run(handler, batch(1, 2, 3))).toStrictEqual({ batchItemFailures: [] });
    expect(handler).toHaveBeenCalledTimes(1);
    const [records, handed] = handler.mock.calls[0] ?? [];
    expect(records?.map(({ kind, sequenceNumber }) => [kind, sequenceNumber])).toEqual([
      ["change", "1"],
      ["change", "2"],
      ["change", "3"],
    ]);
    expect(handed?.shardId).toBeUndefined();
    expect(handed?.signal.aborted).toBe(false);
  });

  it("without records is done already", async () => {
    expect(await run(failing, batch())).toStrictEqual({ batchItemFailures: [] });
  });

  it("is handled by what AWS's types call a handler of DynamoDB streams", () => {
    const handler: DynamoDBStreamHandler = createLambdaHandler(async () => undefined);
    expect(handler).toBeTypeOf("function");
  });
});

describe("a batch that failed", () => {
  it.each([
    ["the first when nothing is known", failure, "1"],
    ["the one that the handler stopped at", new StoppedAtRecordError(2), "3"],
    [
      "the one that a copy of our error names",
      Object.assign(new Error(), { code: "stoppedAtRecord", index: 1 }),
      "2",
    ],
    ["the first for an index that is none", new StoppedAtRecordError(3), "1"],
    ["the first for half an index", new StoppedAtRecordError(0.5), "1"],
    ["the first for no error at all", undefined, "1"],
  ])("is reported from one record on: %s", async (_, error, itemIdentifier) => {
    // oxlint-disable-next-line prefer-promise-reject-errors
    const reply = await run(() => Promise.reject(error), batch(1, 2, 3));
    expect(reply).toStrictEqual({ batchItemFailures: [{ itemIdentifier }] });
  });

  it("is one whose handler throws before it gives a promise, too", async () => {
    const throwing = (): never => {
      throw failure;
    };
    expect(await run(throwing, batch(7))).toStrictEqual({ batchItemFailures: [{ itemIdentifier: "7" }] });
  });

  it("stops at the first failure", async () => {
    const handled: unknown[] = [];
    const handler = oneByOne(({ sequenceNumber }) => {
      if (sequenceNumber === "3") throw failure;
      handled.push(sequenceNumber);
    });
    expect(await run(handler, batch(1, 2, 3, 4))).toStrictEqual({
      batchItemFailures: [{ itemIdentifier: "3" }],
    });
    expect(handled).toEqual(["1", "2"]);
  });

  it("is logged, on the console unless there is a logger", async () => {
    const { logger } = logs();
    await run(failing, batch(1, 2), { logger });
    const facts = { error: failure, itemIdentifier: "1", done: 0, of: 2 };
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(
      facts,
      expect.stringContaining("could not be handled"),
    );
    const onConsole = vi.spyOn(console, "error").mockReturnValue();
    await createLambdaHandler(failing)(batch(1, 2), contextWith(1_000));
    expect(onConsole).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("could not be handled"), facts);
    onConsole.mockRestore();
  });
});

describe("a record without a place", () => {
  const stopAt =
    (index: number): RecordsHandler =>
    () =>
      Promise.reject(new StoppedAtRecordError(index));

  it("is delivered again with the nearest before it", async () => {
    const event = { Records: [record(1), record(2), stranger, stranger, record(5)] };
    expect(await run(stopAt(3), event)).toStrictEqual({ batchItemFailures: [{ itemIdentifier: "2" }] });
  });

  it("at the front fails the invocation, so that the whole batch is delivered again", async () => {
    await expect(run(stopAt(1), { Records: [stranger, stranger, record(3)] })).rejects.toMatchObject({
      index: 1,
    });
    await expect(run(failing, { Records: [stranger] })).rejects.toBe(failure);
  });

  it("is handed on like all others", async () => {
    const handler = vi.fn<RecordsHandler>(async () => undefined);
    expect(await run(handler, { Records: [stranger] })).toStrictEqual({ batchItemFailures: [] });
    expect(handler.mock.calls[0]?.[0]).toMatchObject([{ kind: "unknown", raw: stranger }]);
  });
});

describe("time", () => {
  it("that is nearly over aborts the signal, and what was done is done", async () => {
    const { logger } = logs();
    const handler = oneByOne(async (_, { signal }) => {
      // At once: the rest of the invocation's time is short.
      if (!signal.aborted) await once(signal, "abort");
    });
    // The margin is at most half of the time there is: an invocation can't be all margin.
    const options = { logger, leftMs: 60, marginMs: 10_000 };
    const reply = await run(handler, batch(1, 2, 3), options);
    expect(reply).toStrictEqual({ batchItemFailures: [{ itemIdentifier: "2" }] });
    expect(logger.warn).toHaveBeenCalledTimes(1);
    expect(logger.error).not.toHaveBeenCalled();
  });

  it("that was over before anything was done fails the invocation, so that Lambda tries half of the batch", async () => {
    const handler: RecordsHandler = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    await expect(run(handler, batch(1, 2), { leftMs: 40 })).rejects.toThrow(InvocationEndingError);
  });

  it("ends the invocation without the handler if it has to, and what that does later is not lost", async () => {
    const { logger } = logs();
    let end: (error: Error) => void = () => undefined;
    const handler: RecordsHandler = () =>
      new Promise((_, reject) => {
        end = reject;
      });
    const options = { logger, leftMs: 40 };
    await expect(run(handler, batch(1), options)).rejects.toThrow(InvocationEndingError);
    end(failure);
    await vi.waitFor(
      () =>
        expect(logger.error).toHaveBeenCalledWith(
          { error: failure },
          expect.stringContaining("after its invocation"),
        ),
      { timeout: 30_000 },
    );
  });

  it("leaves no timer behind", async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    await run(async () => undefined, batch(1), { leftMs: 900_000 });
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBe(before);
  });
});

describe("what is no event of a DynamoDB stream", () => {
  it.each([
    ["nothing", undefined],
    ["no records", {}],
    ["messages of SQS", { Records: [{ eventSource: "aws:sqs", body: "{}" }] }],
    ["records of Kinesis", { Records: [record(1), { eventSource: "aws:kinesis" }] }],
  ])("is refused before it is handled: %s", async (_, event) => {
    const handler = vi.fn<RecordsHandler>();
    await expect(run(handler, event as DynamoDBStreamEvent)).rejects.toThrow(TypeError);
    expect(handler).not.toHaveBeenCalled();
  });
});

it("options that are none are refused at once", () => {
  expect(() => createLambdaHandler(undefined as unknown as RecordsHandler)).toThrow(TypeError);
  for (const marginMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => createLambdaHandler(failing, { marginMs })).toThrow(RangeError);
  }
});
