import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ensureTable, type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import { createDynamoDBControlStorage } from "@tuppence/core/leases";
import { encodeDocument } from "./document-item.ts";
import { createDynamoDBDocuments, putInput } from "./dynamodb-documents.ts";
import { DOCUMENTS_TTL_ATTRIBUTE, documentsTable } from "./documents-table.ts";
import type { ProjectionStorage } from "./projection-storage.ts";

/**
 * Documents in the table `<prefix>-documents`; registrations, positions and parked events in `<prefix>-control`. Throttling and
 * credential errors of the SDK pass through untouched.
 */
export function createDynamoDBProjectionStorage(
  client: DynamoDBClient,
  tablePrefix: string,
  runtime: Runtime = SYSTEM_RUNTIME,
): ProjectionStorage {
  const definition = documentsTable(tablePrefix);
  const tableName = definition.TableName as string;
  const control = createDynamoDBControlStorage(client, tablePrefix);
  return {
    control,
    documents: createDynamoDBDocuments(client, tableName, runtime),

    transact: async ({ control: changes, documents = [], writes = [] }, signal) => {
      const puts = documents.map((put) => ({
        Put: putInput(tableName, encodeDocument(put, runtime.now()), put.record.revision),
      }));
      return control.transact(changes, [...puts, ...writes], signal);
    },

    ensureTables: async () => {
      await Promise.all([control.ensureTables(), ensureTable(client, definition, DOCUMENTS_TTL_ATTRIBUTE)]);
    },
  };
}
