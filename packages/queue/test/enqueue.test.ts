import { createMemoryControlStorage } from "@tuppence/core/leases";
import { type ChainStorage, createMemoryStorage } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createQueue, type QueueOptions, type QueuePlace } from "../src/index.ts";
import { createQueueOn } from "../src/create-queue.ts";
import { collect } from "./collect.ts";
import { connect } from "@tuppence/test-support/database";

const client = connect("queueenqueue");

const places: Record<string, () => QueuePlace> = {
  memory: () => ({ storage: createMemoryStorage(), control: createMemoryControlStorage() }),
  DynamoDB: () => ({ client }),
  "DynamoDB with lean requests": () => ({ client, leanRequests: true }),
};

describe.each(Object.entries(places))("a queue in %s", (place, open) => {
  const name = (of: string): string => `${of} in ${place}`;

  it("gives dense positions, in the order of the calls, and each id one", async () => {
    const queue = createQueue({ ...open(), name: name("dense") });
    await queue.ensureTables();
    const results = await Promise.all([
      queue.enqueue({ body: "a" }),
      queue.enqueue([{ body: { b: 1 } }, { body: null, key: "k", headers: { h: "1" } }]),
      queue.enqueue({ body: [3], messageId: "m" }),
    ]);
    expect(results.map(({ positions }) => positions)).toEqual([[1], [2, 3], [4]]);
    const read = await collect(queue.read(1));
    expect(read.map(({ body }) => body)).toEqual(["a", { b: 1 }, null, [3]]);
    expect(read[2]).toMatchObject({ position: 3, key: "k", headers: { h: "1" }, messageId: undefined });
    expect(read[0]).not.toHaveProperty("producer");
    expect(await queue.tail()).toEqual({ position: 4, enqueuedAt: read[3]?.enqueuedAt });
    expect(await queue.peek({ from: 2, limit: 2 })).toEqual(read.slice(1, 3));
    const again = await queue.enqueue([
      { body: 0, messageId: "m" },
      { body: 5, messageId: "n" },
      { body: 6, messageId: "n" },
    ]);
    expect(again).toMatchObject({ positions: [4, 5, 5], duplicates: [0, 2] });
  });

  it("numbers a producer's messages, and enqueues each once, whoever of its processes comes when", async () => {
    const options = { ...open(), name: name("produced"), producer: { id: "scanner" } };
    const one = createQueue(options);
    await one.ensureTables();
    expect(await one.producerState()).toEqual({ sequence: 0, position: 0 });
    await createQueue({ ...options, producer: undefined }).enqueue({ body: "other" });
    expect(await one.enqueue([{ body: 1 }, { body: 2 }])).toMatchObject({ positions: [2, 3] });
    const two = createQueue(options);
    expect(await two.enqueue([{ body: 2 }, { body: 3 }], { sequence: 2 })).toMatchObject({
      positions: [3, 4],
      duplicates: [0],
    });
    // The first does not know of the third yet.
    expect(await one.enqueue({ body: 4 }, { sequence: 4 })).toMatchObject({ positions: [5] });
    await expect(two.enqueue({ body: 9 }, { sequence: 9 })).rejects.toMatchObject({
      code: "producerSequence",
      producer: "scanner",
      sequence: 9,
      expected: 5,
    });
    expect(await two.producerState()).toEqual({ sequence: 4, position: 5 });
    const read = await collect(one.read(1));
    expect(read.map(({ body, producer }) => [body, producer?.sequence])).toEqual([
      ["other", undefined],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    await one.close();
    expect(await createQueue(options).producerState()).toEqual({ sequence: 4, position: 5 });
  });

  it("keeps everything of a call or nothing, and says what is wrong", async () => {
    const schema = z.object({ fee: z.number().default(5) });
    const queue = createQueue({ ...open(), name: name("checked"), schema });
    await queue.ensureTables();
    await expect(queue.enqueue([{ body: {} }, { body: { fee: "x" as never } }])).rejects.toMatchObject({
      code: "invalidMessage",
      index: 1,
      issues: [{ path: "body.fee" }],
    });
    expect(await queue.enqueue({ body: {} })).toMatchObject({ positions: [1] });
    const [message] = await collect(queue.read(1));
    expect(message?.body.fee).toBe(5);
  });
});

const memory = (): Pick<QueueOptions, "name"> & QueuePlace => ({
  name: "q",
  storage: createMemoryStorage(),
  control: createMemoryControlStorage(),
});

describe("a call", () => {
  it.each([
    [{ body: undefined }, "body"],
    [{ body: { at: new Date() } }, "body.at"],
    [{ body: 1, key: "" }, "key"],
    [{ body: 1, messageId: "i".repeat(1_025) }, "messageId"],
    [{ body: 1, since: new Date(Number.NaN) }, "since"],
    [{ body: 1, headers: { a: 1 } as never }, "headers.a"],
    [{ body: 1, headers: [] as never }, "headers"],
    ["text" as never, "message"],
  ])("is refused that holds %j, before anything is sent", async (message, path) => {
    const queue = createQueue(memory());
    await expect(queue.enqueue([{ body: 1 }, message])).rejects.toMatchObject({
      code: "invalidMessage",
      index: 1,
      issues: [{ path }],
    });
    expect(await queue.tail()).toEqual({ position: 0, enqueuedAt: undefined });
  });

  it("without a message is refused", async () => {
    await expect(createQueue(memory()).enqueue([])).rejects.toMatchObject({
      code: "invalidMessage",
      queue: "q",
    });
  });

  it("that does not fit an item is refused, one message or all of them; what compresses is taken", async () => {
    const random = (seed: number): string =>
      Array.from({ length: 600 }, (_, index) =>
        (((seed + index) * 2_654_435_761) % 2 ** 32).toString(36),
      ).join("");
    const queue = createQueueOn(memory(), { maxItemBytes: 4_000 });
    const tooLarge = { code: "messageTooLarge", queue: "q", limit: 4_000 };
    const half = (seed: number) => ({ body: random(seed).slice(0, 2_800) });
    await expect(queue.enqueue([{ body: 1 }, { body: random(1) + random(900) }])).rejects.toMatchObject({
      ...tooLarge,
      index: 1,
    });
    await expect(queue.enqueue([half(1), half(2_000), half(4_000)])).rejects.toMatchObject({
      ...tooLarge,
      index: undefined,
    });
    const [large] = [{ body: "the same ".repeat(2_000) }];
    const results = await Promise.all([{ body: 1 }, large, half(7)].map((message) => queue.enqueue(message)));
    expect(results.map(({ positions }) => positions)).toEqual([[1], [2], [3]]);
    expect((await collect(queue.read(1))).map(({ body }) => body)).toEqual([1, large.body, half(7).body]);
  });

  it("is refused when too many wait, and taken once they are written", async () => {
    const queue = createQueue({ ...memory(), maxWaiting: 3 });
    const three = queue.enqueue([{ body: 1 }, { body: 2 }, { body: 3 }]);
    // Before the first is prepared nothing waits.
    await Promise.resolve();
    await Promise.resolve();
    await expect(queue.enqueue({ body: 4 })).rejects.toMatchObject({
      code: "queueFull",
      retryable: true,
      waiting: 3,
      maxWaiting: 3,
    });
    await three;
    expect(await queue.enqueue({ body: 4 })).toMatchObject({ positions: [4] });
    expect(await queue.enqueue([{ body: 5 }, { body: 6 }, { body: 7 }, { body: 8 }])).toMatchObject({
      positions: [5, 6, 7, 8],
    });
  });

  it("is taken back by its signal as long as it waits", async () => {
    const queue = createQueue(memory());
    const controller = new AbortController();
    const [kept, gone] = [
      queue.enqueue({ body: 1 }),
      queue.enqueue({ body: 2 }, { signal: controller.signal }),
    ];
    controller.abort();
    await expect(gone).rejects.toBe(controller.signal.reason);
    expect(await kept).toMatchObject({ positions: [1] });
    expect(await queue.tail()).toMatchObject({ position: 1 });
  });

  it("waits for others as long as it is told to", async () => {
    const waits: number[] = [];
    const wakes: (() => void)[] = [];
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        waits.push(ms);
        wakes.push(resolve);
      });
    const queue = createQueue({ ...memory(), lingerMs: 20, runtime: { sleep } });
    const first = queue.enqueue({ body: 1 });
    await Promise.resolve();
    const second = queue.enqueue({ body: 2 });
    wakes[0]?.();
    expect((await first).positions).toEqual([1]);
    expect((await second).capacity.requests).toBe(0);
    expect(waits[0]).toBe(20);
  });
});

