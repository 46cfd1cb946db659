import { describe, expect, it } from "vitest";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { type RecordsHandler, StoppedAtRecordError } from "../src/records-handler.ts";
import type { StreamRecord } from "../src/stream-record.ts";
import { PollingWorker, type StreamWorker, type WorkerParts } from "../src/worker/stream-worker.ts";
import type { Gap, WorkerEvent } from "../src/worker/worker-event.ts";
import { WORKER_GUARDS } from "../src/worker/worker-guards.ts";
import { MemoryLeases } from "./memory-leases.ts";
import { NO_FAULTS, StreamsModel } from "./streams-model.ts";
import { VirtualTime } from "./virtual-time.ts";

const random = seededRandom(7);

interface Setting {
  readonly time: VirtualTime;
  readonly model: StreamsModel;
  readonly leases: MemoryLeases;
  readonly events: WorkerEvent[];
  readonly gaps: Gap[];
  readonly sleep: (ms: number) => Promise<void>;
  readonly worker: (handler: RecordsHandler, parts?: Partial<WorkerParts>) => StreamWorker;
  readonly count: (type: WorkerEvent["type"]) => number;
}

function setUp(): Setting {
  const time = new VirtualTime(random);
  const runtime = time.runtime();
  const model = new StreamsModel({ random, now: () => time.now });
  const leases = new MemoryLeases();
  const events: WorkerEvent[] = [];
  const gaps: Gap[] = [];
  let workers = 0;
  const worker = (handler: RecordsHandler, parts?: Partial<WorkerParts>): StreamWorker => {
    const created = new PollingWorker({
      api: model,
      leases: leases.join(`w${++workers}`, runtime, async (apply) => apply()),
      runtime,
      guards: WORKER_GUARDS,
      tableName: "table",
      decode: (raw): StreamRecord => {
        const { dynamodb } = raw as {
          dynamodb: { SequenceNumber: string; ApproximateCreationDateTime: Date };
        };
        return {
          kind: "unknown",
          sequenceNumber: dynamodb.SequenceNumber,
          eventId: undefined,
          changedAt: dynamodb.ApproximateCreationDateTime,
          raw,
        };
      },
      handler,
      onGap: async (gap) => void gaps.push(gap),
      onEvent: (event) => void events.push(event),
      batchSize: 1_000,
      maxIdleMs: 1_000,
      trimAgeMs: 0,
      ...parts,
    });
    created.start();
    return created;
  };
  const count = (type: WorkerEvent["type"]): number => events.filter((event) => event.type === type).length;
  return { time, model, leases, events, gaps, sleep: (ms) => runtime.sleep(ms), worker, count };
}

// Workers are not stopped at the end: nothing lets their time go on.
const change = (key: string, sizeBytes = 100) => ({ keys: { p: { S: key } }, sizeBytes });
const nothing: RecordsHandler = async () => undefined;

describe("pacing", () => {
  it("asks an idle shard once a second by default, and tells that it caught up once", async () => {
    const { time, model, sleep, worker, count } = setUp();
    model.enable();
    await time.run(
      (async () => {
        worker(nothing);
        await sleep(10_000);
        const before = model.recordsCalls;
        await sleep(60_000);
        expect(model.recordsCalls - before).toBeGreaterThanOrEqual(59);
        expect(model.recordsCalls - before).toBeLessThanOrEqual(61);
        expect(count("caughtUp")).toBe(1);
      })(),
      200_000,
    );
  });

  it("asks a busy shard five times a second and no more", async () => {
    const { time, model, sleep, worker } = setUp();
    model.enable();
    for (let i = 0; i < 500; i++) model.write(change(`k${i}`));
    await time.run(
      (async () => {
        worker(nothing, { batchSize: 1 });
        await sleep(2_000);
        const before = model.recordsCalls;
        await sleep(60_000);
        expect(model.recordsCalls - before).toBeGreaterThanOrEqual(299);
        expect(model.recordsCalls - before).toBeLessThanOrEqual(301);
      })(),
      200_000,
    );
  });

  it("tells with each batch how far behind it is", async () => {
    const { time, model, sleep, worker, events, count } = setUp();
    model.enable();
    await time.run(
      (async () => {
        await sleep(1_000);
        model.write(change("a"));
        await sleep(30_000);
        worker(nothing);
        while (count("batchHandled") === 0) await sleep(100);
        const batch = events.find((event) => event.type === "batchHandled");
        expect(batch?.records).toBe(1);
        expect(batch?.lagMs).toBeGreaterThanOrEqual(30_000);
        expect(batch?.lagMs).toBeLessThan(40_000);
      })(),
      200_000,
    );
  });

  it("reads one page ahead of the handler, and no more", async () => {
    const { time, model, sleep, worker } = setUp();
    model.enable();
    for (let i = 0; i < 10; i++) model.write(change(`k${i}`, 600 * 1024));
    const sizes: number[] = [];
    await time.run(
      (async () => {
        worker(async (records) => {
          sizes.push(records.length);
          await sleep(20_000);
        });
        await sleep(15_000);
        expect(model.recordsCalls).toBe(2);
        // A page takes 1 MB.
        expect(sizes).toEqual([1]);
      })(),
      200_000,
    );
  });
});

