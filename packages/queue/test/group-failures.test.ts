import { once } from "node:events";
import { NonRetryableError, RetryAfterError } from "@tuppence/core/failures";
import { createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryStorage } from "@tuppence/core/memory";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  createQueue,
  type GroupEvent,
  type MessageConsumeOptions,
  type Queue,
  type QueueConsumer,
} from "../src/index.ts";

const FAST = { backoff: { baseMs: 1, maxMs: 5 }, pollIntervalMs: 2, maxIdleMs: 10, leaseDurationMs: 3_000 };
const PATIENCE = { timeout: 30_000, interval: 5 };

function openQueue(control = createMemoryControlStorage()): Queue<number> {
  return createQueue({ storage: createMemoryStorage(), control, name: "q" }) as Queue<number>;
}

async function started(consumer: QueueConsumer): Promise<QueueConsumer> {
  onTestFinished(() => consumer.stop({ drainMs: 0 }));
  await consumer.start();
  return consumer;
}

async function abortOf(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => ({ body: index + 1 }));

/** Handles messages one by one, the second of which fails as told; answers what was seen and what happened. */
async function consumeFailing(
  fail: (attempt: number) => void,
  options: MessageConsumeOptions = {},
): Promise<{ readonly queue: Queue<number>; readonly seen: string[]; readonly events: GroupEvent[] }> {
  const queue = openQueue();
  await queue.enqueue(numbers(3));
  const seen: string[] = [];
  const events: GroupEvent[] = [];
  const onEvent = (event: GroupEvent): void => void events.push(event);
  await started(
    queue.consume(
      "g",
      ({ body }, { attempt }) => {
        seen.push(`${body}#${attempt}`);
        if (body === 2) fail(attempt);
      },
      { ...FAST, onEvent, ...options },
    ),
  );
  return { queue, seen, events };
}

describe("a message that fails", () => {
  it("is tried as often as it may be, and then skipped", async () => {
    const { queue, seen, events } = await consumeFailing(
      () => {
        throw new Error("no");
      },
      { onFailure: "skip", maxAttempts: 3 },
    );
    await expect.poll(async () => (await queue.status("g")).position, PATIENCE).toBe(3);
    expect(seen).toEqual(["1#1", "2#1", "2#2", "2#3", "3#1"]);
    expect(events.filter(({ type }) => type === "skipped")).toMatchObject([{ position: 2 }]);
  });

  it("is not tried again when that is of no use", async () => {
    const { seen } = await consumeFailing(
      () => {
        throw new NonRetryableError("never");
      },
      { onFailure: "skip" },
    );
    await expect.poll(() => seen, PATIENCE).toEqual(["1#1", "2#1", "3#1"]);
  });

  it("is tried for ever after its time, where it only fails for the moment", async () => {
    const { seen } = await consumeFailing(
      (attempt) => {
        if (attempt < 8) throw new RetryAfterError("soon", { retryAfterMs: 1 });
      },
      { onFailure: "skip", maxAttempts: 2 },
    );
    await expect.poll(() => seen.at(-1), PATIENCE).toBe("3#1");
    expect(seen.filter((each) => each.startsWith("2"))).toHaveLength(8);
  });

  it("blocks its lane, which its status tells, until it succeeds", async () => {
    let isBroken = true;
    const { queue, seen, events } = await consumeFailing(
      () => {
        if (isBroken) throw new NonRetryableError("not yet");
      },
      { onFailure: "block" },
    );
    await expect
      .poll(async () => (await queue.status("g")).lanes[0]?.failing, PATIENCE)
      .toMatchObject({
        error: "NonRetryableError: not yet",
        blockedAt: 2,
      });
    expect(await queue.status("g")).toMatchObject({ position: 1, depth: 2, lag: 2, isExact: true });
    expect((await queue.status("g")).ageMs).toBeGreaterThanOrEqual(0);
    expect(events.filter(({ type }) => type === "blocked")).toMatchObject([{ position: 2, pauseMs: 1_000 }]);
    isBroken = false;
    await expect.poll(() => seen.at(-1), PATIENCE).toBe("3#1");
    await expect.poll(async () => (await queue.status("g")).lanes[0]?.failing, PATIENCE).toBeUndefined();
  });

  it("counts as failed when its handler takes too long", async () => {
    const queue = openQueue();
    await queue.enqueue(numbers(2));
    const signals: AbortSignal[] = [];
    const handler = ({ body }: { readonly body: number }, { signal }: { readonly signal: AbortSignal }) => {
      if (body === 2) return undefined;
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const options = { ...FAST, handlerTimeoutMs: 10, maxAttempts: 2, onFailure: "parkMessage" } as const;
    const consumer = await started(queue.consume("g", handler, options));
    await consumer.caughtUp();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    const [parked] = await queue.parked("g");
    expect(parked).toMatchObject({ position: 1, failures: [{ attempts: 2 }] });
    expect(parked?.failures[0]?.error).toContain("within 10 ms");
  });

  it("blocks its lane when no more may be parked, until there is room", async () => {
    const queue = openQueue();
    await queue.enqueue(numbers(4));
    let isBroken = true;
    const handler = ({ body }: { readonly body: number }): void => {
      if (isBroken && body > 1) throw new NonRetryableError("not yet");
    };
    const events: GroupEvent[] = [];
    const options = {
      ...FAST,
      onFailure: "parkKey",
      maxParked: 2,
      onEvent: (event: GroupEvent) => events.push(event),
    };
    const consumer = await started(queue.consume("g", handler, options as MessageConsumeOptions));
    await expect.poll(() => events.some(({ type }) => type === "blocked"), PATIENCE).toBe(true);
    expect(await queue.status("g")).toMatchObject({ parked: 2, position: 3 });
    isBroken = false;
    await queue.redrive("g");
    await consumer.caughtUp();
    await expect.poll(() => queue.parked("g"), PATIENCE).toEqual([]);
  });
});

describe("a batch that fails", () => {
  it("is halved until the message is found, and what the handler said to be done is not repeated", async () => {
    const queue = openQueue();
    await queue.enqueue(numbers(8));
    const batches: number[][] = [];
    const whole = await started(
      queue.consume(
        "halves",
        (messages) => {
          batches.push(messages.map(({ body }) => body));
          if (messages.some(({ body }) => body === 6)) throw new NonRetryableError("no");
        },
        { ...FAST, batchSize: 8, onFailure: "parkMessage" },
      ),
    );
    await whole.caughtUp();
    expect(batches).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [5, 6], [5], [6], [7, 8]]);
    const done: number[] = [];
    const telling = await started(
      queue.consume(
        "telling",
        (messages, { handled }) => {
          for (const { body, position } of messages) {
            if (body === 6) throw new NonRetryableError("no", { position });
            done.push(body);
            handled(position);
          }
        },
        { ...FAST, batchSize: 8, onFailure: "skip" },
      ),
    );
    await telling.caughtUp();
    expect(done).toEqual([1, 2, 3, 4, 5, 7, 8]);
  });
});

