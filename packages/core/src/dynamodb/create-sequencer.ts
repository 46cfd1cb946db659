import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createChainSequencer, type Sequencer } from "../log/sequencer.ts";
import { createDynamoDBChainStorage } from "./chain-storage.ts";
import { dynamoDBRuntime, type RuntimeOptions } from "./dynamodb-runtime.ts";
import { DEFAULT_TABLE_PREFIX } from "./tables.ts";

export interface SequencerOptions extends RuntimeOptions {
  /** The plain client of `@aws-sdk/client-dynamodb`. */
  readonly client: DynamoDBClient;
  /** The table is `<prefix>-events`. Default `tuppence`. */
  readonly tablePrefix?: string | undefined;
}

/**
 * A sequencer of a table's streams into its global log. Keep it for the life of the process: it remembers what the log has.
 * Most use it through `@tuppence/stream-adapter`, which feeds it from the table's stream.
 */
export function createSequencer(options: SequencerOptions): Sequencer {
  const { client, tablePrefix = DEFAULT_TABLE_PREFIX } = options;
  const storage = createDynamoDBChainStorage(client, tablePrefix);
  return createChainSequencer({ storage, runtime: dynamoDBRuntime(client, options) });
}
