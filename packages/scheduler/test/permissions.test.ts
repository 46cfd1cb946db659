import { readFile } from "node:fs/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DEFAULT_TABLE_PREFIX, NonRetryableError, SYSTEM_RUNTIME } from "@tuppence/core";
import type { Context, DynamoDBStreamEvent } from "aws-lambda";
import { expect, it, vi } from "vitest";
import { call, createScheduler, createSchedulerWorker } from "../src/index.ts";
import { createBellHandler } from "../src/lambda/create-bell-handler.ts";
import { all } from "./stopped-clock.ts";
import { connect } from "@tuppence/test-support/database";

/** The permissions in the README are those that are needed, no more and no less. */

const MINUTE = 60_000;
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const TABLES = ["schedules", "control"] as const;
const COLUMNS = ["createScheduler", "createSchedulerWorker", "createBellHandler"] as const;

type Actions = Record<(typeof TABLES)[number], string[]>;

/** What the table of permissions has in a column. */
function documented(column: (typeof COLUMNS)[number]): Actions {
  const of = (table: string): string[] => {
    const row = readme.split("\n").find((line) => line.startsWith(`| \`<prefix>-${table}\``));
    const cell = row?.split("|")[2 + COLUMNS.indexOf(column)] ?? "";
    const actions = Array.from(cell.matchAll(/`([A-Z]\w+)`/g), ([, action = ""]) => action);
    return actions.toSorted();
  };
  return { schedules: of("schedules"), control: of("control") };
}

interface Input {
  readonly TableName?: string;
  readonly TransactItems?: readonly Record<string, { readonly TableName: string }>[];
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly Statements?: readonly unknown[];
}

/** For what is sent together when it is asked for at a time; else, and without them, it is an UpdateItem or GetItem each. */
const TOGETHER = ["BatchGetItem", "PartiQLInsert", "PartiQLUpdate"];

/** A client, and what its calls needed to be allowed: a transaction, what each of its parts is. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html */
function recorded(database: string): { readonly client: DynamoDBClient; readonly used: () => Actions } {
  const client = connect(database);
  const seen = new Map<string, Set<string>>();
  const note = (table: string, action: string): void =>
    void seen.set(table, (seen.get(table) ?? new Set()).add(action));
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) => {
        const { TableName, TransactItems = [], RequestItems = {}, Statements } = args.input as Input;
        for (const table of Object.keys(RequestItems)) note(table, "GetItem");
        if (Statements !== undefined) note(`${DEFAULT_TABLE_PREFIX}-schedules`, "UpdateItem");
        if (TableName !== undefined) note(TableName, commandName.replace(/Command$/, ""));
        for (const item of TransactItems) {
          for (const [kind, part] of Object.entries(item)) note(part.TableName, `${kind}Item`);
        }
        return next(args);
      },
    { step: "initialize" },
  );
  const on = (table: string, also: readonly string[] = []): string[] =>
    [...(seen.get(`${DEFAULT_TABLE_PREFIX}-${table}`) ?? []), ...also].toSorted();
  return { client, used: () => ({ schedules: on("schedules", TOGETHER), control: on("control") }) };
}

const targets = {
  remind: call(() => undefined),
  refuse: call(() => {
    throw new NonRetryableError("no");
  }),
};

/** What there is to fire: something of each kind, and in a minute that is over something that was cancelled. */
async function prepare(client: DynamoDBClient): Promise<void> {
  const now = (): number => Date.now() - 10 * MINUTE;
  const early = createScheduler({ client, targets, runtime: { ...SYSTEM_RUNTIME, now }, shards: 1 });
  await early.ensureTables();
  await early.cancel((await early.schedule({ in: 0, target: "remind" })).id);
  const scheduler = createScheduler({ client, targets });
  await scheduler.schedule({ name: "once", in: 0, target: "remind" });
  await scheduler.schedule({ in: 0, target: "refuse" });
  await scheduler.schedule({ name: "often", every: "1s", target: "remind" });
}

it("a scheduler needs what is documented", async () => {
  const { client, used } = recorded("schedpermscheduler");
  await createScheduler({ client: connect("schedpermscheduler") }).ensureTables();
  const scheduler = createScheduler({ client, targets, shards: 1 });
  const { id } = await scheduler.schedule({ in: "1h", target: "remind" });
  await scheduler.schedule({ name: "hourly", every: "1h", target: "remind" });
  await scheduler.reschedule(id, { in: "2h" });
  await scheduler.pause("hourly");
  await scheduler.resume("hourly");
  await scheduler.fireNow("hourly");
  await scheduler.schedule({ in: 0, target: "refuse" });
  await scheduler.fireDue();
  expect(await all(scheduler.parked())).toHaveLength(1);
  expect(await scheduler.replay()).toBe(1);
  await all(scheduler.list());
  await all(scheduler.list({ namePrefix: "h" }));
  await all(scheduler.history("hourly"));
  await scheduler.recover({ since: new Date() });
  expect(await scheduler.cancel("hourly")).toBe("cancelled");
  expect(used()).toEqual(documented("createScheduler"));
});

it("a worker needs what is documented", async () => {
  const { client, used } = recorded("schedpermworker");
  await prepare(connect("schedpermworker"));
  const seen = new Set<string>();
  const onEvent = (event: { readonly type: string }): void => void seen.add(event.type);
  const worker = createSchedulerWorker({ client, targets, onEvent, lookMs: 50 });
  worker.start();
  await vi.waitFor(() => expect([...seen]).toEqual(expect.arrayContaining(["fired", "parked"])), 10_000);
  await vi.waitFor(() => expect(used().schedules).toContain("DeleteItem"), 10_000);
  await worker.stop();
  const { schedules, control } = used();
  // A lease is read when the reply to its renewal was lost.
  const needed = { schedules, control: [...control, "GetItem"].toSorted() };
  expect(needed).toEqual(documented("createSchedulerWorker"));
});

it("a handler of doorbells needs what is documented", async () => {
  const { client, used } = recorded("schedpermbells");
  await prepare(connect("schedpermbells"));
  const ttl = Math.floor(Date.now() / 1_000);
  const record = {
    eventName: "REMOVE",
    userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
    dynamodb: {
      SequenceNumber: "1",
      Keys: { p: { S: "BELL|0|0000000001" }, s: { S: "bell" } },
      OldImage: { ttl: { N: String(ttl) } },
    },
  };
  const handler = createBellHandler({ client, targets });
  const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
  const answer = await handler({ Records: [record] } as DynamoDBStreamEvent, context);
  expect(answer).toEqual({ batchItemFailures: [] });
  expect(used()).toEqual(documented("createBellHandler"));
});
