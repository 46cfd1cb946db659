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

describe("under an observer's eyes", () => {
  const storage = createMemoryStorage();
  const observer = createOtelObserver(openTelemetry());
  describeEventStoreContract(
    { describe, it },
    { openStore: (options) => createMemoryEventStore({ ...options, storage, observer }) },
  );
});

for (const [leanRequests, database] of [
  [false, "contract"],
  [true, "contractlean"],
] as const) {
  describe(`on DynamoDB, leanRequests: ${leanRequests}`, () => {
    const client = connect(database);
    beforeAll(() => createEventStore({ client }).ensureTables());
    describeEventStoreContract(
      { describe, it },
      { openStore: (options) => createEventStore({ ...options, client, leanRequests }) },
    );
  });
}
