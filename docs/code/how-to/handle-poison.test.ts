import { createMemoryControlStorage } from "@tuppence/core/leases";
import { createMemoryStorage } from "@tuppence/core/memory";
import { runProjections } from "@tuppence/projections/testing";
import { createQueue } from "@tuppence/queue";
import { expect, it } from "vitest";
import { z } from "zod";
import { capturePrinted, expectAllShown } from "../shown.ts";
//#region reactor
import { defineProjection, NonRetryableError, RetryAfterError } from "@tuppence/projections";
import { orderEvents } from "./order-events.ts";

const parcels = defineProjection({
  name: "parcels",
  version: 1,
  events: orderEvents,
  types: ["OrderPaid"],
  maxAttempts: 3,
  onFailure: "park", // the default; or "halt", or "skip"
  async react({ streamId }, { idempotencyKey }) {
    const answer = await callCarrier(streamId, idempotencyKey);
    if (answer.status === 429) throw new RetryAfterError("The carrier is busy.", { retryAfterMs: 100 });
    if (answer.status === 404) throw new NonRetryableError(`The carrier knows no ${streamId}.`);
  },
});
//#endregion reactor

const unknown = new Set(["order|1"]);
const called: string[] = [];
async function callCarrier(streamId: string, requestId: string): Promise<{ readonly status: number }> {
  called.push(`${streamId} ${requestId.length > 0}`);
  if (called.length === 1) return { status: 429 };
  return { status: unknown.has(streamId) ? 404 : 200 };
}

it("parks what a projection can't handle, and replays it in order", async () => {
  const printed = capturePrinted();
  await using run = runProjections({ projections: [parcels], events: orderEvents });
  const { projections, store } = run;
  const paid = { type: "OrderPaid", data: { cents: 12_50 } } as const;
  for (const streamId of ["order|1", "order|2"]) await store.append(streamId, [paid]);
  await store.append("order|1", [paid]);
  await expect(run.caughtUp()).rejects.toThrow("parked");

  //#region parked
  for await (const { position, streamId, reason, error } of projections.parked("parcels")) {
    console.log(position, streamId, reason, error ?? "-");
  }
  //#endregion parked

  unknown.clear();
  //#region replay
  const asked = await projections.replay("parcels"); // once the code, or the world, is repaired
  console.log(asked, "events asked for");
  //#endregion replay
  const parkedOf = async (): Promise<number | undefined> =>
    (await projections.status("parcels"))[0]?.live.parked;
  await expect.poll(parkedOf, { interval: 20 }).toBe(0);
  //#region skip
  await projections.replay("parcels", { streamId: "order|1", skip: true }); // leaves out the event at which the stream stopped
  //#endregion skip
  await expectAllShown("how-to/handle-poison.md", printed, { parked: 2, replay: 1 });
});

it("parks what a queue's consumer can't handle, and redrives it in order", async () => {
  const printed = capturePrinted();
  const queue = createQueue({
    name: "letters",
    schema: z.string(),
    storage: createMemoryStorage(),
    control: createMemoryControlStorage(),
  });
  let isDown = true;
  const send = async (body: string): Promise<void> => {
    if (isDown && body === "to case-1") throw new Error("no such address");
  };
  for (const [key, body] of [
    ["case-1", "to case-1"],
    ["case-2", "to case-2"],
    ["case-1", "to case-1 again"],
  ] as const) {
    await queue.enqueue({ key, body });
  }
  //#region consumer
  const consumer = queue.consume("post", ({ body }) => send(body), {
    maxAttempts: 3,
    backoff: { baseMs: 10, maxMs: 1_000 },
    onFailure: "parkKey", // what follows of the key waits behind it, other keys go on
  });
  //#endregion consumer
  await consumer.start();
  await consumer.caughtUp();

  //#region queue-parked
  for (const { position, key, reason, failures } of await queue.parked("post")) {
    console.log(position, key, reason, failures.at(-1)?.error ?? "-");
  }
  //#endregion queue-parked

  isDown = false;
  //#region redrive
  console.log(await queue.redrive("post", { key: "case-1" }), "messages asked for");
  //#endregion redrive
  await expect.poll(async () => (await queue.parked("post")).length, { interval: 20 }).toBe(0);
  await consumer.stop();
  await queue.close();
  await expectAllShown("how-to/handle-poison.md", printed, { "queue-parked": 2, redrive: 1 });
});
