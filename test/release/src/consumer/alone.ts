import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createCommandHandler, createEventStore } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { testDecider } from "@tuppence/core/testing";

// What a project gets that has core and DynamoDB's client, and no peer dependency that is optional.
const decider = {
  initialState: () => 0,
  evolve: (count: number) => count + 1,
  decide: (note: string) => ({ type: "Noted", data: { note } }),
};
testDecider(decider)([])
  .when("first")
  .thenEvents([{ type: "Noted", data: { note: "first" } }]);

const inDynamoDB = createEventStore({ client: new DynamoDBClient({ region: "eu-west-1" }) });
const inMemory = createMemoryEventStore();
const note = createCommandHandler({ store: inMemory, decider });
const { version } = await note("notes|1", "hello");
console.log(`version ${version}, ${typeof inDynamoDB.append}`);
