import { expect, it } from "vitest";
import { defineProjection } from "../src/index.ts";
import { CHECKPOINT_MS, TimedRun } from "./timed-run.ts";

it("a position that is reached in the very moment in which another was stored is stored in time", async () => {
  const handled: number[] = [];
  let isAppended = false;
  const run = new TimedRun(
    [
      defineProjection({
        name: "model",
        version: 1,
        handle: (events) => void handled.push(...events.map(({ position }) => position)),
      }),
    ],
    {
      // The log grows while the first position is stored.
      onWrite: async (writing) => {
        if (isAppended || (await writing.stored("model", 1)) !== 1) return;
        isAppended = true;
        await writing.store.append("a|1", [{ type: "Added", data: {} }]);
      },
      // Whoever waits for it hears of it at once.
      log: (log, store) => ({
        read: (after, options) => log.read(after, options),
        waitBeyond: async (position, options) => {
          if ((await store.logEnd()) <= position) await log.waitBeyond(position, options);
        },
      }),
    },
  );
  await run.append([{ streamId: "a|1" }]);
  await run.untilStored(1);
  expect(handled).toEqual([1, 2]);
  await run.pass(CHECKPOINT_MS);
  expect(await run.stored("model", 1)).toBe(2);
});
