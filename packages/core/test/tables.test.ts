import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { collect } from "../src/contract/fixtures.ts";
import {
  CONTROL_TTL_ATTRIBUTE,
  controlTable,
  createEventStore,
  ensureTables,
  eventsTable,
  readTableStatus,
} from "../src/index.ts";
import { connect } from "./test-database.ts";

describe("ensureTables", () => {
  it("creates the table as defined, once, however many ask", async () => {
    const client = connect("ensure");
    const stores = Array.from({ length: 4 }, () => createEventStore({ client, tablePrefix: "many" }));
    await Promise.all(stores.map((store) => store.ensureTables()));
    await stores[0]?.ensureTables();
    const { Table } = await client.send(new DescribeTableCommand({ TableName: "many-events" }));
    const definition = eventsTable("many");
    expect(Table).toMatchObject({
      TableStatus: "ACTIVE",
      KeySchema: definition.KeySchema,
      StreamSpecification: definition.StreamSpecification,
      BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
    });
    expect(Table?.GlobalSecondaryIndexes).toMatchObject(definition.GlobalSecondaryIndexes ?? []);
  });

  it("refuses a table of that name that is not one of ours, and says why", async () => {
    const client = connect("mismatch");
    await client.send(
      new CreateTableCommand({
        TableName: "other-events",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    );
    const refused = createEventStore({ client, tablePrefix: "other" }).ensureTables();
    await expect(refused).rejects.toMatchObject({
      code: "tableMismatch",
      tableName: "other-events",
      differences: [
        "its key is id S (HASH) and p S (HASH), s N (RANGE) is needed",
        "its index streams is missing and c S (HASH), p S (RANGE) is needed",
        "its stream is undefined and NEW_IMAGE is needed",
      ],
    });
  });
});

describe("ensureTables of all that a store and its workers need", () => {
  it("creates both tables, one of them with TTL, however many ask", async () => {
    const client = connect("ensureall");
    await Promise.all([1, 2, 3].map(() => ensureTables({ client, tablePrefix: "all" })));
    for (const TableName of ["all-events", "all-control"]) {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      expect(Table?.TableStatus).toBe("ACTIVE");
    }
    const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName: "all-control" }));
    expect(ttl.TimeToLiveDescription).toMatchObject({ AttributeName: "ttl", TimeToLiveStatus: "ENABLED" });
  });

  it("enables TTL where only that is missing, and refuses another attribute's", async () => {
    const client = connect("ensurettl");
    const definition = controlTable();
    const status = (): ReturnType<typeof readTableStatus> =>
      readTableStatus(client, definition, CONTROL_TTL_ATTRIBUTE);
    expect(await status()).toMatchObject({ status: undefined, differences: [], ttlAttribute: undefined });
    await client.send(new CreateTableCommand(definition));
    expect(await status()).toMatchObject({
      differences: ["its TTL attribute is undefined and ttl is needed"],
    });
    await ensureTables({ client });
    expect(await status()).toMatchObject({ differences: [], ttlAttribute: "ttl" });

    const other = controlTable("other");
    const TableName = other.TableName;
    await client.send(new CreateTableCommand(other));
    const TimeToLiveSpecification = { Enabled: true, AttributeName: "expires" };
    await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    await expect(ensureTables({ client, tablePrefix: "other" })).rejects.toMatchObject({
      code: "tableMismatch",
      differences: ["its TTL attribute is expires and ttl is needed"],
    });
  });
});

describe("readTableStatus", () => {
  it("says what is there, and how it differs", async () => {
    const client = connect("status");
    const definition = eventsTable("status");
    expect(await readTableStatus(client, definition)).toStrictEqual({
      tableName: "status-events",
      status: undefined,
      differences: [],
      streamArn: undefined,
      ttlAttribute: undefined,
      items: undefined,
      bytes: undefined,
    });
    const store = createEventStore({ client, tablePrefix: "status" });
    await store.ensureTables();
    await store.append("s|1", [{ type: "A", data: 1 }]);
    const found = await readTableStatus(client, definition);
    expect(found).toMatchObject({ status: "ACTIVE", differences: [], items: 1 });
    expect(found.streamArn).toContain("table/status-events/stream/");
    const other = {
      ...definition,
      StreamSpecification: { StreamEnabled: true, StreamViewType: "KEYS_ONLY" },
    } as const;
    expect(await readTableStatus(client, other)).toMatchObject({
      differences: ["its stream is NEW_IMAGE and KEYS_ONLY is needed"],
    });
  });
});

describe("without the table", () => {
  it("every operation says which is missing and how to create it", async () => {
    const store = createEventStore({ client: connect("missing"), tablePrefix: "nowhere" });
    const fold = { initialState: () => 0, evolve: () => 1 };
    for (const failing of [
      () => store.append("s|1", [{ type: "A", data: 1 }]),
      () => store.append("s|1", [{ type: "A", data: 1 }], { expectedVersion: 0 }),
      () =>
        store.append(
          "s|1",
          Array.from({ length: 3 }, () => ({ type: "A", data: crypto.randomUUID().repeat(8_000) })),
        ),
      () => store.load("s|1", fold),
      () => collect(store.read("s|1")),
      () => store.streamExists("s|1"),
      () => collect(store.listStreams("s")),
    ]) {
      await expect(failing()).rejects.toMatchObject({
        code: "tableMissing",
        tableName: "nowhere-events",
        message: expect.stringContaining("ensureTables()"),
      });
    }
  });
});
