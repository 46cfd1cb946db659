import { beforeAll, describe, it } from "vitest";
import { describeEventStoreContract } from "../src/contract/index.ts";
import { createEventStore } from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { createOtelObserver } from "../src/otel/index.ts";
import { openTelemetry } from "./telemetry.ts";
import { connect } from "./test-database.ts";

describe("in memory", () => {
  const storage = createMemoryStorage();
  describeEventStoreContract(
    { describe, it },
    { openStore: (options) => createMemoryEventStore({ ...options, storage }) },
  );
});

describe("on DynamoDB", () => {
  const client = connect("contract");
  beforeAll(() => createEventStore({ client }).ensureTables());
  describeEventStoreContract(
    { describe, it },
    { openStore: (options) => createEventStore({ ...options, client }) },
  );
});

describe("on DynamoDB with lean requests, under an observer's eyes", () => {
  const client = connect("contractlean");
  const observer = createOtelObserver(openTelemetry());
  beforeAll(() => createEventStore({ client }).ensureTables());
  describeEventStoreContract(
    { describe, it },
    { openStore: (options) => createEventStore({ ...options, client, leanRequests: true, observer }) },
  );
});
