import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { createProjectionHandler } from "@tuppence/projections/lambda";
import { districts, files, holders, ledger, letters } from "../permit-projections.mjs";

/** The handler of a function's bundle, as its user would write it: built packages, plain Node, settings from the environment. */

const client = new DynamoDBClient({});
const { TABLE_PREFIX: tablePrefix, LEDGER_TABLE, LETTERS_FILE, LEASE_MS = "5000" } = process.env;

export const handler = createProjectionHandler({
  client,
  tablePrefix,
  store: createEventStore({ client, tablePrefix }),
  projections: [files, districts, holders, ledger(LEDGER_TABLE), letters(LETTERS_FILE)],
  leaseDurationMs: Number(LEASE_MS),
});