describe("a handler that fails", () => {
  it("gets the records from the failed one on, while other shards go on, until it succeeds", async () => {
    const { time, model, leases, events, sleep, worker } = setUp();
    const stream = model.enable(2);
    for (let i = 0; i < 40; i++) model.write(change(`k${i}`));
    const blockedShard = stream.shards[0]?.shardId;
    const sizes: number[] = [];
    let others = 0;
    let isBroken = true;
    await time.run(
      (async () => {
        const running = worker(async (records, { shardId }) => {
          if (shardId !== blockedShard) return void (others += records.length);
          sizes.push(records.length);
          if (isBroken) throw records.length > 3 ? new StoppedAtRecordError(2) : new Error("not these");
        });
        await sleep(60_000);
        const all = stream.shards[0]?.records.length ?? 0;
        expect(others).toBe(40 - all);
        expect(sizes.slice(0, 3)).toEqual([all, all - 2, all - 4]);
        const { shards } = await running.progress();
        expect(shards.find(({ shardId }) => shardId === blockedShard)).toMatchObject({
          state: "blocked",
          lastError: new Error("not these"),
          position: [...leases.stored.values()].find(({ owner, position }) => owner && position)?.position,
        });
        expect(shards.find(({ shardId }) => shardId !== blockedShard)).toMatchObject({
          state: "reading",
          lagMs: 0,
        });
        const blocked = events.filter((event) => event.type === "blocked");
        expect(blocked.at(-1)?.attempt).toBeGreaterThan(3);
        isBroken = false;
        await sleep(60_000);
        expect((await running.progress()).shards.map(({ state, lagMs }) => [state, lagMs])).toEqual([
          ["reading", 0],
          ["reading", 0],
        ]);
      })(),
      400_000,
    );
  });
});

describe("stop", () => {
  it("lets the batch be finished, commits it, and does not begin another", async () => {
    const { time, model, leases, sleep, worker } = setUp();
    const stream = model.enable();
    for (let i = 0; i < 10; i++) model.write(change(`k${i}`));
    const sizes: number[] = [];
    await time.run(
      (async () => {
        const running = worker(
          async (records) => {
            sizes.push(records.length);
            await sleep(5_000);
          },
          { batchSize: 5 },
        );
        while (sizes.length === 0) await sleep(100);
        await running.stop();
        expect(sizes).toEqual([5]);
        const last = stream.shards[0]?.records[4]?.dynamodb?.SequenceNumber;
        expect([...leases.stored.values()]).toMatchObject([{ owner: undefined, position: last }]);
        expect(() => running.start()).toThrow(TypeError);
      })(),
      100_000,
    );
  });

  it("aborts the handler's signal when the time is over, and then commits nothing", async () => {
    const { time, model, leases, sleep, worker } = setUp();
    model.enable();
    model.write(change("k"));
    const signals: AbortSignal[] = [];
    const done: unknown[] = [];
    await time.run(
      (async () => {
        const running = worker(async (_records, context) => {
          signals.push(context.signal);
          await sleep(60_000);
          done.push("late");
        });
        while (signals.length === 0) await sleep(100);
        const stopping = running.stop({ drainMs: 1_000 });
        await sleep(900);
        expect(signals[0]?.aborted).toBe(false);
        await stopping;
        expect(signals[0]?.aborted).toBe(true);
        while (done.length === 0) await sleep(1_000);
        await sleep(1_000);
        expect([...leases.stored.values()]).toMatchObject([{ owner: undefined, position: undefined }]);
      })(),
      200_000,
    );
  });
});

