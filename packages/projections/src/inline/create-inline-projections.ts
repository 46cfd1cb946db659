import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type AppendOptions,
  type AppendResult,
  DEFAULT_TABLE_PREFIX,
  ensureTable,
  type EventDefinitions,
  type EventStore,
  type NewEventOf,
  type Runtime,
  SYSTEM_RUNTIME,
} from "@tuppence/core";
import { createDynamoDBControlStorage } from "@tuppence/core/leases";
import type { DocumentProjection } from "../definition/projection.ts";
import { DOCUMENTS_TTL_ATTRIBUTE, documentsTable } from "../storage/documents-table.ts";
import { createDynamoDBDocuments } from "../storage/dynamodb-documents.ts";
import { appendInline } from "./append-inline.ts";
import { backfill, type BackfillOptions, type BackfillProgress } from "./backfill.ts";
import { inlinePartition } from "./held-versions.ts";
import { holdStreams, type StreamFailure } from "./hold-streams.ts";
import { INLINE_GUARDS, type InlineContext, type InlineGuards } from "./inline-context.ts";
import { type InlineDocuments, readInlineDocuments } from "./inline-documents.ts";

/** How often an append is tried at most, by default, when others change its documents at the same time. */
export const DEFAULT_INLINE_ATTEMPTS = 30;

export interface InlineProjectionsOptions<Definitions extends EventDefinitions> {
  /** Where the events are; in the same account and Region as the documents. */
  readonly store: EventStore<Definitions>;
  readonly client: DynamoDBClient;
  /** The table is `<prefix>-documents`. Default `tuppence`. */
  readonly tablePrefix?: string | undefined;
  /**
   * Documents, from `defineProjection`. Their `key`, `evolve`, `schema`, `types` and `categories` count; there are no slots, batches or
   * parked events. With `categories`, streams of others cost nothing.
   */
  readonly projections: readonly DocumentProjection[];
  /** How often an append is tried at most when others change its documents at the same time. Default 30. */
  readonly maxAttempts?: number | undefined;
  /** Clock, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
}

/** Documents that are written in the same transaction as the events. */
export interface InlineProjections<Definitions extends EventDefinitions = EventDefinitions> {
  /**
   * The store, with `append` as here: for `createCommandHandler({ store: inline.store, … })`. What would append past the documents
   * (`transact`, `openGroup`, `importCommits`) rejects with a TypeError.
   */
  readonly store: EventStore<Definitions>;

  /**
   * Appends as the store does, and folds the events into their documents in the same transaction: who reads a document after it sees
   * them. What the documents lack of the stream before, because it did not come through here, is folded first. What a fold
   * throws is thrown here, and nothing is written.
   *
   * Cost: an append whose events go into documents is a transaction: 2 WCU for each KB of events, 2 for each KB of each document, 2 for
   * how far the stream is held; 1 request and 1 RCU for that and for each document (each 4 KB) to read them first. One small event into
   * one small document: 6 WCU and 2 RCU, 1 WCU more for a new stream. When another append changed one of the
   * documents in between, all of that again. Events of the stream that concern no document are read once more by the next append that
   * does. An append that concerns no document costs what it costs in the store, but shares no put with others.
   *
   * @throws what `append` of the store throws.
   * @throws DocumentContendedError when others changed the documents `maxAttempts` times in between; nothing was written.
   * @throws TransactionTooLargeError for more than 98 documents, or 4 MB; InvalidDocumentError, DocumentTooLargeError; nothing was written.
   * @throws StreamTruncatedError when events were truncated that the documents lack; nothing was written.
   */
  append(
    streamId: string,
    events: readonly NewEventOf<Definitions>[],
    options?: AppendOptions,
  ): Promise<AppendResult<Definitions>>;

  /** @throws TypeError for a projection that is none of these. */
  documents<State>(projection: DocumentProjection<State>): InlineDocuments<State>;

  /**
   * Brings the documents up to date with all streams that are in the log, each from its own events; appends go on meanwhile, and it may
   * be interrupted and repeated. To be run once when a projection, or a new version of it, comes to streams that are there
   * already, after everybody who appends has it: until then a document lacks the streams that were not appended to since. Within a
   * stream events come in order; between streams those that are caught up with come late.
   *
   * Cost: that of reading the log; 1 RCU for each stream; for one that is behind, reading it and a transaction for each 200 events.
   *
   * @throws what `append` throws of folds and streams; TypeError for a projection that is none of these.
   */
  backfill(projection: DocumentProjection, options?: BackfillOptions): Promise<BackfillProgress>;

