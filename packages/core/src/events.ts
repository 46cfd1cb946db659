import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonValue } from "./json.ts";
import { isStandardSchema } from "./next-version.ts";

/** What is known about an event besides its data. The two named keys are conventions, the rest is yours. */
export interface EventMetadata {
  /** The same for everything that one request or process caused. */
  readonly correlationId?: string;
  /** The id of the event or command that caused this one. */
  readonly causationId?: string;
  readonly [key: string]: JsonValue;
}

/** An event as it is appended. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  /** Plain JSON: what is read back is exactly what was appended. */
  readonly data: Data;
  /** Laid over the metadata that the append gives for all its events. */
  readonly metadata?: EventMetadata | undefined;
}

/** An event as it is read. */
export interface RecordedEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
  /** The commit's shared metadata with the event's own laid over it; empty when there is none. */
  readonly metadata: EventMetadata;
  readonly streamId: string;
  /** Its number in the stream; the first is 1. */
  readonly version: number;
  /** Commit id and index in the commit: `01J9ZK…/0`. */
  readonly eventId: string;
  /** When its commit was written, by the writer's clock; never goes back within a stream. */
  readonly recordedAt: Date;
  /** Whose key its body is encrypted with; absent when it is in the clear. */
  readonly subject?: string;
}

/** The events of one append: stored together or not at all. */
export interface RecordedCommit<Event extends RecordedEvent = RecordedEvent> {
  readonly streamId: string;
  readonly commitId: string;
  /** The version of its first event. */
  readonly firstVersion: number;
  /** The version of its last event, which is the stream's version after it. */
  readonly version: number;
  readonly recordedAt: Date;
  readonly events: readonly Event[];
}

/** The event types of a domain: the name of each with the schema of its data, or its `nextVersion`. */
export interface EventDefinitions {
  readonly [type: string]: StandardSchemaV1;
}

/**
 * Defines the event types of a domain, each with the schema of its data: Zod, Valibot, ArkType or any other
 * Standard Schema (https://standardschema.dev). All types are inferred from it: see `EventOf`.
 *
 * Append stores what the schema gives out (defaults and transformations applied), which has to be plain JSON;
 * read gives that back without running the schema again. `nextVersion` changes the shape of a type that has been
 * stored. Names that begin with `$` are the system's.
 *
 * @throws TypeError when a definition is no Standard Schema, or its name can't be one.
 */
export function defineEvents<const Definitions extends EventDefinitions>(
  definitions: Definitions,
): Definitions {
  for (const [type, schema] of Object.entries(definitions)) {
    if (type === "") throw new TypeError("An event type needs a name.");
    if (isSystemType(type) && !(type === FORGOTTEN && schema === forgotten)) {
      throw new TypeError(
        `The event type ${JSON.stringify(type)} can't be defined: names with $ are the system's.`,
      );
    }
    if (!isStandardSchema(schema)) {
      throw new TypeError(`The definition of event type ${JSON.stringify(type)} is no Standard Schema.`);
    }
  }
  return Object.freeze({ ...definitions });
}

/** The type of an event whose subject's key has been dropped. */
export const FORGOTTEN = "$forgotten";

/** What is left of an event that has been forgotten. */
export interface ForgottenData {
  /** The type that the event had. */
  readonly type: string;
  /** Whose data it was. */
  readonly subject: string;
}

/**
 * The definition of events that have been forgotten: `defineEvents({ …, $forgotten: forgotten })` adds them to the
 * union that `evolve` has to handle. Reads of a store with `encryption` yield them with or without it; nobody can
 * append them.
 */
export const forgotten: StandardSchemaV1<never, ForgottenData> = {
  "~standard": {
    version: 1,
    vendor: "tuppence",
    validate: () => ({ issues: [{ message: "what is forgotten can't be appended" }] }),
  },
};

/** Whether an event type is the system's, not for applications to append. */
export function isSystemType(type: string): boolean {
  return type.startsWith("$");
}

/** The union of the events that `append` takes: the schemas' input. */
export type NewEventOf<Definitions extends EventDefinitions> = {
  [Type in AppendedTypes<Definitions>]: NewEvent<Type, StandardSchemaV1.InferInput<Definitions[Type]>>;
}[AppendedTypes<Definitions>];

/** The system makes events of its own types. */
type AppendedTypes<Definitions> = Exclude<keyof Definitions & string, `$${string}`>;

/** The union of the events as stored, without what the store adds: what `evolve` and `decide` work with. */
export type EventOf<Definitions extends EventDefinitions> = {
  [Type in keyof Definitions & string]: NewEvent<Type, StandardSchemaV1.InferOutput<Definitions[Type]>>;
}[keyof Definitions & string];

/** The union of the events that `read` yields, discriminated by `type`. */
export type RecordedEventOf<Definitions extends EventDefinitions> = {
  [Type in keyof Definitions & string]: RecordedEvent<Type, StandardSchemaV1.InferOutput<Definitions[Type]>>;
}[keyof Definitions & string];
