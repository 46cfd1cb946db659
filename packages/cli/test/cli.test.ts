import { CreateTableCommand, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { controlTable, createEventStore, ensureTables } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { beforeAll, describe, expect, it } from "vitest";
import { type Ended, runHere, tuppence } from "./cli-process.ts";

const server = await startDynamoDBLocal({ log: false });
const at = (database: string): string[] => ["--endpoint", server.endpoint, "--database", database];

function storeIn(database: string, tablePrefix?: string): ReturnType<typeof createEventStore> {
  const client = new DynamoDBClient(server.clientConfig(database));
  // A time that can be compared with what is printed.
  return createEventStore({
    client,
    tablePrefix,
    runtime: { now: () => Date.parse("2026-01-02T03:04:05.006Z") },
  });
}

const done = (stdout: string): Ended => ({ exitCode: 0, stdout, stderr: "" });
const linesOf = ({ stdout }: Ended): unknown[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

describe("tuppence tables", () => {
  it("creates what is missing, and says what was there", async () => {
    expect(await tuppence(["tables", "create", ...at("clicreate")])).toEqual(
      done(
        "TABLE               RESULT\n" +
          "tuppence-events     created\ntuppence-control    created\ntuppence-documents  created\ntuppence-schedules  created\n",
      ),
    );
    expect(await runHere(["tables", "create", ...at("clicreate")])).toEqual(
      done(
        "TABLE               RESULT\n" +
          "tuppence-events     was there\ntuppence-control    was there\ntuppence-documents  was there\ntuppence-schedules  was there\n",
      ),
    );
    await storeIn("clicreate", "other").ensureTables();
    const other = await runHere(["tables", "create", "--json", "--prefix", "other", ...at("clicreate")]);
    expect(other).toEqual(
      done(
        '{"tables":[{"tableName":"other-events","created":false},{"tableName":"other-control","created":true},' +
          '{"tableName":"other-documents","created":true},{"tableName":"other-schedules","created":true}]}\n',
      ),
    );
  });

  it("shows how they are", async () => {
    const store = storeIn("clistatus");
    await ensureTables({ client: new DynamoDBClient(server.clientConfig("clistatus")) });
    await store.append("permit|1", [{ type: "Granted", data: { note: "n".repeat(2_000) } }]);
    const json = await runHere(["tables", "status", "--json", ...at("clistatus")]);
    const { tables } = JSON.parse(json.stdout) as {
      readonly tables: readonly [{ readonly streamArn: string }];
    };
    expect(json).toMatchObject({ exitCode: 0, stderr: "" });
    expect(tables).toMatchObject([
      {
        tableName: "tuppence-events",
        status: "ACTIVE",
        differences: [],
        items: 1,
        bytes: expect.any(Number),
      },
      { tableName: "tuppence-control", status: "ACTIVE", differences: [], ttlAttribute: "ttl", items: 0 },
      { tableName: "tuppence-documents", differences: [] },
      { tableName: "tuppence-schedules", differences: [] },
    ]);
    const shown = await runHere(["tables", "status", ...at("clistatus")]);
    expect(shown).toMatchObject({ exitCode: 0, stderr: "" });
    const [titles, row, control, documents, schedules, ...more] = shown.stdout.split("\n");
    expect(titles?.split(/ {2,}/)).toEqual(["TABLE", "STATUS", "ITEMS", "SIZE", "TTL", "STREAM"]);
    expect(row?.split(/ {2,}/)).toEqual([
      "tuppence-events",
      "ACTIVE",
      "1",
      expect.stringMatching(/^\d+(\.\d)? K?B$/),
      "-",
      tables[0].streamArn,
    ]);
    expect(control?.split(/ {2,}/)).toEqual(["tuppence-control", "ACTIVE", "0", "0 B", "ttl", "-"]);
    // A store without projections and schedules serves without them.
    expect(documents?.split(/ {2,}/)).toEqual(["tuppence-documents", "MISSING", "-", "-", "-", "-"]);
    expect(schedules?.split(/ {2,}/)).toEqual(["tuppence-schedules", "MISSING", "-", "-", "-", "-"]);
    expect(more).toEqual([""]);
  });

  it("fails when one is missing, and says where it looked and what makes it", async () => {
    expect(await runHere(["tables", "status", ...at("clinothing")])).toEqual({
      exitCode: 1,
      stdout:
        "TABLE               STATUS   ITEMS  SIZE  TTL  STREAM\n" +
        "tuppence-events     MISSING      -     -  -    -\n" +
        "tuppence-control    MISSING      -     -  -    -\n" +
        "tuppence-documents  MISSING      -     -  -    -\n" +
        "tuppence-schedules  MISSING      -     -  -    -\n",
      stderr:
        "error tableMissing: DynamoDB has no table tuppence-events here; tuppence tables create makes it. " +
        `This is database clinothing, region us-east-1, of ${server.endpoint}.\n`,
    });
  });

  it("fails when one is another, and says in what", async () => {
    await new DynamoDBClient(server.clientConfig("cliother")).send(
      new CreateTableCommand({
        TableName: "tuppence-events",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    );
    for (const command of ["status", "create"]) {
      const ended = await runHere(["tables", command, ...at("cliother")]);
      expect(ended.exitCode).toBe(1);
      expect(ended.stderr).toBe(
        'error tableMismatch: Table "tuppence-events" exists, but its key is id S (HASH) and p S (HASH), s N (RANGE) ' +
          "is needed; its index streams is missing and c S (HASH), p S (RANGE) is needed; its stream is undefined and " +
          "NEW_IMAGE is needed.\n",
      );
    }
  });
});

describe("tuppence tables and TTL", () => {
  it("fails where the control table has none, and creating enables it", async () => {
    const client = new DynamoDBClient(server.clientConfig("clittl"));
    await storeIn("clittl").ensureTables();
    await client.send(new CreateTableCommand(controlTable()));
    expect(await runHere(["tables", "status", "--json", ...at("clittl")])).toMatchObject({
      exitCode: 1,
      stderr:
        'error tableMismatch: Table "tuppence-control" exists, but its TTL attribute is undefined and ttl is needed.\n',
    });
    expect(await runHere(["tables", "create", ...at("clittl")])).toMatchObject({ exitCode: 0 });
    expect(await runHere(["tables", "status", "--json", ...at("clittl")])).toMatchObject({ exitCode: 0 });
  });
});

describe("tuppence streams", () => {
  const DATABASE = "clistreams";

  beforeAll(async () => {
    const store = storeIn(DATABASE);
    await store.ensureTables();
    await store.append("permit|1", [
      { type: "ApplicationReceived", data: { channel: "Internet" } },
      { type: "Granted", data: { note: "line 1\nline 2, \u001b[31mred" } },
    ]);
    await store.append("permit|1", [{ type: "Closed", data: null }], { metadata: { correlationId: "c1" } });
    await store.append("permit|2", [{ type: "Granted", data: {} }]);
    await store.append("bad\u001b[31m|1", [{ type: "Granted", data: {} }]);
  });

  it("lists a category, in pages", async () => {
    const list = (...args: readonly string[]): Promise<Ended> =>
      runHere(["streams", "list", ...args, ...at(DATABASE)]);
    expect(await list("permit")).toEqual(done("STREAM\npermit|1\npermit|2\n"));
    expect(await list("permit", "--limit", "1")).toEqual(done("STREAM\npermit|1\n"));
    expect(await list("permit", "--after=permit|1", "--json")).toEqual(done('{"streamId":"permit|2"}\n'));
    expect(await list("nothing")).toEqual(done(""));
  });

  it("lists all, and names can't drive the terminal", async () => {
    const { stdout } = await runHere(["streams", "list", ...at(DATABASE)]);
    expect(stdout.trimEnd().split("\n").toSorted()).toEqual([
      "STREAM",
      "bad\\u{1b}[31m|1",
      "permit|1",
      "permit|2",
    ]);
  });

  it("shows events on one line each", async () => {
    expect(await runHere(["streams", "show", "permit|1", ...at(DATABASE)])).toEqual(
      done(
        [
          "VERSION  TIME                      TYPE                 DATA",
          '      1  2026-01-02T03:04:05.006Z  ApplicationReceived  {"channel":"Internet"}',
          String.raw`      2  2026-01-02T03:04:05.006Z  Granted              {"note":"line 1\nline 2, \u001b[31mred"}`,
          "      3  2026-01-02T03:04:05.006Z  Closed               null",
          "",
        ].join("\n"),
      ),
    );
  });

  it("cuts lines to the width, backward, from a version, at most so many", async () => {
    const args = [
      "streams",
      "show",
      "permit|1",
      "--backward",
      "--from",
      "2",
      "--limit",
      "1",
      ...at(DATABASE),
    ];
    expect(await runHere(args, { COLUMNS: "60" })).toEqual(
      done(
        "VERSION  TIME                      TYPE     DATA\n" +
          '      2  2026-01-02T03:04:05.006Z  Granted  {"note":"line 1…\n',
      ),
    );
  });

  it("gives events as lines of JSON, whole", async () => {
    const ended = await runHere(["streams", "show", "permit|1", "--json", "--from=2", ...at(DATABASE)], {
      COLUMNS: "20",
    });
    expect(linesOf(ended)).toMatchObject([
      {
        streamId: "permit|1",
        version: 2,
        type: "Granted",
        data: { note: "line 1\nline 2, \u001b[31mred" },
        recordedAt: "2026-01-02T03:04:05.006Z",
        eventId: expect.stringMatching(/^\w{26}\/1$/),
      },
      { version: 3, type: "Closed", data: null, metadata: { correlationId: "c1" } },
    ]);
  });

  it("shows nothing for a stream that is not there", async () => {
    expect(await runHere(["streams", "show", "permit|9", ...at(DATABASE)])).toEqual(done(""));
  });

  it("shows the events before one that can't be read, and says what is wrong with that", async () => {
    const store = storeIn(DATABASE);
    await store.append("broken|1", [{ type: "Granted", data: 1 }]);
    await store.append("broken|1", [{ type: "Granted", data: 2 }]);
    const Key = { p: { S: "broken|1" }, s: { N: "2" } };
    const remove = { TableName: "tuppence-events", Key, UpdateExpression: "REMOVE e" };
    await new DynamoDBClient(server.clientConfig(DATABASE)).send(new UpdateItemCommand(remove));
    const ended = await runHere(["streams", "show", "broken|1", ...at(DATABASE)]);
    expect(ended).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^VERSION.*\n {6}1 .* 1\n$/),
      stderr: expect.stringMatching(/^error integrity: Chain "broken\|1", slot 2: .*\n$/),
    });
  });

  it("fails with one line where the table is missing", async () => {
    const ended = await runHere(["streams", "list", "permit", "--prefix", "no", ...at(DATABASE)]);
    expect(ended).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^error tableMissing: DynamoDB has no table no-events here;.*\n$/);
  });
});
