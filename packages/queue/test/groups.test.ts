import { NonRetryableError } from "@tuppence/core/failures";
import { createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryStorage } from "@tuppence/core/memory";
import { describe, expect, it, onTestFinished } from "vitest";
import { createQueue, type GroupEvent, type Queue, type QueueConsumer } from "../src/index.ts";
import { connect } from "@tuppence/test-support/database";

const client = connect("queuegroups");

const places = {
  memory: () => ({ storage: createMemoryStorage(), control: createMemoryControlStorage() }),
  DynamoDB: () => ({ client }),
};

const FAST = { backoff: { baseMs: 1, maxMs: 10 }, leaseDurationMs: 3_000, pollIntervalMs: 5, maxIdleMs: 20 };

const PATIENCE = { timeout: 30_000, interval: 10 };

/** Handlers that were given something of these fail. */
class Poison {
  readonly #bodies: Set<unknown>;

  constructor(...bodies: unknown[]) {
    this.#bodies = new Set(bodies);
  }

  check(body: unknown): void {
    if (this.#bodies.has(body)) throw new NonRetryableError(`${String(body)} is poison`);
  }

  cure(): void {
    this.#bodies.clear();
  }
}

function running(consumer: QueueConsumer): QueueConsumer {
  onTestFinished(() => consumer.stop({ drainMs: 0 }));
  return consumer;
}

async function started(consumer: QueueConsumer): Promise<QueueConsumer> {
  await running(consumer).start();
  return consumer;
}

describe.each(Object.entries(places))("the groups of a queue in %s", (place, open) => {
  let queues = 0;
  const openQueue = async (): Promise<Queue<string>> => {
    const queue = createQueue({
      ...open(),
      name: `q${++queues} in ${place}`,
    }) as Queue<string>;
    await queue.ensureTables();
    return queue;
  };
  const enqueueAll = (queue: Queue<string>, bodies: readonly string[]) =>
    queue.enqueue(bodies.map((body) => ({ body, key: body.slice(0, 1) })));

  it("each see all messages, in their order", async () => {
    const queue = await openQueue();
    await enqueueAll(queue, ["a1", "b1", "a2"]);
    const seen = { one: [] as string[], other: [] as string[][] };
    const one = await started(queue.consume("one", ({ body }) => seen.one.push(body), FAST));
    const other = await started(
      queue.consume("other", (messages) => seen.other.push(messages.map(({ body }) => body)), {
        ...FAST,
        batchSize: 2,
      }),
    );
    await enqueueAll(queue, ["c1"]);
    await Promise.all([one.caughtUp(), other.caughtUp()]);
    expect(seen.one).toEqual(["a1", "b1", "a2", "c1"]);
    expect(seen.other.flat()).toEqual(seen.one);
    expect(seen.other[0]).toEqual(["a1", "b1"]);
    expect(await queue.groups()).toEqual(["one", "other"]);
    expect(await queue.status("one")).toMatchObject({
      position: 4,
      depth: 0,
      isExact: true,
      lag: 0,
      oldestAt: undefined,
      ageMs: 0,
      parked: 0,
    });
  });

  it("park a message, redrive it, and go on meanwhile", async () => {
    const queue = await openQueue();
    const poison = new Poison("a1", "b1");
    const seen: string[] = [];
    const events: GroupEvent[] = [];
    const handle = ({ body }: { readonly body: string }): void => {
      poison.check(body);
      seen.push(body);
    };
    const options = {
      ...FAST,
      onFailure: "parkKey",
      onEvent: (event: GroupEvent) => events.push(event),
    } as const;
    const consumer = await started(queue.consume("g", handle, options));
    await enqueueAll(queue, ["a1", "b1", "c1", "a2", "a3", "b2"]);
    await consumer.caughtUp();
    expect(seen).toEqual(["c1"]);
    expect(await queue.parked("g")).toMatchObject([
      { position: 1, key: "a", reason: "failed", redrive: "no", failures: [{ attempts: 1 }] },
      { position: 2, key: "b", reason: "failed" },
      { position: 4, key: "a", reason: "behind", failures: [] },
      { position: 5, key: "a", reason: "behind" },
      { position: 6, key: "b", reason: "behind" },
    ]);
    expect(await queue.status("g")).toMatchObject({ parked: 5, depth: 0 });
    expect(await queue.redrive("g", { key: "a" })).toBe(3);
    await expect.poll(() => events.filter(({ type }) => type === "redriveFailed").length, PATIENCE).toBe(1);
    expect((await queue.parked("g"))[0]?.failures).toHaveLength(2);
    poison.cure();
    await queue.redrive("g", { key: "a" });
    await enqueueAll(queue, ["a4"]);
    await expect.poll(() => seen, PATIENCE).toEqual(["c1", "a1", "a2", "a3", "a4"]);
    expect(await queue.redrive("g", { position: 2, skip: true })).toBe(2);
    await expect.poll(() => seen, PATIENCE).toEqual(["c1", "a1", "a2", "a3", "a4", "b2"]);
    await expect.poll(() => queue.parked("g"), PATIENCE).toEqual([]);
  });

  it("change their lanes and keep the order of each key", async () => {
    const queue = await openQueue();
    const seen = new Map<string, number[]>();
    const handle = ({ body, position }: { readonly body: string; readonly position: number }): void => {
      const key = body.slice(0, 1);
      seen.set(key, [...(seen.get(key) ?? []), position]);
    };
    const bodies = Array.from({ length: 40 }, (_, index) => `${"abcdefg"[index % 7]}${index}`);
    const options = { ...FAST, ackEvery: 10 };
    await enqueueAll(queue, bodies);
    const one = await started(queue.consume("g", handle, { ...options, lanes: 3 }));
    await enqueueAll(queue, bodies);
    const two = await started(queue.consume("g", handle, { ...options, lanes: 2 }));
    await enqueueAll(queue, bodies);
    await one.caughtUp();
    await queue.changeLanes("g", 5);
    await enqueueAll(queue, bodies);
    await two.caughtUp();
    // What a lane was at when its lease was lost comes once more, and all behind it.
    const first = Array.from(seen.values(), (positions) => [...new Set(positions)]);
    for (const positions of first) expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(first.flat()).toHaveLength(160);
    expect((await queue.status("g")).lanes).toHaveLength(5);
  });

  it("deliver one message after the other to be acknowledged", async () => {
    const queue = await openQueue();
    await enqueueAll(queue, ["a1", "a2", "a3"]);
    const seen: string[] = [];
    for await (const { message, attempt, ack, nack } of queue.messages("g", FAST)) {
      seen.push(`${message.body}#${attempt}`);
      if (message.body === "a2" && attempt === 1) {
        nack({ delayMs: 1 });
        continue;
      }
      if (message.body === "a3") break;
      await ack();
    }
    expect(seen).toEqual(["a1#1", "a2#1", "a2#2", "a3#1"]);
    for await (const { message, ack } of queue.messages("g", FAST)) {
      expect(message.body).toBe("a3");
      await ack();
      await ack();
      break;
    }
    expect(await queue.status("g")).toMatchObject({ depth: 0 });
  });

  it("begin anew where they are told to", async () => {
    const queue = await openQueue();
    const seen: number[] = [];
    const consumer = await started(queue.consume("g", ({ position }) => seen.push(position), FAST));
    await enqueueAll(queue, ["a1", "a2", "a3"]);
    await consumer.caughtUp();
    await queue.reset("g", { to: 2 });
    await consumer.caughtUp();
    expect(seen).toEqual([1, 2, 3, 2, 3]);
    await queue.deleteGroup("g");
    expect(await queue.groups()).toEqual([]);
    await expect(queue.status("g")).rejects.toMatchObject({ code: "groupMissing" });
    const again = await started(
      queue.consume("g", ({ position }) => seen.push(position), { ...FAST, from: 3 }),
    );
    await again.caughtUp();
    expect(seen).toEqual([1, 2, 3, 2, 3, 3]);
  });
});
