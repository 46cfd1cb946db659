import { randomBytes } from "node:crypto";
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { createEventStore, defineEvents, eventsTable, IntegrityError } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { describe, expect, it } from "vitest";
import { POST_BOOK } from "../src/post-book.ts";
import { readReceiptLog } from "../src/receipt-log.ts";
import { deadlineDatabase, type DemoOptions, type DemoResult, runDemo } from "../src/run-demo.ts";

/** Each fortieth case: enough to go through a server again and again; `receipt-log.test.ts` takes them all. */
const all = await readReceiptLog();
const cases = new Set(
  [...new Set(all.map(({ streamId }) => streamId))].filter((_, index) => index % 40 === 0),
);
const tasks = all.filter(({ streamId }) => cases.has(streamId));
const decisions = tasks.filter(({ command }) => command.type === "decideStop");

interface Run extends DemoResult {
  readonly text: string;
}

async function run(database: string, onWrite?: (text: string) => void, signal?: AbortSignal): Promise<Run> {
  let text = "";
  const output: DemoOptions["output"] = {
    write(part) {
      text += part;
      onWrite?.(part);
    },
  };
  const result = await runDemo({ output, database, tasks, signal });
  return { ...result, text };
}

function newDatabase(): string {
  return `permits${randomBytes(8).toString("hex")}`;
}

/** Another permit in the first letter that was archived. */
async function changeLetter(client: DynamoDBClient): Promise<void> {
  const page = { TableName: POST_BOOK.TableName, Key: { p: { S: "archived" }, s: { N: "1" } } };
  const { Item } = await client.send(new GetItemCommand(page));
  const letters = String(Item?.["letters"]?.S).replace(/permit\|case-\d+/, "permit|case-0");
  await client.send(
    new UpdateItemCommand({
      ...page,
      UpdateExpression: "SET letters = :letters",
      ExpressionAttributeValues: { ":letters": { S: letters } },
    }),
  );
}

/** The event of a deadline that passed, in the stream of one that did not: answers both permits. */
async function moveFiring(client: DynamoDBClient): Promise<readonly [string, string]> {
  const store = createEventStore({ client, events: defineEvents({}) });
  const fired: string[] = [];
  for await (const streamId of store.listStreams("deadline")) fired.push(streamId);
  const permits = fired.map((streamId) => streamId.replace("deadline", "permit"));
  const extra = [...cases].find((permit) => !permits.includes(permit)) ?? "";
  const TableName = eventsTable().TableName;
  const Key = { p: { S: fired[0] ?? "" }, s: { N: "1" } };
  const { Item } = await client.send(new GetItemCommand({ TableName, Key }));
  const moved = { ...Item, p: { S: extra.replace("permit", "deadline") } };
  await client.send(new PutItemCommand({ TableName, Item: moved }));
  await client.send(new DeleteItemCommand({ TableName, Key }));
  client.destroy();
  return [permits[0] ?? "", extra];
}

