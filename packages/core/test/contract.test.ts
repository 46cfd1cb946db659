import { beforeAll, describe, it } from "vitest";
import { describeEventStoreContract } from "../src/contract/index.ts";
import { createEventStore } from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { connect } from "./test-database.ts";

describe("in memory", () => {
  const storage = createMemoryStorage();
  describeEventStoreContract(
    { describe, it },
    { openStore: ({ events } = {}) => createMemoryEventStore({ events, storage }) },
  );
});

for (const leanRequests of [false, true]) {
  describe(leanRequests ? "on DynamoDB, with lean requests" : "on DynamoDB", () => {
    const client = connect(leanRequests ? "contractlean" : "contract");
    beforeAll(() => createEventStore({ client }).ensureTables());
    describeEventStoreContract(
      { describe, it },
      { openStore: ({ events } = {}) => createEventStore({ client, events, leanRequests }) },
    );
  });
}
