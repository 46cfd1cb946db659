import { type RecordsHandler, StoppedAtRecordError, type StreamRecord } from "@tuppence/stream-adapter";
import {
  COMMITS_FILTER,
  createLambdaHandler,
  type EventSourceMappingSettings,
  eventSourceMapping,
  type LambdaHandlerOptions,
} from "@tuppence/stream-adapter/lambda";
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import type { InlineProjections } from "../inline/create-inline-projections.ts";
import { classifyFailure } from "@tuppence/core/failures";
import type { StreamFailure } from "../inline/hold-streams.ts";
import { lastSlot } from "./last-slot.ts";

export interface CommitsHandlerOptions extends Omit<LambdaHandlerOptions, "runsWithoutRecords"> {
  /**
   * Is told of streams that documents could not take, whose projections do not halt. They stay behind with the event that failed, and are
   * tried again with their next one, or by `backfill`. Default: `logger` is.
   */
  readonly onFailure?: ((failure: StreamFailure) => void) | undefined;
}

/**
 * Makes a Lambda handler that keeps documents of `createInlineProjections` up to date straight from the commits, without the global
 * log: the lowest delay there is. A record only says that a stream has grown; what documents lack is read from the stream, so records
 * that come twice, late or not at all lose and double nothing. Each stream's order holds; between streams there is none.
 *
 * What fails for the moment is delivered again. An event that can't be folded halts its shard if the projection says `onFailure: "halt"`; otherwise its stream stays behind in these
 * documents and the others go on.
 *
 * Cost for each commit: 1 RCU to see how far its stream is held, 1 RCU and more to read it; if it goes into documents 1 RCU and 2 WCU a KB
 * for each, and 2 WCU.
 */
export function createCommitsHandler(
  projections: Pick<InlineProjections, "hold">,
  options: CommitsHandlerOptions = {},
): (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse> {
  const { logger, onFailure = logFailure(logger ?? console) } = options;
  const handle: RecordsHandler = async (records, { signal }) => {
    const failures = await projections.hold(versionsIn(records), { signal });
    for (const failure of failures) {
      const isTransient = classifyFailure(failure.error).kind === "transient";
      if (isTransient || failure.projection.onFailure === "halt") throw stoppedAt(records, failure);
      onFailure(failure);
    }
  };
  return createLambdaHandler(handle, options);
}

/** The settings of its event source mapping. Narrow the filter with `commitsFilter` where the projections are about one category. */
export function commitsEventSourceMapping(): EventSourceMappingSettings {
  return eventSourceMapping(COMMITS_FILTER);
}

function logFailure(
  logger: Required<CommitsHandlerOptions>["logger"] & object,
): (failure: StreamFailure) => void {
  return ({ streamId, projection, error }) =>
    logger.error(
      { streamId, projection: projection.name, error },
      "A stream could not be folded, and stays behind.",
    );
}

/** How far the streams have come that commits are of. */
function versionsIn(records: readonly StreamRecord[]): ReadonlyMap<string, number> {
  const versions = new Map<string, number>();
  for (const record of records) {
    const end = endOf(record);
    if (end !== undefined) versions.set(end.streamId, Math.max(end.version, versions.get(end.streamId) ?? 0));
  }
  return versions;
}

function endOf(record: StreamRecord): { readonly streamId: string; readonly version: number } | undefined {
  // Chains of the system hold no events of a stream.
  if (record.kind !== "commit" || record.chain.startsWith("$")) return undefined;
  return { streamId: record.chain, version: lastSlot(record) };
}

function stoppedAt(
  records: readonly StreamRecord[],
  { streamId, error }: StreamFailure,
): StoppedAtRecordError {
  const index = records.findIndex((record) => endOf(record)?.streamId === streamId);
  return new StoppedAtRecordError(Math.max(0, index), { cause: error });
}