  /**
   * Brings the documents up to date with streams up to these versions, each from its own events: what `createCommitsHandler` does for what
   * was appended past them. All are tried, and those that can't be taken are answered; they stay behind until they are tried again.
   *
   * Cost: 1 RCU for each stream; for one that is behind, reading it and a transaction for each 200 events.
   */
  hold(
    versions: ReadonlyMap<string, number>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly StreamFailure[]>;

  /** Creates the tables of events and documents where they are missing; safe to call always. */
  ensureTables(): Promise<void>;
}

/**
 * Makes projections whose documents are written together with the events, for those who have to read what they wrote at once. That costs
 * more than folding the log, appends to one document wait for each other, and a fold that fails refuses the append: use
 * `createProjectionWorker` where a moment's delay does no harm. All who append to the streams should do it through these; what does not is
 * folded with the next append that does, or by `backfill`.
 *
 * A document of a version is kept beside those of others: after a raise of `version` documents begin anew, see `backfill`.
 *
 * @throws TypeError or RangeError for what can't be.
 */
export function createInlineProjections<const Definitions extends EventDefinitions>(
  options: InlineProjectionsOptions<Definitions>,
): InlineProjections<Definitions> {
  return createGuardedInlineProjections(options, INLINE_GUARDS);
}

/** The same with guards to switch off, for tests. */
export function createGuardedInlineProjections<Definitions extends EventDefinitions>(
  options: InlineProjectionsOptions<Definitions>,
  guards: InlineGuards,
): InlineProjections<Definitions> {
  const { client, store, projections, tablePrefix = DEFAULT_TABLE_PREFIX } = options;
  const { maxAttempts = DEFAULT_INLINE_ATTEMPTS } = options;
  if (!(Number.isSafeInteger(maxAttempts) && maxAttempts >= 1)) {
    throw new RangeError(`maxAttempts is ${String(maxAttempts)}; it has to be a whole number from 1.`);
  }
  checkProjections(projections);
  const definition = documentsTable(tablePrefix);
  const tableName = String(definition.TableName);
  const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
  const context: InlineContext = {
    store: store as unknown as EventStore,
    client,
    tableName,
    transactions: createDynamoDBControlStorage(client, tablePrefix),
    projections: [...projections],
    guards,
    maxAttempts,
    runtime,
  };
  const documents = createDynamoDBDocuments(client, tableName, runtime);
  const append = (async (streamId, events, appendOptions) =>
    appendInline(context, { streamId, events, options: appendOptions })) as EventStore["append"];
  const ensureTables = async (): Promise<void> => {
    await Promise.all([store.ensureTables(), ensureTable(client, definition, DOCUMENTS_TTL_ATTRIBUTE)]);
  };
  const typed = append as unknown as EventStore<Definitions>["append"];
  return {
    store: { ...store, append: typed, ensureTables, ...APPENDING_PAST },
    append: typed,
    documents<State>(projection: DocumentProjection<State>): InlineDocuments<State> {
      checkIsOne(projections, projection);
      return readInlineDocuments<State>(documents, inlinePartition(projection));
    },
    async backfill(projection, backfillOptions = {}) {
      checkIsOne(projections, projection);
      return backfill(context, projection, backfillOptions);
    },
    async hold(versions, { signal } = {}) {
      return (await holdStreams(context, { projections, versions, signal })).failures;
    },
    ensureTables,
  };
}

/** @throws TypeError */
function checkProjections(projections: readonly DocumentProjection[]): void {
  if (projections.length === 0) throw new TypeError("Inline projections need at least one projection.");
  const names = new Set<string>();
  for (const { name, kind, startFrom } of projections) {
    const what = `Projection ${JSON.stringify(name)}`;
    if (kind !== "document")
      throw new TypeError(`${what} is a ${String(kind)}; only documents can be inline.`);
    if (startFrom !== "beginning") {
      throw new TypeError(
        `${what} begins at the end; an inline projection holds streams from their beginning.`,
      );
    }
    if (names.has(name)) throw new TypeError(`${what} is given twice.`);
    names.add(name);
  }
}

function checkIsOne(projections: readonly DocumentProjection[], projection: DocumentProjection): void {
  const given: unknown = projection;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(
      `projection is ${JSON.stringify(given)}; it has to be one of these inline projections.`,
    );
  }
  const { name, version } = projection;
  if (projections.some((each) => each.name === name && each.version === version)) return;
  throw new TypeError(
    `Projection ${JSON.stringify(name)} in version ${version} is none of these inline projections.`,
  );
}

/** What would append events that the documents do not show. */
const APPENDING_PAST: Record<"transact" | "openGroup" | "importCommits", () => Promise<never>> = {
  transact: () => refusePast("transact", "append to one stream at a time"),
  openGroup: () => refusePast("openGroup", "use `append`, and command handlers without `batch`"),
  importCommits: () => refusePast("importCommits", "use the store itself, and `backfill` after it"),
};

async function refusePast(method: string, instead: string): Promise<never> {
  throw new TypeError(`${method} would append past the inline projections: ${instead}.`);
}
