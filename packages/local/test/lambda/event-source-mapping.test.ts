import { describe, expect, it } from "vitest";
import { type EventSourceMapping, runEventSourceMapping } from "../../src/lambda/event-source-mapping.ts";
import type { FailureRecord } from "../../src/lambda/failure-record.ts";
import { type MappingOptions, mappingSettings } from "../../src/lambda/mapping-settings.ts";
import { idsOf, type TestFunction, testFunction } from "./local-functions.ts";
import { StreamModel } from "./stream-model.ts";
import { VirtualTime } from "./virtual-time.ts";

/** On a model of a stream: shards roll over, split, get trimmed; time is virtual. */

interface Started {
  readonly mapping: EventSourceMapping;
  readonly time: VirtualTime;
  readonly givenUp: readonly FailureRecord[];
}

async function start(
  stream: StreamModel,
  fn: TestFunction,
  options: Partial<MappingOptions> = {},
): Promise<Started> {
  const time = new VirtualTime();
  const givenUp: FailureRecord[] = [];
  const settings = mappingSettings({
    function: fn,
    startingPosition: "TRIM_HORIZON",
    onFailure: (record) => givenUp.push(record),
    ...options,
  });
  return { mapping: await runEventSourceMapping(stream, settings, time), time, givenUp };
}

describe("shards", () => {
  it("are read parents first, through roll-overs and splits", async () => {
    const stream = new StreamModel(2);
    for (const id of ["1", "2", "3"]) stream.write(id);
    const [left, right] = stream.rollOver(2);
    if (left === undefined || right === undefined) throw new Error("Two children");
    stream.write("left", { shard: left });
    stream.write("right", { shard: right });
    stream.rollOver();
    const fn = testFunction(() => undefined);
    const { mapping } = await start(stream, fn, { batchSize: 1 });
    await mapping.whenCaughtUp();
    const ids = fn.events.flatMap(idsOf);
    expect(ids.slice(0, 3)).toEqual(["1", "2", "3"]);
    expect(new Set(ids.slice(3))).toEqual(new Set(["left", "right"]));
    stream.write("after the roll-over");
    stream.rollOver();
    stream.write("child");
    await mapping.whenCaughtUp();
    expect(fn.events.flatMap(idsOf).slice(5)).toEqual(["after the roll-over", "child"]);
    await mapping.stop();
  });

  it("wait while their parent's batch fails, and others go on", async () => {
    const stream = new StreamModel();
    const [bad, good] = stream.rollOver(2);
    if (bad === undefined || good === undefined) throw new Error("Two children");
    stream.write("bad", { shard: bad });
    stream.write("behind", { shard: bad });
    stream.rollOver();
    const [, , , badChild, goodChild] = stream.shardIds;
    if (badChild === undefined || goodChild === undefined) throw new Error("Two grandchildren");
    stream.write("child of bad", { shard: badChild });
    stream.write("child of good", { shard: goodChild });
    let healed = false;
    const fn = testFunction((event) => {
      if (idsOf(event).includes("bad") && !healed) throw new Error("not yet");
    });
    const { mapping } = await start(stream, fn, { batchSize: 1 });
    await expect.poll(() => mapping.stats.failures).toBeGreaterThan(20);
    expect(fn.events.flatMap(idsOf)).toContain("child of good");
    expect(fn.events.flatMap(idsOf)).not.toContain("behind");
    expect(fn.events.flatMap(idsOf)).not.toContain("child of bad");
    healed = true;
    await mapping.whenCaughtUp();
    expect(fn.events.flatMap(idsOf).slice(-2)).toEqual(["behind", "child of bad"]);
    await mapping.stop();
  });

  it("begin at LATEST, but their children at the beginning", async () => {
    const stream = new StreamModel();
    stream.write("closed before");
    stream.rollOver();
    stream.write("before");
    const fn = testFunction(() => undefined);
    const { mapping } = await start(stream, fn, { startingPosition: "LATEST" });
    stream.write("after");
    stream.rollOver();
    stream.write("child");
    await mapping.whenCaughtUp();
    expect(fn.events.flatMap(idsOf)).toEqual(["after", "child"]);
    await mapping.stop();
  });

  it("are read on where an iterator has expired, without a gap", async () => {
    const stream = new StreamModel(1);
    for (const id of ["1", "2", "3"]) stream.write(id);
    const fn = testFunction(() => {
      stream.expired = true;
    });
    const { mapping } = await start(stream, fn);
    await mapping.whenCaughtUp();
    expect(fn.events.flatMap(idsOf)).toEqual(["1", "2", "3"]);
    expect(mapping.stats.gaps).toBe(0);
    await mapping.stop();
  });

  it("are read on from the oldest record where some were trimmed, and the gap is counted", async () => {
    const stream = new StreamModel(1);
    const [shardId = ""] = stream.shardIds;
    for (const id of ["1", "2", "3", "4"]) stream.write(id);
    let isFirst = true;
    const fn = testFunction(() => {
      if (isFirst) stream.trim(shardId, 3);
      isFirst = false;
    });
    // Batches of one: the second is read only after the first has been taken.
    const { mapping } = await start(stream, fn, { batchSize: 1 });
    await mapping.whenCaughtUp();
    const ids = fn.events.flatMap(idsOf);
    expect(ids[0]).toBe("1");
    expect(ids.at(-1)).toBe("4");
    expect(ids).not.toContain("3");
    expect(mapping.stats.gaps).toBe(1);
    await mapping.stop();
  });
});

