import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runEventSourceMapping } from "../../src/lambda/event-source-mapping.ts";
import type { FailureRecord } from "../../src/lambda/failure-record.ts";
import { mappingSettings } from "../../src/lambda/mapping-settings.ts";
import type { Shard } from "../../src/lambda/shard-lineage.ts";
import type { StreamEvent } from "../../src/lambda/stream-event.ts";
import { testFunction } from "./local-functions.ts";
import { StreamModel } from "./stream-model.ts";
import { VirtualTime } from "./virtual-time.ts";

/** Random streams, settings and functions: no record is lost, and each item's come in order. */

const runs = fc.record({
  /** What happens to the stream: a write to an item, or a roll-over. */
  steps: fc.array(fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 5 }) }, fc.constant("rollOver" as const)), {
    maxLength: 40,
  }),
  /** Sequence numbers that the function never takes. */
  poison: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
  /** Numbers of invocations that fail before they do anything. */
  crashes: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
  pageSize: fc.integer({ min: 1, max: 7 }),
  settings: fc.record({
    batchSize: fc.integer({ min: 1, max: 8 }),
    maximumBatchingWindowMs: fc.constantFrom(0, 200),
    parallelizationFactor: fc.integer({ min: 1, max: 4 }),
    maximumRetryAttempts: fc.integer({ min: 0, max: 3 }),
    bisectBatchOnFunctionError: fc.boolean(),
    reportBatchItemFailures: fc.boolean(),
  }),
});

type Run = (typeof runs)["generate"] extends (...args: never[]) => { value: infer Value } ? Value : never;

/** What is switched off, to see that the checks notice. */
interface Sabotage {
  /** Children are read at once. */
  readonly noLineage?: boolean;
  /** A failure in the middle is reported one record too late. */
  readonly reportsLate?: boolean;
}

class OrphanStream extends StreamModel {
  override async listShards(): Promise<readonly Shard[]> {
    return (await super.listShards()).map((shard) => ({ ...shard, parentId: undefined }));
  }
}

/** A function that takes records in order, up to the first that it cannot take; it notes each that it took. */
function takingFunction(run: Run, taken: string[], sabotage: Sabotage) {
  let invocations = 0;
  return testFunction((event: StreamEvent) => {
    invocations += 1;
    if (run.crashes.includes(invocations)) throw new Error("crash");
    const numbers = event.Records.map(({ dynamodb }) => dynamodb.SequenceNumber);
    const bad = numbers.findIndex((number) => run.poison.includes(Number(number)));
    taken.push(...numbers.slice(0, bad === -1 ? undefined : bad));
    if (bad === -1) return { batchItemFailures: [] };
    if (!run.settings.reportBatchItemFailures) throw new Error("poison");
    const reported = numbers[bad + (sabotage.reportsLate ? 1 : 0)];
    return { batchItemFailures: reported === undefined ? [] : [{ itemIdentifier: reported }] };
  });
}

async function problemsOf(run: Run, sabotage: Sabotage = {}): Promise<readonly string[]> {
  const stream = sabotage.noLineage ? new OrphanStream(run.pageSize) : new StreamModel(run.pageSize);
  const itemOf = new Map<string, number>();
  for (const step of run.steps) {
    if (step === "rollOver") stream.rollOver();
    else itemOf.set(stream.write(String(step)), step);
  }
  const taken: string[] = [];
  const givenUp: FailureRecord[] = [];
  const settings = mappingSettings({
    ...run.settings,
    function: takingFunction(run, taken, sabotage),
    startingPosition: "TRIM_HORIZON",
    onFailure: (record) => givenUp.push(record),
  });
  const mapping = await runEventSourceMapping(stream, settings, new VirtualTime());
  await mapping.whenCaughtUp();
  await mapping.stop();

  const problems: string[] = [];
  const isGivenUp = (number: string): boolean =>
    givenUp.some(({ DDBStreamBatchInfo: { startSequenceNumber, endSequenceNumber } }) => {
      return Number(startSequenceNumber) <= Number(number) && Number(number) <= Number(endSequenceNumber);
    });
  const lastOf = new Map<number, number>();
  for (const number of new Set(taken)) {
    const item = itemOf.get(number) ?? -1;
    if ((lastOf.get(item) ?? 0) > Number(number)) problems.push(`item ${item} is out of order at ${number}`);
    lastOf.set(item, Number(number));
  }
  for (const number of itemOf.keys()) {
    if (!taken.includes(number) && !isGivenUp(number)) problems.push(`${number} is lost`);
  }
  const { delivered, discarded } = mapping.stats;
  if (delivered + discarded !== itemOf.size) {
    problems.push(`${delivered} delivered and ${discarded} given up of ${itemOf.size}`);
  }
  return problems;
}

/** The first problem of random runs, with its seed. */
async function firstProblem(sabotage: Sabotage = {}): Promise<string | undefined> {
  const { counterexample, seed } = await fc.check(
    fc.asyncProperty(runs, async (run) => (await problemsOf(run, sabotage)).length === 0),
    { numRuns: 300 },
  );
  if (counterexample === null) return undefined;
  return `${(await problemsOf(counterexample[0], sabotage)).join("; ")} (seed ${seed})`;
}

describe("random deliveries", () => {
  it("lose no record, and keep each item's in order", async () => {
    expect(await firstProblem()).toBeUndefined();
  });

  it("are seen to be out of order where children do not wait for their parents", async () => {
    expect(await firstProblem({ noLineage: true })).toMatch(/out of order/);
  });

  it("are seen to lose records where the function reports one too late", async () => {
    expect(await firstProblem({ reportsLate: true })).toMatch(/lost/);
  });
});
