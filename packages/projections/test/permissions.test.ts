import { readFile } from "node:fs/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { auditLog, createEventStore, DEFAULT_TABLE_PREFIX, SYSTEM_RUNTIME } from "@tuppence/core";
import { describe, expect, it } from "vitest";
import { listRetired, RETIRE_AFTER_MS, retireBuild } from "../src/builds/retire-build.ts";
import {
  createInlineProjections,
  createProjections,
  createProjectionWorker,
  defineProjection,
  NonRetryableError,
} from "../src/index.ts";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import { connect } from "@tuppence/test-support/database";

/** The permissions in the README are those that are needed, no more and no less. */

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const TABLES = ["events", "control", "documents"] as const;
const COLUMNS = ["worker", "readers", "inline"] as const;

type Actions = Record<(typeof TABLES)[number], string[]>;

/** What the table of permissions has in a column. */
function documented(column: (typeof COLUMNS)[number]): Actions {
  const of = (table: string): string[] => {
    const row = readme.split("\n").find((line) => line.startsWith(`| \`table/<prefix>-${table}\``));
    const cell = row?.split("|")[2 + COLUMNS.indexOf(column)] ?? "";
    return Array.from(cell.matchAll(/`([A-Z]\w+)`/g), ([, action]) => action ?? "").toSorted();
  };
  return { events: of("events"), control: of("control"), documents: of("documents") };
}

interface Input {
  readonly TableName?: string;
  readonly RequestItems?: object;
  readonly TransactItems?: readonly Record<string, { readonly TableName: string }>[];
}

/** What a call needs to be allowed: a transaction, what each of its parts is. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html */
function needs(operation: string, input: Input): (readonly [table: string, action: string])[] {
  if (input.TransactItems !== undefined) {
    return input.TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, { TableName }]) => [TableName, `${kind}Item`] as const),
    );
  }
  const { TableName, RequestItems = {} } = input;
  const tables = TableName === undefined ? Object.keys(RequestItems) : [TableName];
  return tables.map((table) => [table, operation] as const);
}

/** A client, and what its calls needed. */
function recorded(database: string): { readonly client: DynamoDBClient; readonly used: () => Actions } {
  const client = connect(database);
  const seen = new Map<string, Set<string>>();
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) => {
        for (const [table, action] of needs(commandName.replace(/Command$/, ""), args.input as Input)) {
          seen.set(table, (seen.get(table) ?? new Set()).add(action));
        }
        return next(args);
      },
    { step: "initialize" },
  );
  const on = (table: string): string[] =>
    [...(seen.get(`${DEFAULT_TABLE_PREFIX}-${table}`) ?? [])].toSorted();
  return {
    client,
    used: () => ({ events: on("events"), control: on("control"), documents: on("documents") }),
  };
}

const noted = (...keys: readonly string[]) => ({ type: "Noted", data: { keys } });

const fold = {
  version: 1,
  key: ({ data }: { readonly data: unknown }) => (data as { readonly keys: string[] }).keys,
  initialState: () => 0,
  evolve: (state: number) => state + 1,
};

const patience = { timeout: 30_000, interval: 50 };

