import type { LocalClientConfig } from "../client-config.ts";
import { type EventSourceMapping, runEventSourceMapping } from "./event-source-mapping.ts";
import { type MappingOptions, mappingSettings } from "./mapping-settings.ts";
import { openStream, type StreamName } from "./stream-source.ts";

/** Which stream drives which function, and how. */
export type EventSourceMappingOptions = MappingOptions &
  StreamName & {
    /** Leads to the database: `local.clientConfig()`. */
    readonly config: LocalClientConfig;
  };

/**
 * Drives a function on this machine from a stream of DynamoDB Local, as Lambda's event source mapping would.
 *
 * Each shard's records come in order, parents before children, and a batch that fails blocks its shard until it is
 * done or given up. Nothing is kept: a mapping that is started again begins at its starting position again.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 *
 * @throws RangeError when a number is not in the service's range
 * @throws TypeError when a filter pattern is none of Lambda's, or the table has no stream
 */
export async function startEventSourceMapping(
  options: EventSourceMappingOptions,
): Promise<EventSourceMapping> {
  const settings = mappingSettings(options);
  const source = await openStream(options.config, options);
  return runEventSourceMapping(source, settings);
}
