import { type ControlStorage, createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryStorage } from "@tuppence/core/memory";
import { expect, it, vi } from "vitest";
import { GROUP_GUARDS } from "../src/group/group-guards.ts";
import { createQueueGroups } from "../src/group/queue-groups.ts";
import { createQueue } from "../src/index.ts";
import { openContext } from "../src/open-context.ts";

const OPTIONS = { leaseDurationMs: 60_000, pollIntervalMs: 5, maxIdleMs: 20 };

/** Handles a message twice, if a claim that was sent before the group was reset makes its consumer begin where it was before. */
async function positionsOfLateClaim(looksAgain: boolean): Promise<readonly number[]> {
  const storage = createMemoryStorage();
  const control = createMemoryControlStorage();
  const queue = createQueue({ name: "q", storage, control });
  await queue.enqueue([{ body: 1 }, { body: 2 }]);

  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  let sent = (): void => undefined;
  const isSent = new Promise<void>((resolve) => (sent = resolve));
  let claimed = (): void => undefined;
  const isClaimed = new Promise<void>((resolve) => (claimed = resolve));
  const late: ControlStorage = {
    ...control,
    async update(update, signal) {
      if (update.key.sort !== "1/0" || !String(update.set["owner"]).startsWith("late")) {
        return control.update(update, signal);
      }
      sent();
      await held;
      const outcome = await control.update(update, signal);
      claimed();
      return outcome;
    },
  };
  const { context } = openContext(
    { storage, control: late },
    { name: "q", dedupWindowMs: 0, runtime: undefined },
  );
  const { inner } = createQueueGroups(context, { ...GROUP_GUARDS, looksAgain });
  const positions: number[] = [];
  let stopped = (): void => undefined;
  const isStopped = new Promise<void>((resolve) => (stopped = resolve));
  const lateOne = inner.consumeWith(
    "g",
    ({ position }: { readonly position: number }) => positions.push(position),
    {
      ...OPTIONS,
      workerId: "late",
      onEvent: (event) => event.type === "lease" && event.event.type === "released" && stopped(),
    },
    {},
  );
  await lateOne.start();
  await isSent;
  // Another consumer has the lane meanwhile, and all is done; then the group goes on behind all that.
  // Whoever's it is to be, it does not wait long for the other.
  const impatient = { ...OPTIONS, leaseDurationMs: 300, workerId: "other" };
  const consumer = queue.consume("g", () => undefined, impatient);
  await consumer.start();
  await consumer.caughtUp();
  await consumer.stop();
  await queue.reset("g", { to: "end" });
  letGo();
  await isClaimed;
  if (looksAgain) await isStopped;
  else await vi.waitUntil(() => positions.length === 2);
  await lateOne.stop();
  return positions;
}

it("begins nothing of what the group was before, when a claim comes late", async () => {
  expect(await positionsOfLateClaim(true)).toEqual([]);
});

it("would begin it, if it was not looked at the group once more", async () => {
  expect(await positionsOfLateClaim(false)).toEqual([1, 2]);
});