describe("gaps", () => {
  it("are told, and waited for, before the records after them", async () => {
    const { time, model, gaps, sleep, worker } = setUp();
    const stream = model.enable();
    for (let i = 0; i < 10; i++) model.write(change(`k${i}`));
    const shard = stream.shards[0];
    if (shard === undefined) throw new Error("no shard");
    const numberAt = (index: number): string | undefined => shard.records[index]?.dynamodb?.SequenceNumber;
    const handled: unknown[] = [];
    const handler: RecordsHandler = async (records) => {
      handled.push(...records.map(({ sequenceNumber }) => `${sequenceNumber} after ${gaps.length} gaps`));
    };
    let attempts = 0;
    await time.run(
      (async () => {
        const first = worker(handler, { batchSize: 3 });
        while (handled.length < 3) await sleep(100);
        await first.stop();
        const kept = handled.length + 2;
        model.trim(shard, kept);
        const before = numberAt(handled.length - 1);
        worker(handler, {
          async onGap(gap) {
            if (++attempts < 3) throw new Error("later");
            gaps.push(gap);
          },
        });
        while (!handled.includes(`${numberAt(9)} after 1 gaps`)) await sleep(100);
        expect(gaps).toEqual([
          {
            streamArn: stream.streamArn,
            shardId: shard.shardId,
            reason: "trimmed",
            afterSequenceNumber: before,
            untilSequenceNumber: numberAt(kept),
          },
        ]);
      })(),
      200_000,
    );
  });

  it("are not told when a shard's beginning is refused though its oldest record is young", async () => {
    const day = 24 * 3_600_000;
    for (const [ageMs, expected] of [
      [60_000, 0],
      [day, 1],
    ] as const) {
      const { time, model, gaps, sleep, worker } = setUp();
      const stream = model.enable();
      for (let i = 0; i < 3; i++) model.write(change(`k${i}`));
      for (const shard of stream.shards) model.trim(shard, 1);
      time.now += ageMs;
      const handled: unknown[] = [];
      await time.run(
        (async () => {
          worker(async (records) => void handled.push(...records), { trimAgeMs: day / 2 });
          while (handled.length < 2) await sleep(100);
          expect(gaps).toHaveLength(expected);
        })(),
        60_000,
      );
    }
  });

  it("are told when a stream is gone with all that it had, shards that waited included", async () => {
    const { time, model, gaps, sleep, worker, count } = setUp();
    const stream = model.enable();
    model.write(change("a"));
    model.splitShard(1);
    model.write(change("a"));
    let isBroken = true;
    await time.run(
      (async () => {
        const broken = async (): Promise<void> => {
          if (isBroken) throw new Error("not yet");
        };
        worker(broken);
        while (count("blocked") === 0) await sleep(100);
        model.disable();
        model.forget(stream);
        isBroken = false;
        await sleep(120_000);
        const child = stream.shards[1]?.shardId;
        expect(gaps.map(({ shardId, reason }) => [shardId, reason])).toContainEqual([child, "shardGone"]);
        expect(count("shardFinished")).toBe(2);
      })(),
      400_000,
    );
  });

  it("are told to a group that begins when a parent is gone already", async () => {
    const { time, model, gaps, sleep, worker } = setUp();
    const stream = model.enable();
    model.write(change("a"));
    model.splitShard(1);
    for (const shard of stream.shards.slice(0, 1)) model.trim(shard, 1);
    await time.run(
      (async () => {
        worker(nothing);
        await sleep(60_000);
        expect(gaps).toMatchObject([{ reason: "parentGone", afterSequenceNumber: undefined }]);
      })(),
      200_000,
    );
  });
});

describe("streams", () => {
  it("are waited for, and read one after the other when a table's is replaced", async () => {
    const { time, model, events, sleep, worker, count } = setUp();
    const shards: string[] = [];
    await time.run(
      (async () => {
        worker(async (_records, { shardId }) => void shards.push(String(shardId)));
        await sleep(10_000);
        expect(count("noStream")).toBe(1);
        const first = model.enable();
        model.write(change("a"));
        await sleep(60_000);
        const second = model.enable();
        model.write(change("a"));
        await sleep(120_000);
        expect(shards).toEqual([first.shards[0]?.shardId, second.shards[0]?.shardId]);
        expect(events.filter(({ type }) => type === "streamReplaced")).toEqual([
          { type: "streamReplaced", oldStreamArn: first.streamArn, newStreamArn: second.streamArn },
        ]);
      })(),
      400_000,
    );
  });

  it("are read on after throttles, each of which is told", async () => {
    const { time, model, events, sleep, worker } = setUp();
    model.enable();
    model.write(change("a"));
    model.faults = { ...NO_FAULTS, throttle: 0.5 };
    const handled: unknown[] = [];
    await time.run(
      (async () => {
        worker(async (records) => void handled.push(...records));
        while (handled.length === 0) await sleep(100);
        expect(events.some((event) => event.type === "requestFailed" && event.isThrottle)).toBe(true);
      })(),
      600_000,
    );
  });

  it("that may not be read end the worker, with the reason", async () => {
    const { time, model, sleep, worker, count } = setUp();
    const denied = Object.assign(new Error("no"), { name: "AccessDeniedException" });
    const $metadata = { httpStatusCode: 400 };
    const api = {
      listStreams: async () => Promise.reject(Object.assign(denied, { $metadata })),
      describeStream: model.describeStream.bind(model),
      getShardIterator: model.getShardIterator.bind(model),
      getRecords: model.getRecords.bind(model),
    };
    await time.run(
      (async () => {
        const running = worker(nothing, { api });
        while (!running.failed.aborted) await sleep(100);
        expect(running.failed.reason).toBe(denied);
        await running.stop();
        expect(count("failed")).toBe(1);
      })(),
      100_000,
    );
  });
});
