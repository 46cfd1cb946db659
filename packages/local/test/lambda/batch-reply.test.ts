import { describe, expect, it } from "vitest";
import { readReply } from "../../src/lambda/batch-reply.ts";

const SEQUENCE_NUMBERS = ["9", "10", "11"];
const ALL_AGAIN = { kind: "failure" };

function read(reply: unknown, reports = true): unknown {
  const payload = typeof reply === "string" ? reply : JSON.stringify(reply);
  return readReply({ payload, functionError: undefined }, SEQUENCE_NUMBERS, reports);
}

describe("readReply", () => {
  it.each([
    [""],
    ['""'],
    ["null"],
    [[]],
    [{}],
    [{ batchItemFailures: [] }],
    [{ batchItemFailures: null }],
    [{ batchitemfailures: [{ itemIdentifier: "9" }] }],
  ])("takes %j for a success", (reply) => {
    expect(read(reply)).toEqual({ kind: "success" });
  });

  it.each([
    [{ batchItemFailures: [{ itemIdentifier: "" }] }],
    [{ batchItemFailures: [{ itemIdentifier: null }] }],
    [{ batchItemFailures: [{ itemIdentifier: 9 }] }],
    [{ batchItemFailures: [{ itemIdentifier: "12" }] }],
    [{ batchItemFailures: [{ identifier: "9" }] }],
    [{ batchItemFailures: [{ itemIdentifier: "9" }, { itemIdentifier: "12" }] }],
    [{ batchItemFailures: ["9"] }],
    [{ batchItemFailures: "9" }],
    ["{"],
  ])("takes %j for a failure of the whole batch", (reply) => {
    expect(read(reply)).toEqual(ALL_AGAIN);
  });

  it("begins again at the lowest number, which is not the first as text", () => {
    const failures = ["11", "10", "9"].map((itemIdentifier) => ({ itemIdentifier }));
    expect(read({ batchItemFailures: failures })).toEqual({ kind: "failureFrom", index: 0 });
    expect(read({ batchItemFailures: failures.slice(0, 2) })).toEqual({ kind: "failureFrom", index: 1 });
  });

  it("listens to reports only where they are asked for, and to errors always", () => {
    expect(read({ batchItemFailures: [{ itemIdentifier: "9" }] }, false)).toEqual({ kind: "success" });
    const crashed = { payload: '{"batchItemFailures":[]}', functionError: "Unhandled" };
    expect(readReply(crashed, SEQUENCE_NUMBERS, true)).toEqual(ALL_AGAIN);
    expect(readReply(crashed, SEQUENCE_NUMBERS, false)).toEqual(ALL_AGAIN);
  });
});
