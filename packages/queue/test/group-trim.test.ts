import { NonRetryableError } from "@tuppence/core/failures";
import { createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryStorage } from "@tuppence/core/memory";
import { expect, it, onTestFinished } from "vitest";
import { createQueue, type GroupEvent, type QueueConsumer } from "../src/index.ts";

const FAST = { backoff: { baseMs: 1, maxMs: 5 }, pollIntervalMs: 2, maxIdleMs: 10 };
const PATIENCE = { timeout: 30_000, interval: 5 };
const HOUR_MS = 3_600_000;

it("lets go of what all groups have done, and of nothing that one of them has parked or has not done", async () => {
  const clock = { now: 1_800_000_000_000 };
  const place = { storage: createMemoryStorage(), control: createMemoryControlStorage() };
  const runtime = { now: () => clock.now };
  const queue = createQueue({ ...place, name: "q", dedupWindowMs: 0, runtime });
  for (let body = 1; body <= 9; body++) await queue.enqueue({ body, key: `k${body % 3}` });
  clock.now += HOUR_MS;
  await queue.enqueue({ body: 10, key: "k1" });

  let isBroken = true;
  const consume = async (group: string, options: object): Promise<QueueConsumer> => {
    const handler = ({ body }: { readonly body: unknown }): void => {
      if (isBroken && body === 4 && group === "parks") throw new NonRetryableError("not yet");
      if (isBroken && body === 7 && group === "blocks") throw new NonRetryableError("not yet");
    };
    const consumer = queue.consume(group, handler, { ...FAST, ...options });
    onTestFinished(() => consumer.stop({ drainMs: 0 }));
    await consumer.start();
    return consumer;
  };
  const blocked: GroupEvent[] = [];
  const parks = await consume("parks", { onFailure: "parkKey", lanes: 2 });
  const onEvent = (event: GroupEvent): void => void (event.type === "blocked" && blocked.push(event));
  const blocks = await consume("blocks", { onEvent });
  await parks.caughtUp();
  await expect.poll(() => blocked.length, PATIENCE).toBeGreaterThan(0);

  expect((await queue.trim()).firstPosition).toBe(4);
  expect(await queue.parked("parks")).toMatchObject([{ position: 4 }, { position: 7 }, { position: 10 }]);
  isBroken = false;
  await queue.redrive("parks");
  await expect.poll(() => queue.parked("parks"), PATIENCE).toEqual([]);
  await blocks.caughtUp();
  expect((await queue.trim()).firstPosition).toBe(10);

  const late = queue.consume("late", () => undefined, { ...FAST, from: 3 });
  await expect(late.start()).rejects.toMatchObject({ code: "queueTrimmed", position: 3, firstPosition: 10 });
  await expect(queue.reset("parks", { to: 9 })).rejects.toMatchObject({ code: "queueTrimmed" });
  const seen: number[] = [];
  const other = queue.consume("other", ({ position }) => seen.push(position), FAST);
  onTestFinished(() => other.stop({ drainMs: 0 }));
  await other.start();
  await other.caughtUp();
  expect(seen).toEqual([10]);
});