describe("a delivery", () => {
  it("can't be acknowledged once its loop was left, or after it was refused", async () => {
    const queue = openQueue();
    await queue.enqueue(numbers(2));
    let refused: unknown;
    let left: (() => Promise<void>) | undefined;
    for await (const { ack, nack, attempt } of queue.messages("g", {
      ...FAST,
      onFailure: "skip",
      maxAttempts: 2,
    })) {
      if (attempt === 1 && left === undefined) {
        nack({ error: new Error("no") });
        refused = await ack().catch((error: unknown) => error);
        left = ack;
        continue;
      }
      left = ack;
      break;
    }
    expect(refused).toMatchObject({ code: "deliveryExpired", position: 1 });
    await expect(left?.()).rejects.toMatchObject({ code: "deliveryExpired" });
    const ended = new AbortController();
    const seen: number[] = [];
    for await (const { message, ack } of queue.messages("g", { ...FAST, signal: ended.signal })) {
      seen.push(message.position);
      await ack();
      if (message.position === 2) ended.abort();
    }
    expect(seen).toEqual([1, 2]);
  });
});

describe("the depth of a group", () => {
  it("is exact where lanes are apart", async () => {
    const queue = openQueue();
    const keys = ["a", "b", "c", "d", "e", "f"];
    await queue.enqueue(
      Array.from({ length: 60 }, (_, index) => ({ body: index + 1, key: keys[index % 6] })),
    );
    const seen = new Set<number>();
    const handler = ({
      body,
      key,
      position,
    }: {
      body: number;
      key: string | undefined;
      position: number;
    }): void => {
      // One lane stands still, the others go on.
      if (key === "a" && body > 6) throw new NonRetryableError("not yet");
      seen.add(position);
    };
    await started(queue.consume("g", handler as never, { ...FAST, lanes: 3 }));
    await expect
      .poll(async () => {
        const { lanes, depth, isExact } = await queue.status("g");
        const isAhead = lanes.filter(({ position }) => position === 60).length === 2;
        return { isAhead, isExact, isRight: depth === 60 - seen.size };
      }, PATIENCE)
      .toEqual({ isAhead: true, isExact: true, isRight: true });
    expect((await queue.status("g")).oldestAt).toBeInstanceOf(Date);
  });
});

describe("a parked message that was asked for", () => {
  it.each([1, 2, 3])(
    "is never called parked only, though its lane takes it in before read %i",
    async (moment) => {
      const control = createMemoryControlStorage();
      let reads = 0;
      let beforeRead = async (): Promise<void> => undefined;
      const queue = openQueue({
        ...control,
        async list(...range) {
          if (++reads === moment) await beforeRead();
          return control.list(...range);
        },
      });
      const handling = new AbortController();
      const over = new AbortController();
      let isBroken = true;
      const handler = async (): Promise<void> => {
        if (isBroken) throw new NonRetryableError("no");
        handling.abort();
        await abortOf(over.signal);
      };
      const take = async (): Promise<QueueConsumer> =>
        started(queue.consume("g", handler, { ...FAST, onFailure: "parkMessage" }));
      await queue.enqueue(numbers(1));
      const parking = await take();
      await expect.poll(async () => (await queue.parked("g")).length, PATIENCE).toBe(1);
      await parking.stop();
      await queue.redrive("g");
      isBroken = false;
      beforeRead = async () => {
        beforeRead = async () => undefined;
        await take();
        await abortOf(handling.signal);
      };
      reads = 0;
      const found = await queue.parked("g");
      over.abort();
      expect(found).toMatchObject([
        { position: 1, reason: "failed", redrive: expect.stringMatching(/asked|redriving/) },
      ]);
    },
  );
});
