import { readFile } from "node:fs/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createEventStore, DEFAULT_TABLE_PREFIX } from "@tuppence/core";
import { inProcessFunction, mappingOptions, startEventSourceMapping } from "@tuppence/local/lambda";
import { expect, it } from "vitest";
import { createLogWorker } from "../src/index.ts";
import { createLogHandler, logEventSourceMapping } from "../src/lambda/index.ts";
import { configOf } from "@tuppence/test-support/database";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const config = configOf("adapterreadme");

/** The actions that a column of the table of permissions has for what is named like this. */
function actions(on: string, column: "worker" | "handler"): string[] {
  const row = readme.split("\n").find((line) => line.startsWith(`| \`table/<prefix>-${on}\``));
  const cell = row?.split("|")[column === "worker" ? 2 : 3] ?? "";
  return Array.from(cell.matchAll(/`([A-Z]\w+)`/g), ([, action]) => action ?? "").toSorted();
}

interface Meter {
  readonly client: DynamoDBClient;
  /** By table. */
  readonly seen: Map<string, Set<string>>;
}

function metered(): Meter {
  const client = new DynamoDBClient(config);
  const seen = new Map<string, Set<string>>();
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) => {
        const { TableName = "", IndexName } = args.input as {
          readonly TableName?: string;
          readonly IndexName?: string;
        };
        const on = `${TableName}${IndexName === undefined ? "" : `/index/${IndexName}`}`;
        seen.set(on, (seen.get(on) ?? new Set()).add(commandName.replace(/Command$/, "")));
        return next(args);
      },
    { step: "initialize" },
  );
  return { client, seen };
}

it("the permissions in the README are those that are needed", async () => {
  const plain = new DynamoDBClient(config);
  const store = createEventStore({ client: plain });
  await store.ensureTables();
  const handler = metered();
  const worker = metered();
  const options = { client: worker.client, streams: new DynamoDBStreamsClient(config), maxIdleMs: 200 };
  await createLogWorker({ ...options, client: plain }).ensureTables();
  await store.transact([
    { streamId: "permit|1", events: [{ type: "Noted", data: {} }] },
    { streamId: "permit|2", events: [{ type: "Noted", data: {} }] },
  ]);
  await using mapping = await startEventSourceMapping({
    config,
    tableName: `${DEFAULT_TABLE_PREFIX}-events`,
    function: inProcessFunction({ name: "log", handler: createLogHandler({ client: handler.client }) }),
    ...mappingOptions(logEventSourceMapping()),
  });
  await mapping.whenCaughtUp();
  const running = createLogWorker(options);
  running.start();
  await expect
    .poll(() => running.progress().then(({ shards }) => shards.some(({ lagMs }) => lagMs === 0)), {
      timeout: 30_000,
    })
    .toBe(true);
  await store.append("permit|1", [{ type: "Noted", data: {} }]);
  await store.waitFor("permit|1", 2);
  await expect
    .poll(() =>
      running.progress().then(({ shards }) => shards.some(({ recordsHandled }) => recordsHandled >= 3)),
    )
    .toBe(true);
  await running.stop();
  const used = ({ seen }: Meter, on: string): string[] =>
    [...(seen.get(`${DEFAULT_TABLE_PREFIX}-${on}`) ?? [])].toSorted();
  expect(used(handler, "events")).toEqual(actions("events", "handler"));
  expect(actions("control", "worker")).toEqual(expect.arrayContaining(used(worker, "control")));
  expect(actions("events", "worker")).toEqual(expect.arrayContaining(used(worker, "events")));
  expect(used(worker, "control")).toEqual(["DeleteItem", "Query", "UpdateItem"]);
});