describe("the permissions in the README", () => {
  it("are those of workers and readers", async () => {
    const database = "projectionspermissions";
    const plain = connect(database);
    const store = createEventStore({ client: plain });
    await Promise.all([store.ensureTables(), createProjections({ client: plain, store }).ensureTables()]);
    const worker = recorded(database);
    const reader = recorded(database);
    const documents = defineProjection({ ...fold, name: "documents" });
    const counters = defineProjection({ ...fold, name: "counters", mode: "transaction" });
    let isRefused = true;
    const mails = defineProjection({
      name: "mails",
      version: 1,
      onFailure: "park",
      react: () => {
        if (isRefused) throw new NonRetryableError("no");
      },
    });
    const running = createProjectionWorker({
      client: worker.client,
      store: createEventStore({ client: worker.client }),
      projections: [documents, counters, mails],
    });
    const projections = createProjections({ client: reader.client });
    running.start();
    const appended = await store.append("s|1", [noted("a", "b"), noted("a")]);
    const log = (): Promise<unknown> => auditLog({ client: plain, repair: true, graceMs: 0 });
    await log();
    const read = projections.documents(documents);
    expect(await read.get("a", { after: appended })).toBe(2);
    // A batch with one document alone, of which nothing is known yet.
    const alone = await store.append("s|2", [noted("c")]);
    await log();
    expect(await read.get("c", { after: alone })).toBe(1);
    expect(await read.getMany(["a", "b"])).toHaveProperty("size", 2);
    for await (const { document } of read.list()) expect(document).toBeGreaterThan(0);
    for (const each of [documents, counters, mails]) await projections.waitFor(each, alone);

    // Of a reactor what is parked is handled, of documents the old build is taken away.
    isRefused = false;
    for await (const { reason } of projections.parked("mails")) expect(reason).toBeDefined();
    expect(await projections.replay("mails")).toBe(3);
    const parked = async (): Promise<unknown> => (await projections.status("mails"))[0]?.live.parked;
    await expect.poll(parked, patience).toBe(0);
    expect(await projections.list()).toHaveLength(3);
    await projections.pause("documents");
    await projections.resume("documents");
    await projections.rebuild("documents");
    const live = async (): Promise<unknown> => (await projections.status("documents"))[0]?.live.number;
    await expect.poll(live, patience).toBe(2);
    await projections.reset("counters");
    await running.stop();
    const storage = createDynamoDBProjectionStorage(worker.client, DEFAULT_TABLE_PREFIX);
    const later = { ...SYSTEM_RUNTIME, now: () => Date.now() + RETIRE_AFTER_MS };
    const { signal } = new AbortController();
    for (const retired of await listRetired(storage.control)) {
      await retireBuild(retired, { storage, runtime: later, definition: undefined, signal });
    }

    // One by one documents are deleted when DynamoDB leaves some of a batch, which DynamoDB Local never does.
    const used = worker.used();
    expect({ ...used, documents: [...used.documents, "DeleteItem"].toSorted() }).toEqual(
      documented("worker"),
    );
    expect(reader.used()).toEqual(documented("readers"));
  });

  it("are those of inline projections", async () => {
    const database = "projectionspermissionsinline";
    const plain = connect(database);
    const { client, used } = recorded(database);
    const documents = defineProjection({ ...fold, name: "documents", categories: ["s"] });
    const open = (on: DynamoDBClient) =>
      createInlineProjections({
        store: createEventStore({ client: on }),
        client: on,
        projections: [documents],
      });
    await open(plain).ensureTables();
    // Appended past the documents, then through them; and where nothing is to be told to any.
    const past = createEventStore({ client: plain });
    await past.append("s|1", [noted("a")]);
    await past.append("s|2", [noted("b")]);
    await auditLog({ client: plain, repair: true, graceMs: 0 });
    const inline = open(client);
    await inline.append("s|1", [noted("a", "c")]);
    await inline.append("s|1", [noted("a")], { expectedVersion: 2 });
    await inline.append("t|1", [noted("a")]);
    // By somebody else meanwhile: the next append goes by an end that is none any more.
    await open(plain).append("s|1", [noted("c")]);
    expect(await inline.append("s|1", [noted("c")])).toHaveProperty("version", 5);
    expect(await inline.backfill(documents)).toMatchObject({ caughtUp: 1 });
    expect(await inline.hold(new Map([["s|1", 5]]))).toEqual([]);
    const read = inline.documents(documents);
    expect(await read.get("a")).toBe(3);
    expect(await read.getMany(["a", "b"])).toHaveProperty("size", 2);
    for await (const { document } of read.list()) expect(document).toBeGreaterThan(0);
    expect(used()).toEqual(documented("inline"));
  });
});
