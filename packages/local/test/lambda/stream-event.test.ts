import { describe, expect, it } from "vitest";
import { batchLength, MAX_EVENT_BYTES } from "../../src/lambda/batch-length.ts";
import { failureRecord } from "../../src/lambda/failure-record.ts";
import { mappingSettings } from "../../src/lambda/mapping-settings.ts";
import { readableShards } from "../../src/lambda/shard-lineage.ts";
import { streamEventRecord } from "../../src/lambda/stream-event.ts";
import { testFunction } from "./local-functions.ts";
import { entryOf, insertOf } from "./records.ts";

describe("streamEventRecord", () => {
  it("writes who deleted an expired item in lower case", () => {
    const userIdentity = { Type: "Service", PrincipalId: "dynamodb.amazonaws.com" };
    expect(streamEventRecord({ ...insertOf("1", 5), userIdentity }, "arn")).toMatchObject({
      userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
    });
    expect(streamEventRecord(insertOf("1", 5), "arn")).not.toHaveProperty("userIdentity");
  });

  it("refuses what has no place in a stream", () => {
    expect(() => streamEventRecord({ eventID: "1" }, "arn")).toThrow(TypeError);
  });
});

describe("failureRecord", () => {
  const records = [entryOf("1", 5).record, entryOf("1", 7).record];
  const givenUp = {
    condition: "RetryAttemptsExhausted",
    records,
    invocations: 3,
    requestId: "request",
    functionArn: "function",
    shardId: "shard",
    now: 1_500,
  } as const;

  it("has the fields of the service's documentation", () => {
    const lastResult = { payload: "{}", functionError: "Unhandled" };
    expect(failureRecord({ ...givenUp, lastResult })).toEqual({
      requestContext: {
        requestId: "request",
        functionArn: "function",
        condition: "RetryAttemptsExhausted",
        approximateInvokeCount: 3,
      },
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      version: "1.0",
      timestamp: "1970-01-01T00:00:01.500Z",
      DDBStreamBatchInfo: {
        shardId: "shard",
        startSequenceNumber: "5",
        endSequenceNumber: "7",
        approximateArrivalOfFirstRecord: "1970-01-01T00:00:00Z",
        approximateArrivalOfLastRecord: "1970-01-01T00:00:00Z",
        batchSize: 2,
        streamArn: "arn:aws:dynamodb:r:1:table/t/stream/s",
      },
    });
  });

  it("has no response without an invocation", () => {
    expect(failureRecord({ ...givenUp, lastResult: undefined })).not.toHaveProperty("responseContext");
  });
});

describe("batchLength", () => {
  const bytes = (...sizes: number[]): readonly { bytes: number }[] => sizes.map((size) => ({ bytes: size }));

  it("takes up to the batch size, and up to 6 MB with the wrapper", () => {
    expect(batchLength(bytes(), 2)).toEqual({ records: 0, full: false });
    expect(batchLength(bytes(1), 2)).toEqual({ records: 1, full: false });
    expect(batchLength(bytes(1, 1, 1), 2)).toEqual({ records: 2, full: true });
    const half = MAX_EVENT_BYTES / 2;
    expect(batchLength(bytes(half, half, 1), 9)).toEqual({ records: 1, full: true });
    expect(batchLength(bytes(half, half - 16), 9)).toEqual({ records: 2, full: false });
    expect(batchLength(bytes(half, half - 15), 9)).toEqual({ records: 1, full: true });
  });
});

describe("readableShards", () => {
  const shard = (id: string, parentId?: string) => ({ id, parentId, closed: false });

  it("are those whose parents are finished or gone", () => {
    const shards = [shard("a"), shard("b", "a"), shard("c", "b"), shard("d", "dropped")];
    const ids = (finished: readonly string[]): readonly string[] =>
      readableShards(shards, new Set(finished)).map(({ id }) => id);
    expect(ids([])).toEqual(["a", "d"]);
    expect(ids(["a"])).toEqual(["b", "d"]);
    expect(ids(["a", "b", "d"])).toEqual(["c"]);
  });
});

describe("mappingSettings", () => {
  const options = { function: testFunction(() => undefined), startingPosition: "LATEST" } as const;

  it("has the service's defaults", () => {
    expect(mappingSettings(options)).toMatchObject({
      batchSize: 100,
      maximumBatchingWindowMs: 0,
      maximumRetryAttempts: -1,
      maximumRecordAgeSeconds: -1,
      parallelizationFactor: 1,
      reportBatchItemFailures: false,
      bisectBatchOnFunctionError: false,
    });
  });

  it.each([
    [{ batchSize: 0 }],
    [{ batchSize: 10_001 }],
    [{ batchSize: 1.5 }],
    [{ maximumBatchingWindowMs: 300_001 }],
    [{ maximumRetryAttempts: -2 }],
    [{ maximumRetryAttempts: 10_001 }],
    [{ maximumRecordAgeSeconds: 59 }],
    [{ maximumRecordAgeSeconds: 604_801 }],
    [{ parallelizationFactor: 11 }],
  ])("refuses %j", (mistake) => {
    expect(() => mappingSettings({ ...options, ...mistake })).toThrow(RangeError);
  });

  it("refuses another starting position", () => {
    const startingPosition = "AT_TIMESTAMP" as "LATEST";
    expect(() => mappingSettings({ ...options, startingPosition })).toThrow(TypeError);
  });
});
