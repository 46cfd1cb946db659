import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { EventDefinitions, LoggedEvent, RecordedEvent, RecordedEventOf } from "@tuppence/core";

/** A projection as `defineProjection` made it: checked, and with its defaults. */
export type Projection = DocumentProjection | HandlerProjection | ReactorProjection;

/** The events of some types, as projections get them; without definitions, with data of whatever type. */
export type ProjectedEvent<Definitions extends EventDefinitions, Type extends string> = LoggedEvent<
  string extends keyof Definitions
    ? { [Each in Type]: RecordedEvent<Each> }[Type]
    : Extract<RecordedEventOf<Definitions>, { readonly type: Type }>
>;

/** An event whose type is not known any more. */
export type AnyEvent = LoggedEvent;

/** What becomes of an event that can't be handled, however often it is tried. */
export type FailurePolicy = "park" | "skip" | "halt";

/** How much is handled at a time. */
export interface BatchLimits {
  /** Events at most. */
  readonly maxEvents: number;
  /** Characters of JSON at most, by the average of the events that were read; one event at least. */
  readonly maxCharacters: number;
  /** How long to wait for more events before fewer are handled, in milliseconds. */
  readonly maxDelayMs: number;
}

/** What all projections have. */
export interface ProjectionBase {
  readonly name: string;
  readonly version: number;
  /** The types handled; undefined: all. */
  readonly types: readonly string[] | undefined;
  readonly categories: readonly string[] | undefined;
  readonly slots: number;
  readonly startFrom: "beginning" | "end";
  readonly batch: BatchLimits;
  readonly onFailure: FailurePolicy;
  readonly maxAttempts: number;
  readonly maxParked: number;
}

/** A read model of documents, each a fold of the events that have its key. */
export interface DocumentProjection<State = unknown, Event extends AnyEvent = AnyEvent>
  extends ProjectionBase {
  readonly kind: "document";
  readonly mode: "guard" | "transaction";
  readonly schema: StandardSchemaV1<State, unknown> | undefined;
  key(event: Event): string | readonly string[] | undefined;
  initialState(key: string): State;
  evolve(state: State, event: Event, key: string): State | undefined;
}

/** Batches of events for code of the user's own. */
export interface HandlerProjection<Event extends AnyEvent = AnyEvent> extends ProjectionBase {
  readonly kind: "handler";
  readonly mode: "transaction" | "atLeastOnce";
  handle(
    events: readonly Event[],
    context: BatchContext,
  ): Promise<readonly TransactWriteItem[] | void> | readonly TransactWriteItem[] | void;
  prepare?(build: BuildContext): Promise<void> | void;
  loadPosition?(build: BuildContext & { readonly slot: number }): Promise<number | undefined>;
  retire?(build: BuildContext): Promise<void> | void;
}

/** Side effects, one event after the other. */
export interface ReactorProjection extends ProjectionBase {
  readonly kind: "reactor";
  react(event: AnyEvent, context: ReactionContext): Promise<void> | void;
}

/** One materialisation of a projection: what a rebuild makes beside the live one. */
export interface BuildContext {
  /** The name of the projection. */
  readonly name: string;
  readonly version: number;
  /** Its number among all builds of the projection, from 1: a name for tables of its own. */
  readonly build: number;
  readonly signal: AbortSignal;
}

/** What a handler of batches is told beside the events. */
export interface BatchContext extends BuildContext {
  /** From 0. */
  readonly slot: number;
  /** Everything up to this position was handled before. */
  readonly after: number;
  /** Everything up to this position is handled with this batch; what it does not show is of no concern to it. */
  readonly upTo: number;
  /**
   * False while it is built beside the live one: leave out what others would notice. Around a flip a few events may be handled by both
   * builds as live ones, or by none: an effect that must come of every event belongs in a reactor.
   */
  readonly isLive: boolean;
  /** How often these events are tried, from 1. */
  readonly attempt: number;
}

/** What a reactor is told beside the event. */
export interface ReactionContext extends BuildContext {
  readonly slot: number;
  /** How often this event is tried, from 1; after a crash it begins anew. */
  readonly attempt: number;
  /** The same whenever this reactor gets this event: for receivers that drop what they have seen. */
  readonly idempotencyKey: string;
}
