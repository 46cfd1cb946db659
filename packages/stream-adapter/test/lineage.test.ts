import { describe, expect, it } from "vitest";
import { planReading, type Shard, type StreamView } from "../src/worker/lineage.ts";
import { compareSequenceNumbers } from "../src/worker/sequence-number.ts";
import { kindOfStreamsError } from "../src/worker/streams-error.ts";

function stream(shards: readonly Shard[], isDisabled = false, streamArn = "arn/1"): StreamView {
  return { streamArn, isDisabled, shards: new Map(shards.map((shard) => [shard.shardId, shard])) };
}

function plan(streams: readonly StreamView[], finished: readonly string[] = []): unknown {
  const { readable, waiting } = planReading(streams, ({ streamArn, shardId }) =>
    finished.includes(`${streamArn}/${shardId}`),
  );
  return {
    readable: readable.map(({ shardId, isParentGone }) => (isParentGone ? `${shardId}!` : shardId)),
    waiting: waiting.map(({ shardId }) => shardId),
  };
}

describe("planReading", () => {
  const family: Shard[] = [
    { shardId: "a" },
    { shardId: "b", parentShardId: "a" },
    { shardId: "c", parentShardId: "a" },
    { shardId: "d", parentShardId: "c" },
  ];

  it("begins with parents, open or not", () => {
    expect(plan([stream(family)])).toEqual({ readable: ["a"], waiting: ["b", "c", "d"] });
  });

  it("goes on with the children of what is finished", () => {
    expect(plan([stream(family)], ["arn/1/a"])).toEqual({ readable: ["b", "c"], waiting: ["d"] });
    expect(plan([stream(family)], ["arn/1/a", "arn/1/c"])).toEqual({ readable: ["b", "d"], waiting: [] });
  });

  it("reads a shard whose parent is gone, and says so unless the parent was finished", () => {
    const orphan = stream([{ shardId: "b", parentShardId: "a" }]);
    expect(plan([orphan])).toEqual({ readable: ["b!"], waiting: [] });
    expect(plan([orphan], ["arn/1/a"])).toEqual({ readable: ["b"], waiting: [] });
  });

  it("waits with a parent that no listing has shown, for its own parents", () => {
    const hidden = stream([
      { shardId: "a", isHidden: true },
      { shardId: "b", parentShardId: "a" },
    ]);
    expect(plan([hidden])).toEqual({ readable: [], waiting: ["a", "b"] });
  });

  it("reads an older stream to its end first, whatever the order of listing", () => {
    const newer = stream([{ shardId: "z" }], false, "arn/2");
    const older = stream([{ shardId: "a" }], true, "arn/1");
    expect(plan([newer, older])).toEqual({ readable: ["a"], waiting: ["z"] });
    expect(plan([newer, older], ["arn/1/a"])).toEqual({ readable: ["z"], waiting: [] });
  });

  it("doesn't take an older stream for done that may get more shards", () => {
    const streams = [stream([{ shardId: "a" }]), stream([{ shardId: "z" }], false, "arn/2")];
    expect(plan(streams, ["arn/1/a"])).toEqual({ readable: [], waiting: ["z"] });
  });
});

describe("compareSequenceNumbers", () => {
  it("compares numbers of any length", () => {
    const numbers = ["100", "99", "000000000000000000001", "40000000000000000000000000000000000001", "9"];
    expect(numbers.sort(compareSequenceNumbers)).toEqual([
      "000000000000000000001",
      "9",
      "99",
      "100",
      "40000000000000000000000000000000000001",
    ]);
    // The same as floats.
    expect(compareSequenceNumbers("9007199254740993", "9007199254740992")).toBe(1);
    expect(compareSequenceNumbers("0012", "12")).toBe(0);
  });
});

describe("kindOfStreamsError", () => {
  const named = (name: string, httpStatusCode?: number): Error =>
    Object.assign(new Error(name), { name }, httpStatusCode && { $metadata: { httpStatusCode } });

  it.each([
    ["ExpiredIteratorException", 400, "expired"],
    ["TrimmedDataAccessException", 400, "trimmed"],
    ["ResourceNotFoundException", 400, "gone"],
    ["ProvisionedThroughputExceededException", 400, "throttled"],
    ["Unnamed", 429, "throttled"],
    ["InternalServerError", 500, "transient"],
    ["TimeoutError", undefined, "transient"],
    ["ExpiredTokenException", 400, "transient"],
    ["AccessDeniedException", 400, "fatal"],
    ["TypeError", undefined, "fatal"],
    ["SyntaxError", 503, "transient"],
  ])("%s %s is %s", (name, status, kind) => {
    expect(kindOfStreamsError(named(name, status))).toBe(kind);
  });
});
