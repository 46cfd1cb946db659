import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  commitIdFrom,
  createCommitId,
  formatCommitId,
  newCommitId,
  parseCommitId,
} from "../src/commit-id.ts";

describe("a commit id", () => {
  it("is the same in 16 bytes and in 26 characters", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = formatCommitId(bytes);
        expect(text).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
        expect(parseCommitId(text)).toEqual(bytes);
      }),
    );
  });

  it("is a ULID: its first ten characters are the time", () => {
    expect(formatCommitId(newCommitId(1_469_918_176_385))).toMatch(/^01ARYZ6S41/);
    expect(formatCommitId(newCommitId(0))).toMatch(/^0000000000/);
  });

  it("is new each time, or follows from a text", () => {
    const ids = new Set(Array.from({ length: 10_000 }, () => createCommitId()));
    expect(ids.size).toBe(10_000);
    expect(commitIdFrom("request-1")).toBe(commitIdFrom("request-1"));
    expect(commitIdFrom("request-1")).not.toBe(commitIdFrom("request-2"));
    expect(commitIdFrom("request-1")).toMatch(/^00000000000*/);
  });

  it.each([
    "",
    "short",
    "01ARYZ6S41TSV4RRFFQ69G5FA",
    "01ARYZ6S41TSV4RRFFQ69G5FAVV",
    "01aryz6s41tsv4rrffq69g5fav",
    "81ARYZ6S41TSV4RRFFQ69G5FAV",
    "01ARYZ6S41TSV4RRFFQ69G5FAU",
  ])("is not %j", (text) => {
    expect(() => parseCommitId(text)).toThrow(TypeError);
  });
});
