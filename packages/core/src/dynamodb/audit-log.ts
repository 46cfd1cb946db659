import { createDynamoDBChainStorage } from "./chain-storage.ts";
import type { SequencerOptions } from "./create-sequencer.ts";
import { dynamoDBRuntime } from "./dynamodb-runtime.ts";
import { DEFAULT_TABLE_PREFIX } from "./tables.ts";
import { auditChainLog, type AuditOptions, type AuditReport } from "../log/audit-log.ts";

/**
 * Compares a table's streams with its global log, and finds what an outage of more than 24 hours left out: what DynamoDB
 * Streams had dropped before a sequencer came to it. With `repair` it is put to the log's end. Appends, sequencers and
 * other audits may go on meanwhile.
 *
 * Remembers which versions of each stream are in the log: about 200 bytes for each stream.
 *
 * Cost: reads the whole log and the last item of each stream, strongly consistent; and what is missing.
 *
 * @throws TableMissingError when the table is not there; IntegrityError when it was changed from outside.
 */
export async function auditLog(options: SequencerOptions & AuditOptions): Promise<AuditReport> {
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX } = options;
  const storage = createDynamoDBChainStorage(client, tablePrefix);
  return auditChainLog({ storage, runtime: dynamoDBRuntime(client, options) }, options);
}
