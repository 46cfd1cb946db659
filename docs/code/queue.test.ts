import { defineEvents, type RecordedEventOf } from "@tuppence/core";
import { inProcessFunction } from "@tuppence/local/lambda";
import { defineProjection } from "@tuppence/projections";
import { runProjections } from "@tuppence/projections/testing";
//#region enqueue-imports
import { createQueue } from "@tuppence/queue";
//#endregion enqueue-imports
//#region function-imports
import { createQueueHandler, queueEventSourceMapping } from "@tuppence/queue/lambda";
//#endregion function-imports
import { expect, it } from "vitest";
import { z } from "zod";
import { connect } from "@tuppence/test-support/database";

const client = connect("docsqueue");
const sent: unknown[] = [];
const send = (letter: unknown): void => void sent.push(letter);

it("messages are enqueued once and consumed", async () => {
  //#region enqueue
  const queue = createQueue({ client, name: "letters" });
  await queue.ensureTables();
  const { positions } = await queue.enqueue([
    { body: { caseId: "case-1", kind: "decision" }, key: "case-1", messageId: "case-1/decision" },
  ]);
  //#endregion enqueue
  expect(positions).toEqual([1]);

  const events = defineEvents({ CaseDecided: z.object({ letter: z.string() }) });
  const letterOf = (event: RecordedEventOf<typeof events>) => ({ letter: event.data.letter });
  //#region react
  const letters = defineProjection({
    name: "letters",
    version: 1,
    events,
    async react(event, { idempotencyKey }) {
      await queue.enqueue({ body: letterOf(event), messageId: idempotencyKey, since: event.recordedAt });
    },
  });
  //#endregion react
  await using run = runProjections({ projections: [letters], events });
  await run.store.append("case|1", [{ type: "CaseDecided", data: { letter: "granted" } }]);
  await run.caughtUp();
  expect(await queue.tail()).toMatchObject({ position: 2 });

  //#region consume
  const consumer = queue.consume("letters-sent", ({ body }) => send(body), { onFailure: "parkKey" });
  await consumer.start();
  //#endregion consume
  await consumer.caughtUp();
  await consumer.stop();
  expect(sent).toEqual([{ caseId: "case-1", kind: "decision" }, { letter: "granted" }]);
});

//#region function
export const handler = createQueueHandler({
  client,
  queue: "letters",
  group: "letters-sent",
  handler: ({ body }) => send(body),
  onFailure: "parkKey",
});
export const mapping = queueEventSourceMapping("letters"); // for its event source mapping
//#endregion function

it("a function consumes to the end", async () => {
  await createQueue({ client, name: "letters" }).enqueue({ body: "late" });
  const fn = inProcessFunction({ name: "letters", handler, timeoutMs: 60_000 });
  expect((await fn.invoke({ Records: [] })).functionError).toBeUndefined();
  expect(sent.at(-1)).toBe("late");
});