describe("a producer", () => {
  it("misses nothing that is written while it finds out how far it is", async () => {
    const { name, ...place } = {
      name: "q",
      storage: createMemoryStorage(),
      control: createMemoryControlStorage(),
    };
    const options = { name, ...place, producer: { id: "scanner" } };
    const other = createQueue(options);
    await other.producerState();
    let queries = 0;
    // The other process writes its first message behind each of the reads in turn.
    for (let behind = 1; behind <= 4; behind++) {
      const storage: ChainStorage = {
        ...place.storage,
        query: async (range) => {
          const page = await place.storage.query(range);
          queries += 1;
          if (queries === behind) await other.enqueue({ body: behind }, { sequence: behind });
          return page;
        },
      };
      queries = 0;
      const { positions } = await createQueue({ ...options, storage }).enqueue(
        { body: behind },
        { sequence: behind },
      );
      expect(positions).toEqual([behind]);
      // From there on the next one reads.
      await other.producerState();
      await other.close();
    }
    const bodies = (await collect(other.read(1))).map(({ body }) => body);
    expect(bodies).toEqual([1, 2, 3, 4]);
  });
});

it("closing waits for what is being written", async () => {
  const place = memory();
  const queue = createQueue({ ...place, producer: { id: "p" } });
  const enqueued = queue.enqueue({ body: 1 });
  await queue.enqueue({ body: 2 });
  const last = queue.enqueue({ body: 3 });
  // It is on its way once it has been checked.
  await Promise.resolve();
  await Promise.resolve();
  await queue.close();
  expect(await createQueue(place).tail()).toMatchObject({ position: 3 });
  expect([await enqueued, await last]).toMatchObject([{ positions: [1] }, { positions: [3] }]);
});

