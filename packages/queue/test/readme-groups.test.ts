import { readFile } from "node:fs/promises";
import { CreateTableCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { inProcessFunction } from "@tuppence/local/lambda";
import { expect, it } from "vitest";
import { createQueue, type Queue } from "@tuppence/queue";
import { createQueueHandler, queueEventSourceMapping } from "@tuppence/queue/lambda";
import { interceptRequests } from "./client-faults.ts";
import { connect } from "@tuppence/test-support/database";

interface Letter {
  readonly caseId: string;
}

const client = connect("queuereadmegroups");
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
let sent: string[] = [];
const send = (caseId: string): void => void sent.push(caseId);

const queue = createQueue({ client, name: "letters" }) as Queue<Letter>;
await queue.ensureTables();
const cases = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ body: { caseId: `case-${index}` }, key: `case-${index}` }));

it("consumes and operates as the README says", async () => {
  await queue.enqueue(cases(10));
  sent = [];
  //#region consume
  const consumer = queue.consume("letters-sent", ({ body }) => send(body.caseId), {
    lanes: 4, // the order of each key, four at a time; 1, the default, is the queue's own order
    onFailure: "parkKey", // or block (the default), parkMessage, skip
  });
  await consumer.start(); // in as many processes as you like: they share the lanes
  await consumer.caughtUp();
  await consumer.stop(); // what runs ends, and the lanes go to others
  //#endregion consume
  expect(sent.toSorted((one, other) => (one < other ? -1 : 1))).toEqual(cases(10).map(({ key }) => key));

  const lines: unknown[] = [];
  const console = { log: (...line: unknown[]) => lines.push(line) };
  //#region operate
  const { depth, ageMs, parked, lanes } = await queue.status("letters-sent");
  for (const { position, key, failures } of await queue.parked("letters-sent")) {
    console.log(position, key, failures);
  }
  await queue.redrive("letters-sent", { key: "case-1" }); // while the group goes on
  await queue.reset("letters-sent", { to: new Date("2026-03-01") }); // everything since then once more
  await queue.changeLanes("letters-sent", 8); // the order of each key is kept
  //#endregion operate
  expect({ depth, ageMs, parked, lanes: lanes.length }).toEqual({ depth: 0, ageMs: 0, parked: 0, lanes: 4 });
  expect(lines).toEqual([]);
});

it("writes once, and delivers, as the README says", async () => {
  await client.send(
    new CreateTableCommand({
      TableName: "sent",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "p", AttributeType: "N" }],
    }),
  );
  //#region transaction
  const ledger = queue.consume(
    "ledger",
    (letters) =>
      letters.map(({ position }) => ({ Put: { TableName: "sent", Item: { p: { N: `${position}` } } } })),
    { mode: "transaction", batchSize: 25 },
  );
  //#endregion transaction
  await ledger.start();
  await ledger.caughtUp();
  await ledger.stop();
  const { position: end } = await queue.tail();
  expect((await client.send(new ScanCommand({ TableName: "sent" }))).Count).toBe(end);

  const printed: string[] = [];
  const print = async (caseId: string): Promise<boolean> => {
    printed.push(caseId);
    if (printed.length === end) throw new Error("enough");
    return true;
  };
  const delivering = async (): Promise<void> => {
    //#region deliver
    for await (const { message, ack, nack } of queue.messages("printer")) {
      if (await print(message.body.caseId)) await ack();
      else nack({ delayMs: 5_000 });
    }
    //#endregion deliver
  };
  await expect(delivering()).rejects.toThrow("enough");
  expect(await queue.status("printer")).toMatchObject({ position: end - 1, depth: 1 });
});

//#region function
export const handler = createQueueHandler<Letter>({
  client,
  queue: "letters",
  group: "letters-sent",
  handler: ({ body }) => send(body.caseId),
});
const mapping = queueEventSourceMapping("letters"); // settings of its event source mapping
//#endregion function

it("consumes in a function as the README says, with the permissions that it names, no more and no less", async () => {
  const used = new Set<string>();
  interceptRequests(client, ({ operation, input }, carryOut) => {
    const { TableName = "" } = input as { readonly TableName?: string };
    used.add(`${TableName.replace("tuppence-", "")} ${operation}`);
    return carryOut();
  });
  sent = [];
  const fn = inProcessFunction({ name: "letters", handler, timeoutMs: 60_000 });
  expect((await fn.invoke({ Records: [] })).functionError).toBeUndefined();
  // The group was reset above.
  expect(sent).toHaveLength(10);
  expect(mapping.FilterCriteria?.Filters[0]?.Pattern).toContain("$queue|letters");
  await queue.parked("letters-sent");
  await queue.deleteGroup("letters-sent");
  const documented = ["events", "control"].flatMap((table) => {
    const row = readme.split("\n").find((line) => line.startsWith(`| \`table/<prefix>-${table}\``));
    const actions = (row?.split("|")[5] ?? "").matchAll(/`([A-Z]\w+)`/g);
    return Array.from(actions, ([, action]) => `${table} ${action}`);
  });
  expect([...used].toSorted()).toEqual(documented.toSorted());
});
