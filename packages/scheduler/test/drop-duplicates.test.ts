import { createMemoryControlStorage } from "@tuppence/core/leases";
import { ensureTables } from "@tuppence/core";
import { describe, expect, it } from "vitest";
import { dropDuplicates } from "../src/lambda/index.ts";
import type { RunGuards } from "../src/receiver/run-store.ts";
import { runDuplicates } from "./drop-duplicates-model.ts";
import { connect } from "@tuppence/test-support/database";

const HISTORIES = Number(process.env["HISTORIES"] ?? 300);
const context = { functionName: "remind", getRemainingTimeInMillis: () => 3_000 };

describe("a handler that drops duplicates", () => {
  it("runs once at a time, and never again after an answer", { timeout: 600_000 }, async () => {
    let runs = 0;
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const report = await runDuplicates(seed);
      expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] });
      runs += report.runs;
    }
    // What was cut off was run again.
    expect(runs).toBeGreaterThan(HISTORIES * 1.2);
  });

  it.each<[string, Partial<RunGuards>, string]>([
    ["begins without a condition", { beginsOnCondition: false }, "two run at once"],
    ["does not wait until an invocation's time is over", { marginMs: -9_000 }, "two run at once"],
    ["has no margin for clocks that differ", { marginMs: 0 }, "two run at once"],
    ["does not store what is done", { storesDone: false }, "a run was begun after one was answered"],
  ])("would not if it %s", async (_, guards, problem) => {
    const problems: string[] = [];
    for (let seed = 1; seed <= HISTORIES && !problems.includes(problem); seed++) {
      problems.push(...(await runDuplicates(seed, guards)).problems);
    }
    expect(problems).toContain(problem);
  });

  it("gives repeats the answer, unless it is large", async () => {
    let runs = 0;
    const storage = createMemoryControlStorage();
    const handler = dropDuplicates(
      ({ size }: { readonly size: number; readonly occurrenceId: string }) => `${++runs}${"x".repeat(size)}`,
      { storage },
    );
    expect(await handler({ occurrenceId: "a", size: 2 }, context)).toBe("1xx");
    expect(await handler({ occurrenceId: "a", size: 2 }, context)).toBe("1xx");
    expect(await handler({ occurrenceId: "b", size: 700 }, context)).toHaveLength(701);
    expect(await handler({ occurrenceId: "b", size: 700 }, context)).toBeUndefined();
    // Another receiver does it too.
    expect(await handler({ occurrenceId: "a", size: 0 }, { ...context, functionName: "log" })).toBe("3");
    expect(runs).toBe(3);
  });

  it("is found by an id anywhere in the event, and refuses events without one", async () => {
    const handler = dropDuplicates(async ({ detail }: { detail?: { id: string } }) => detail?.id, {
      storage: createMemoryControlStorage(),
      occurrenceIdOf: ({ detail }) => detail?.id ?? "",
    });
    expect(await handler({ detail: { id: "x" } }, context)).toBe("x");
    await expect(handler({}, context)).rejects.toThrow(TypeError);
    const plain = dropDuplicates(async () => 1, { storage: createMemoryControlStorage() });
    await expect(plain({}, context)).rejects.toThrow("no id of an occurrence");
    expect(() =>
      dropDuplicates("f" as unknown as () => void, { storage: createMemoryControlStorage() }),
    ).toThrow(TypeError);
    expect(() => dropDuplicates(() => 1, { storage: createMemoryControlStorage(), retentionMs: 0 })).toThrow(
      RangeError,
    );
  });

  it("keeps what it knows in the control table, for 2 write units an occurrence", async () => {
    const client = connect("dropduplicates");
    await ensureTables({ client });
    const consumed: unknown[] = [];
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          Object.assign(args.input, { ReturnConsumedCapacity: "TOTAL" });
          const result = await next(args);
          const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
          consumed.push([commandName, ConsumedCapacity?.CapacityUnits]);
          return result;
        },
      { step: "initialize" },
    );
    let runs = 0;
    const release: (() => void)[] = [];
    const event = { occurrenceId: "0dnwcxyz0-1-01JZ5T2E8Q", payload: 5 };
    const waiting = dropDuplicates(
      async ({ payload }: typeof event) => {
        runs += 1;
        await new Promise<void>((resolve) => {
          release.push(resolve);
        });
        return { runs, payload };
      },
      { client },
    );
    const first = waiting(event, context);
    await expect.poll(() => release.length).toBe(1);
    await expect(waiting(event, context)).rejects.toMatchObject({
      code: "occurrenceRunning",
      retryable: true,
      occurrenceId: event.occurrenceId,
      until: expect.any(Date) as Date,
    });
    release[0]?.();
    expect(await first).toEqual({ runs: 1, payload: 5 });
    expect(consumed).toEqual([
      ["UpdateItemCommand", 1],
      ["UpdateItemCommand", 1],
    ]);
    expect(await waiting(event, context)).toEqual({ runs: 1, payload: 5 });
    const failing = dropDuplicates(() => Promise.reject(new RangeError("no")), { client, receiver: "r" });
    await expect(failing(event, context)).rejects.toThrow(RangeError);
    // At once: the failure was stored.
    await expect(failing(event, context)).rejects.toThrow(RangeError);
  });
});