describe("batches", () => {
  it("are gathered for the window, and cut at the batch size", async () => {
    const stream = new StreamModel();
    for (const id of ["1", "2", "3"]) stream.write(id);
    const fn = testFunction(() => undefined);
    const { mapping, time } = await start(stream, fn, { batchSize: 2, maximumBatchingWindowMs: 5_000 });
    await mapping.whenCaughtUp();
    expect(fn.events.map(idsOf)).toEqual([["1", "2"], ["3"]]);
    expect(time.now()).toBeGreaterThanOrEqual(5_000);
    await mapping.stop();
  });

  it("do not wait for their window once the shard is closed", async () => {
    const stream = new StreamModel();
    stream.write("1");
    stream.rollOver();
    const fn = testFunction(() => undefined);
    const { mapping, time } = await start(stream, fn, { maximumBatchingWindowMs: 300_000 });
    await mapping.whenCaughtUp();
    expect(fn.events.map(idsOf)).toEqual([["1"]]);
    expect(time.now()).toBeLessThan(300_000);
    await mapping.stop();
  });

  it("are given up when their records are too old, also before the first invocation", async () => {
    const stream = new StreamModel();
    const sequenceNumber = stream.write("old", { at: new Date(-61_000) });
    stream.write("young", { at: new Date(0) });
    const fn = testFunction(() => {
      throw new Error("always");
    });
    const { mapping, time, givenUp } = await start(stream, fn, { maximumRecordAgeSeconds: 60 });
    await mapping.whenCaughtUp();
    expect(new Set(fn.events.flatMap(idsOf))).toEqual(new Set(["young"]));
    expect(time.now()).toBeGreaterThan(60_000);
    const { invocations } = mapping.stats;
    expect(givenUp.map(({ requestContext }) => requestContext)).toMatchObject([
      { condition: "RecordAgeExceeded", approximateInvokeCount: 0 },
      { condition: "RecordAgeExceeded", approximateInvokeCount: invocations },
    ]);
    expect(givenUp[0]?.DDBStreamBatchInfo.endSequenceNumber).toBe(sequenceNumber);
    expect(givenUp.map(({ responseContext }) => responseContext?.functionError)).toEqual([
      undefined,
      "Unhandled",
    ]);
    await mapping.stop();
  });

  it("of one shard are under way together only where asked for", async () => {
    for (const parallelizationFactor of [1, 4]) {
      const stream = new StreamModel();
      for (let n = 0; n < 40; n += 1) stream.write(`item ${n % 20}`);
      let running = 0;
      let most = 0;
      const fn = testFunction(async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        running -= 1;
      });
      const { mapping } = await start(stream, fn, { batchSize: 1, parallelizationFactor });
      await mapping.whenCaughtUp();
      expect(mapping.stats.delivered).toBe(40);
      expect(most).toBe(parallelizationFactor);
      await mapping.stop();
    }
  });

  it("get an event that an earlier invocation cannot have changed", async () => {
    const stream = new StreamModel();
    stream.write("1");
    let attempts = 0;
    const fn = testFunction((event) => {
      attempts += 1;
      const [record] = event.Records;
      expect(record?.dynamodb.NewImage?.["n"]).toEqual({ N: "1" });
      Object.assign(record?.dynamodb.NewImage?.["n"] ?? {}, { N: "2" });
      if (attempts < 3) throw new Error("again");
    });
    const { mapping } = await start(stream, fn, { maximumRetryAttempts: 2 });
    await mapping.whenCaughtUp();
    expect(mapping.stats).toMatchObject({ invocations: 3, delivered: 1, discarded: 0 });
    await mapping.stop();
  });
});

describe("a mapping", () => {
  it("ends with the error of its destination", async () => {
    const stream = new StreamModel();
    stream.write("1");
    const fn = testFunction(() => {
      throw new Error("always");
    });
    const { mapping } = await start(stream, fn, {
      maximumRetryAttempts: 0,
      onFailure: () => {
        throw new Error("the destination is full");
      },
    });
    await expect(mapping.done).rejects.toThrow("the destination is full");
    await expect(mapping.whenCaughtUp()).rejects.toThrow("the destination is full");
    await expect(mapping.stop()).rejects.toThrow("the destination is full");
  });
});
