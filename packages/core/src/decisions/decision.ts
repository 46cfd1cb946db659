import type { Capacity } from "../capacity/units.ts";
import type { EventDefinitions, EventMetadata, RecordedEventOf } from "../events.ts";
import type { Runtime } from "../runtime.ts";
import type { Fold } from "../store/read-options.ts";
import type { TransactResult, TransactWrite } from "../store/write-options.ts";

/** What a decision may ask for. Every stream it asks about has to be where it was read when the decision is stored. */
export interface Decision<Definitions extends EventDefinitions> {
  /**
   * The state of a stream, folded from all its events; the initial state when there is no such stream. Asking again gives
   * the same. After a conflict only later events are read, if the fold's functions are the same ones: define folds
   * outside of the decision. Cost: 1 request, 1 RCU for each 4 KB; after a conflict none, unless others are many.
   */
  readonly load: <State>(streamId: string, fold: Fold<State, RecordedEventOf<Definitions>>) => Promise<State>;
  /**
   * The version of a stream, 0 when there is no such stream: for decisions that need no more than where a long stream
   * ends. Cost: 1 request, 1 RCU.
   */
  readonly versionOf: (streamId: string) => Promise<number>;
}

type Write<Definitions extends EventDefinitions> = TransactWrite<Definitions>;

/**
 * Reads streams and says what to append to which, none if nothing follows; throws to refuse. It is called again after a conflict,
 * so it should have no other effects. `expectedVersion` is only for streams that it did not ask about.
 */
export type DecideAcross<Definitions extends EventDefinitions> = (
  decision: Decision<Definitions>,
) => Decided<Definitions> | Promise<Decided<Definitions>>;

type Decided<Definitions extends EventDefinitions> = Write<Definitions> | readonly Write<Definitions>[];

export interface DecideAcrossOptions {
  /**
   * An id of your own for the decision (26 characters: `createCommitId()`, or `commitIdFrom(requestId)`), so that it can be
   * repeated: the first result comes back with `duplicate: true` and nothing is decided. It is met in the streams that
   * the decision loads, so a decision with an id has to load one of those it writes to, before it refuses.
   */
  readonly commitId?: string | undefined;
  /** Metadata for all events decided. */
  readonly metadata?: EventMetadata | undefined;
  /** How often it is decided at most before its conflict is given to the caller. Default 30. */
  readonly maxAttempts?: number | undefined;
  /**
   * Whether a refusal, or a decision for nothing, is only given once it is certain that all streams it rests on were where
   * they were read at one moment; otherwise it is decided again. Costs 1 request and 2 RCU for each stream; nothing when
   * only one was read. Default true.
   */
  readonly verifyRefusals?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly runtime?: Pick<Runtime, "random" | "sleep"> | undefined;
}

export interface DecisionResult<Definitions extends EventDefinitions> {
  /** All events decided carry it. Undefined when nothing was decided. */
  readonly commitId: string | undefined;
  /** Whether the decision had been stored before. */
  readonly duplicate: boolean;
  /** What was appended to each stream, in the order decided; empty when nothing was. */
  readonly appends: TransactResult<Definitions>["appends"];
  /** How often it was decided; 0 when it was found stored before. */
  readonly attempts: number;
  /** What was consumed, the reads included. */
  readonly capacity: Capacity;
}
