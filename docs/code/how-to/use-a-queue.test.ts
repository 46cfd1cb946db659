import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
const client = connect("howtoqueue");
//#region open
import { createQueue } from "@tuppence/queue";
import { z } from "zod";

const letter = z.object({ caseId: z.string(), kind: z.enum(["decision", "reminder"]) });
const queue = createQueue({ client, name: "letters", schema: letter }); // keep it for the life of the process
//#endregion open

const sent: string[] = [];
async function send({ caseId, kind }: z.infer<typeof letter>): Promise<void> {
  sent.push(`${caseId}/${kind}`);
}

it("enqueues once, consumes in order, and looks", async () => {
  const printed = capturePrinted();
  //#region enqueue
  await queue.ensureTables();
  const { positions } = await queue.enqueue([
    { body: { caseId: "case-1", kind: "decision" }, key: "case-1", messageId: "case-1/decision" },
    { body: { caseId: "case-2", kind: "decision" }, key: "case-2", messageId: "case-2/decision" },
  ]);
  console.log(positions);
  //#endregion enqueue

  //#region once
  const again = await queue.enqueue({
    body: { caseId: "case-1", kind: "decision" },
    key: "case-1",
    messageId: "case-1/decision",
  });
  console.log(again.positions, again.duplicates);
  //#endregion once

  //#region consume
  const consumer = queue.consume("post", ({ body }) => send(body), {
    lanes: 4, // the order of each key, four keys at a time
    onFailure: "parkKey",
  });
  await consumer.start(); // in as many processes as you like: they share the lanes
  //#endregion consume

  //#region caught-up
  await consumer.caughtUp();
  const { depth, position, lanes } = await queue.status("post");
  console.log(depth, position, lanes.length);
  //#endregion caught-up
  expect(sent.toSorted()).toEqual(["case-1/decision", "case-2/decision"]);

  //#region stop
  await consumer.stop(); // what runs ends, and the lanes go to others
  //#endregion stop

  const print = async (body: z.infer<typeof letter>): Promise<boolean> => body.kind === "decision";
  //#region messages
  for await (const { message, ack, nack } of queue.messages("printer")) {
    if (await print(message.body)) await ack();
    else nack({ delayMs: 5_000 });
    if (message.position === 2) break; // leaving the loop lets the lane go
  }
  //#endregion messages

  //#region replay
  await queue.reset("post", { to: "beginning" }); // or "end", a position, a Date
  await queue.changeLanes("post", 8); // the order of each key is kept
  //#endregion replay

  //#region peek
  for (const { position: at, body } of await queue.peek()) console.log(at, body.caseId, body.kind);
  //#endregion peek

  //#region trim
  const { firstPosition } = await queue.trim({ olderThan: new Date(Date.now() - 30 * 24 * 3_600_000) });
  console.log(firstPosition);
  //#endregion trim
  await queue.close();
  await expectAllShown("how-to/use-a-queue.md", printed, {
    enqueue: 1,
    once: 1,
    "caught-up": 1,
    peek: 2,
    trim: 1,
  });
});

it("goes on where a producer was", async () => {
  const lines = Array.from({ length: 3 }, (_, index) => ({
    caseId: `case-${index}`,
    kind: "reminder" as const,
  }));
  //#region producer
  const scanner = createQueue({ client, name: "scans", schema: letter, producer: { id: "scanner-7" } });
  const { sequence } = await scanner.producerState(); // how many of its messages are there; 0 at first
  await scanner.enqueue(
    lines.slice(sequence).map((body) => ({ body })),
    { sequence: sequence + 1 },
  );
  //#endregion producer
  const repeated = await scanner.enqueue(
    lines.map((body) => ({ body })),
    { sequence: 1 },
  );
  expect(repeated).toMatchObject({ positions: [1, 2, 3], duplicates: [0, 1, 2] });
  await scanner.close();
});