describe("the demo", () => {
  it("verifies what it stored, and adds nothing when it runs again", async () => {
    const database = newDatabase();
    const first = await run(database);
    expect(first).toMatchObject({ added: tasks.length, differences: [] });
    expect(first.text).toContain(
      `verified: ${tasks.length} events in ${cases.size} streams, every stream 1..n`,
    );
    expect(first.text).toContain("Longest cases");
    const whole = `${tasks.length} of ${tasks.length} events added  `;
    expect(first.text.split("\n").filter((line) => line.startsWith(whole))).toHaveLength(1);
    expect(first.text).toMatch(
      /\nbuilding work-done anew [^\n]+\n(\d+ of \d+ events rebuilt {2}[\d,]+ events\/s\n)+\d+ of \d+ events added /,
    );
    expect(first.text).toMatch(
      /\nall in the log [\d.]+ s later, in \d+ pages?; from commit to reader [\d,]+ ms /,
    );
    const inLog = `verified: positions 1..${tasks.length} of the log without a gap, every event once`;
    expect(first.text).toContain(inLog);
    expect(first.text).toMatch(/\nwork-done built anew and put in place in [\d.]+ s/);
    expect(first.text).toMatch(/\nverified: \d departments and \d+ weeks of employees, every document equal/);
    expect(first.text).toContain(`\n${2 * decisions.length} letters sent by 2 groups, the last `);
    const letters = `verified: positions 1..${decisions.length} of the letters without a gap, one for each decision`;
    expect(first.text).toContain(letters);
    expect(first.text).toContain("sent once and in that order by printed and by archived");
    expect(first.text).toContain(`\n${cases.size} deadlines scheduled, 30 cancelled, 5 fired, the last `);
    const deadlines = `verified: ${cases.size} deadlines, 30 cancelled in time, 5 fired once each, 1 to come`;
    expect(first.text).toContain(deadlines);

    const second = await run(database);
    expect(second).toMatchObject({ added: 0, differences: [] });
    expect(second.text).toContain(` of ${tasks.length} events rebuilt  `);
    expect(second.text).not.toContain(" events added");
    expect(second.text).toContain(`nothing to add: all ${tasks.length} events were there`);
    expect(second.text).toContain("nothing to log: all were in the log");
    expect(second.text).toContain(`verified: ${tasks.length} events in ${cases.size} streams`);
    expect(second.text).toContain(inLog);
    expect(second.text).toContain(`nothing to send: all ${decisions.length} letters were sent`);
    expect(second.text).toContain(letters);
    expect(second.text).toContain("nothing to watch: all deadlines were as the file has them");
    expect(second.text).toContain(deadlines);
  });

  it("goes on where it was interrupted", async () => {
    const database = newDatabase();
    const interruption = new AbortController();
    const interrupt = (text: string): void => {
      if (text.includes("events/s")) interruption.abort();
    };
    await expect(run(database, interrupt, interruption.signal)).rejects.toThrow("aborted");

    const { added, differences, text } = await run(database);
    expect(differences).toEqual([]);
    expect(added).toBeGreaterThan(0);
    expect(added).toBeLessThan(tasks.length);
    expect(text).toContain(`${tasks.length - added} events were there; ${added} events added`);
  });

  it("does not verify a log, letters or deadlines that were changed from outside", async () => {
    const database = newDatabase();
    await run(database);
    await using server = await startDynamoDBLocal({ log: false });
    const client = new DynamoDBClient(server.clientConfig(database));
    const TableName = eventsTable().TableName;
    // The first page once more, at the log's end.
    const first = await client.send(
      new GetItemCommand({ TableName, Key: { p: { S: "$all" }, s: { N: "1" } } }),
    );
    const Item = { ...first.Item, s: { N: String(tasks.length + 1) } };
    await client.send(new PutItemCommand({ TableName, Item }));
    await changeLetter(client);
    client.destroy();
    const [lost, extra] = await moveFiring(
      new DynamoDBClient(server.clientConfig(deadlineDatabase(database))),
    );
    const { differences, text } = await run(database);
    expect(differences).toContain("archived: letter 1, of permit|case-0, is not what was enqueued");
    expect(differences).toContain(`deadline of ${lost}: has 0 events, and by the file 1`);
    expect(differences).toContain(`deadline of ${extra}: has 1 events, and by the file 0`);
    // The read models have them twice, too.
    const inLog = differences.filter((difference) => difference.startsWith("position"));
    expect(inLog).toHaveLength(Number(first.Item?.["n"]?.N ?? 1));
    expect(inLog.length).toBeLessThan(differences.length);
    expect(inLog[0]).toMatch(/^position \d+: version 1 of permit\|case-\d+ was in the log before$/);
    expect(text).toContain("NOT verified");
  });

  it("does not verify a table that was changed from outside", async () => {
    const database = newDatabase();
    await run(database);
    await using server = await startDynamoDBLocal({ log: false });
    const client = new DynamoDBClient(server.clientConfig(database));
    const remove = async (streamId: string, version: number): Promise<unknown> =>
      client.send(
        new DeleteItemCommand({
          TableName: eventsTable().TableName,
          Key: { p: { S: streamId }, s: { N: String(version) } },
        }),
      );
    const [streamId = ""] = cases;
    await remove(streamId, 1);
    await expect(run(database)).rejects.toThrow(IntegrityError);
    client.destroy();
  });
});