describe("options", () => {
  it.each([
    { name: "" },
    { name: "a|b" },
    { name: "n".repeat(256) },
    { name: "q", producer: { id: "|" } },
    { name: "q", dedupWindowMs: -1 },
    { name: "q", lingerMs: Number.NaN },
    { name: "q", maxWaiting: 0 },
  ])("%j can't be", (options) => {
    expect(() => createQueue({ ...memory(), ...options })).toThrow(/TypeError|RangeError|no name|has to be/);
  });

  it("of calls are checked at once", async () => {
    const queue = createQueue(memory());
    await expect(queue.enqueue({ body: 1 }, { sequence: 1 })).rejects.toThrow(TypeError);
    await expect(queue.producerState()).rejects.toThrow(TypeError);
    const produced = createQueue({ ...memory(), producer: { id: "p" } });
    await expect(produced.enqueue({ body: 1 }, { sequence: 0 })).rejects.toThrow(RangeError);
    expect(() => queue.read(0)).toThrow(RangeError);
    await expect(queue.peek({ limit: 0.5 })).rejects.toThrow(RangeError);
    await expect(queue.trim({ before: -1 })).rejects.toThrow(RangeError);
    await expect(queue.positionAt(new Date(Number.NaN))).rejects.toThrow(RangeError);
  });
});
