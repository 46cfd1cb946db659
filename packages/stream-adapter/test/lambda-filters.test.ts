import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRecord } from "../src/index.ts";
import {
  COMMITS_FILTER,
  commitsFilter,
  eventSourceMapping,
  EXPIRATIONS_FILTER,
  type RecordFilter,
} from "../src/lambda/index.ts";

/** What AWS says a pattern lets through, for the operators that ours have. */
function lets(filter: RecordFilter, record: unknown): boolean {
  return matches(JSON.parse(filter.Pattern), record);
}

function matches(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.some((rule) => matchesRule(rule, value));
  return Object.entries(pattern as object).every(([key, each]) =>
    matches(each, (value as Readonly<Record<string, unknown>> | undefined)?.[key]),
  );
}

function matchesRule(rule: unknown, value: unknown): boolean {
  if (typeof value !== "string") return false;
  if (typeof rule === "string") return rule === value;
  const [[operator, operand] = []] = Object.entries(rule as object);
  if (operator === "prefix") return value.startsWith(operand as string);
  if (operator === "anything-but") {
    return Array.isArray(operand) ? !operand.includes(value) : !matchesRule(operand, value);
  }
  throw new Error(`the operator ${operator}`);
}

const id = Buffer.alloc(16).toString("base64");

function put(chain: string, slot = "1", eventName = "INSERT"): unknown {
  const Keys = { p: { S: chain }, s: { N: slot } };
  const NewImage = { ...Keys, i: { B: id }, t: { N: "1" } };
  return { eventName, eventSource: "aws:dynamodb", dynamodb: { SequenceNumber: "1", Keys, NewImage } };
}

describe("the filter for commits", () => {
  it("lets through what is decoded as a commit, but for the pages of the log", () => {
    const chain = fc.oneof(
      fc.constantFrom("permit|1", "$all", "$queue|a", "permit$"),
      fc.string({ minLength: 1 }),
    );
    const slot = fc.constantFrom("1", "42", "9007199254740991", "9007199254740992");
    const eventName = fc.constantFrom("INSERT", "MODIFY", "REMOVE");
    fc.assert(
      fc.property(chain, slot, eventName, (...args) => {
        const record = put(...args);
        const decoded = decodeRecord(record);
        const isWanted = decoded.kind === "commit" && decoded.chain !== "$all";
        expect(lets(COMMITS_FILTER, record)).toBe(isWanted);
      }),
    );
  });

  it("of a category lets through its streams", () => {
    const filter = commitsFilter({ category: "permit" });
    const passing = ["permit|1", "permit", "permits|1", "Permit|1", "$permit|1"].filter((chain) =>
      lets(filter, put(chain)),
    );
    expect(passing).toEqual(["permit|1", "permit"]);
    expect(lets(filter, put("permit|1", "9007199254740992"))).toBe(false);
    for (const category of ["", "a|b"]) expect(() => commitsFilter({ category })).toThrow(RangeError);
  });

  it("of a chain lets through that chain", () => {
    const filter = commitsFilter({ chain: "$queue|mail" });
    expect(["$queue|mail", "$queue|mails", "$queue"].map((chain) => lets(filter, put(chain)))).toEqual([
      true,
      false,
      false,
    ]);
    expect(() => commitsFilter({ chain: "" })).toThrow(RangeError);
  });
});

it("the filter for expirations lets through what DynamoDB removed", () => {
  const userIdentity = { type: "Service", principalId: "dynamodb.amazonaws.com" };
  const removed = put("BELL|0|1", "1", "REMOVE") as object;
  expect(lets(EXPIRATIONS_FILTER, { ...removed, userIdentity })).toBe(true);
  expect(lets(EXPIRATIONS_FILTER, removed)).toBe(false);
  expect(lets(EXPIRATIONS_FILTER, { ...removed, userIdentity: { ...userIdentity, principalId: "me" } })).toBe(
    false,
  );
  expect(lets(EXPIRATIONS_FILTER, { ...removed, userIdentity, eventName: "MODIFY" })).toBe(false);
});

describe("the settings of the event source mapping", () => {
  it("are the ones that lose nothing and keep the order", () => {
    expect(eventSourceMapping()).toStrictEqual({
      StartingPosition: "TRIM_HORIZON",
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 0,
      ParallelizationFactor: 1,
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: -1,
    });
  });

  it("have the filters that are asked for, each shorter than AWS's limit of 4,096", () => {
    const { FilterCriteria } = eventSourceMapping(COMMITS_FILTER, commitsFilter({ chain: "$all" }));
    expect(FilterCriteria?.Filters).toHaveLength(2);
    expect(FilterCriteria?.Filters[0]).toEqual(COMMITS_FILTER);
    expect(commitsFilter({ chain: "c".repeat(1_024) }).Pattern.length).toBeLessThan(4_096);
  });
});
