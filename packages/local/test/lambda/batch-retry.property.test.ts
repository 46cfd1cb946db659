import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BatchReply } from "../../src/lambda/batch-reply.ts";
import {
  type AfterInvocation,
  afterInvocation,
  type Batch,
  partByAge,
  type RetrySettings,
  retryPauseMs,
} from "../../src/lambda/batch-retry.ts";

type Rules = typeof afterInvocation<number>;

interface Run {
  readonly size: number;
  /** The records that the function never takes. */
  readonly poison: readonly number[];
  readonly reports: boolean;
  readonly settings: RetrySettings;
}

const runs = fc.record({
  size: fc.integer({ min: 1, max: 40 }),
  poison: fc.array(fc.integer({ min: 0, max: 39 }), { maxLength: 4 }),
  reports: fc.boolean(),
  settings: fc.record({
    maximumRetryAttempts: fc.integer({ min: 0, max: 3 }),
    bisectBatchOnFunctionError: fc.boolean(),
  }),
});

/** The function handles records in order up to the first poison, and fails or reports it. */
function reply({ poison, reports }: Run, entries: readonly number[]): BatchReply {
  const index = entries.findIndex((entry) => poison.includes(entry));
  if (index === -1) return { kind: "success" };
  return reports ? { kind: "failureFrom", index } : { kind: "failure" };
}

/** Runs a batch to its end by the rules; answers what went wrong. */
function problemsOf(run: Run, rules: Rules): readonly string[] {
  const problems: string[] = [];
  const settled: number[] = [];
  const exhausted = new Set<number>();
  let todo: readonly Batch<number>[] = [
    { entries: Array.from({ length: run.size }, (_, entry) => entry), retries: 0, invocations: 0 },
  ];
  for (let steps = 0; todo.length > 0; steps += 1) {
    if (steps > 1_000) return ["it does not end"];
    const [batch, ...others] = todo;
    if (batch === undefined) break;
    const after: AfterInvocation<number> = rules(batch, reply(run, batch.entries), run.settings);
    const left = new Set(after.todo.flatMap(({ entries }) => entries));
    settled.push(...batch.entries.filter((entry) => !left.has(entry)));
    for (const entry of after.exhausted?.entries ?? []) exhausted.add(entry);
    todo = [...after.todo, ...others];
  }
  if (settled.some((entry, at) => entry !== at)) problems.push(`order ${settled.join(" ")}`);
  if (settled.length !== run.size) problems.push(`${settled.length} of ${run.size} settled`);
  const poison = run.poison.filter((entry) => entry < run.size);
  if (poison.some((entry) => !exhausted.has(entry))) problems.push("a poison record counts as delivered");
  if (run.settings.bisectBatchOnFunctionError && exhausted.size !== new Set(poison).size) {
    problems.push("splitting does not isolate the poison records");
  }
  return problems;
}

/** The first problem that random runs by the rules show, with the seed; none if all is well. */
function firstProblem(rules: Rules): string | undefined {
  const { counterexample, seed } = fc.check(
    fc.property(runs, (run) => problemsOf(run, rules).length === 0),
    { numRuns: 1_000 },
  );
  return counterexample?.[0] && `${problemsOf(counterexample[0], rules).join("; ")} (seed ${seed})`;
}

describe("afterInvocation", () => {
  it("settles every record in order: delivered, or given up", () => {
    expect(firstProblem(afterInvocation)).toBeUndefined();
  });

  it.each<[string, RegExp, Rules]>([
    [
      "forgets the second half",
      /order|counts as delivered/,
      (batch, answer, settings) => {
        const after = afterInvocation(batch, answer, settings);
        return { ...after, todo: after.todo.slice(0, 1) };
      },
    ],
    [
      "swaps the halves",
      /order/,
      (batch, answer, settings) => {
        const after = afterInvocation(batch, answer, settings);
        return { ...after, todo: after.todo.toReversed() };
      },
    ],
    [
      "takes a report for what is done up to and with the record",
      /counts as delivered/,
      (batch, answer, settings) =>
        afterInvocation(
          batch,
          answer.kind === "failureFrom" ? { ...answer, index: answer.index + 1 } : answer,
          settings,
        ),
    ],
    [
      "never counts a retry",
      /does not end/,
      (batch, answer, settings) => {
        const after = afterInvocation(batch, answer, settings);
        return { ...after, todo: after.todo.map((again) => ({ ...again, retries: -2 })) };
      },
    ],
  ])("is seen to be wrong where it %s", (_, problem, rules) => {
    expect(firstProblem(rules)).toMatch(problem);
  });

  it("invokes once more than it retries, and splitting is no retry", () => {
    const attempts = (bisectBatchOnFunctionError: boolean): readonly number[] => {
      const settings = { maximumRetryAttempts: 2, bisectBatchOnFunctionError };
      const sizes: number[] = [];
      let todo: readonly Batch<number>[] = [{ entries: [0, 1], retries: 0, invocations: 0 }];
      while (todo[0] !== undefined) {
        sizes.push(todo[0].entries.length);
        todo = [...afterInvocation(todo[0], { kind: "failure" }, settings).todo, ...todo.slice(1)];
      }
      return sizes;
    };
    expect(attempts(false)).toEqual([2, 2, 2]);
    expect(attempts(true)).toEqual([2, 1, 1, 1, 1, 1, 1]);
  });

  it("retries for ever at -1", () => {
    const batch = { entries: [0], retries: 1_000_000, invocations: 1_000_001 };
    const settings = { maximumRetryAttempts: -1, bisectBatchOnFunctionError: false };
    expect(afterInvocation(batch, { kind: "failure" }, settings)).toEqual({
      todo: [{ entries: [0], retries: 1_000_001, invocations: 1_000_002 }],
      exhausted: undefined,
    });
  });

  it("counts a reported failure as a retry, without splitting", () => {
    const batch = { entries: [0, 1, 2], retries: 0, invocations: 0 };
    const settings = { maximumRetryAttempts: 0, bisectBatchOnFunctionError: false };
    expect(afterInvocation(batch, { kind: "failureFrom", index: 1 }, settings)).toEqual({
      todo: [],
      exhausted: { entries: [1, 2], retries: 0, invocations: 1 },
    });
  });
});

describe("partByAge", () => {
  it("parts at the first record that is young enough, and loses none", () => {
    const batch = { entries: [1, 2, 3], retries: 1, invocations: 2 };
    expect(partByAge(batch, (entry) => entry < 3)).toEqual({
      expired: { ...batch, entries: [1, 2] },
      rest: { ...batch, entries: [3] },
    });
    expect(partByAge(batch, () => true)).toEqual({ expired: batch, rest: undefined });
    expect(partByAge(batch, () => false)).toEqual({ expired: undefined, rest: batch });
  });
});

describe("retryPauseMs", () => {
  it("doubles up to its limit, and is none before the first retry", () => {
    const limits = { baseMs: 50, maxMs: 1_000 };
    const pauses = [0, 1, 2, 3, 10, 10_000].map((retries) => retryPauseMs(retries, limits));
    expect(pauses).toEqual([0, 50, 100, 200, 1_000, 1_000]);
  });
});
