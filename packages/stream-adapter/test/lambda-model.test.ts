import type { Context, DynamoDBBatchResponse, DynamoDBRecord } from "aws-lambda";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type RecordsHandler, StoppedAtRecordError } from "../src/index.ts";
import { createLambdaHandler } from "../src/lambda/index.ts";

/**
 * A model of Lambda's event source mapping: it delivers a shard's records from a checkpoint, which moves to the record
 * that is reported, or past the batch when none is. Whatever a handler does, none of its records may be skipped.
 */

type Reply = DynamoDBBatchResponse | null;
type ChangeReply = (reply: DynamoDBBatchResponse) => Reply;

/** What Lambda makes of a reply: the record to go on with, in the batch. */
function nextIn(batch: readonly DynamoDBRecord[], reply: Reply): number {
  const [failure] = reply?.batchItemFailures ?? [];
  if (failure === undefined) return batch.length;
  const at = batch.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === failure.itemIdentifier);
  return Math.max(at, 0);
}

const context = { getRemainingTimeInMillis: () => 60_000 } as Context;
const silent = { warn: () => undefined, error: () => undefined };

interface Run {
  /** How many records each delivery gets done, and how its handler fails then. */
  readonly deliveries: readonly { readonly done: number; readonly failure: "stopped" | "error" | "none" }[];
  /** Records that nobody knows and that have no place. */
  readonly strangers: ReadonlySet<number>;
}

/** The records that no handler call got done, when Lambda thinks it is through. */
async function skipped({ deliveries, strangers }: Run, changeReply: ChangeReply): Promise<number[]> {
  const shard = Array.from({ length: 12 }, (_, index): DynamoDBRecord => {
    if (strangers.has(index)) return { eventID: String(index) };
    return {
      eventID: String(index),
      eventName: "MODIFY",
      dynamodb: { SequenceNumber: String(index), Keys: {} },
    };
  });
  const done = new Set<number>();
  const plans = [...deliveries];
  const handler: RecordsHandler = async (records) => {
    const { done: count, failure } = plans.shift() ?? { done: 0, failure: "none" };
    const handled = failure === "none" ? records.length : Math.min(count, records.length - 1);
    if (failure !== "error") for (const { eventId } of records.slice(0, handled)) done.add(Number(eventId));
    if (failure === "stopped") throw new StoppedAtRecordError(handled);
    if (failure === "error") throw new Error("no");
  };
  const invoke = createLambdaHandler(handler, { logger: silent });
  for (let checkpoint = 0; checkpoint < shard.length; ) {
    const batch = shard.slice(checkpoint, checkpoint + 5);
    const next = await invoke({ Records: batch }, context).then(
      (reply) => nextIn(batch, changeReply(reply)),
      () => 0,
    );
    checkpoint += next;
  }
  return shard.map((_, index) => index).filter((index) => !done.has(index));
}

const runs: fc.Arbitrary<Run> = fc.record({
  deliveries: fc.array(
    fc.record({ done: fc.nat({ max: 5 }), failure: fc.constantFrom("stopped", "error", "none") }),
    { maxLength: 20 },
  ),
  strangers: fc.uniqueArray(fc.nat({ max: 11 }), { maxLength: 6 }).map((indexes) => new Set(indexes)),
});

it("no record is skipped, whatever fails", async () => {
  await fc.assert(
    fc.asyncProperty(runs, async (run) => {
      expect(await skipped(run, (reply) => reply)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

it.each<[string, ChangeReply]>([
  ["that says nothing", () => null],
  ["that says there was no failure", () => ({ batchItemFailures: [] })],
  [
    "one record further",
    ({ batchItemFailures: [failure] }) => ({
      batchItemFailures: failure ? [{ itemIdentifier: String(Number(failure.itemIdentifier) + 1) }] : [],
    }),
  ],
])("a reply %s would be seen to skip records", async (_, changeReply) => {
  const seen = fc.sample(runs, { numRuns: 200, seed: 1 }).map((run) => skipped(run, changeReply));
  expect((await Promise.all(seen)).some((records) => records.length > 0)).toBe(true);
});
