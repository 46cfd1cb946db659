import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type EventDefinitions, type EventStore, type NewEventOf, WriteRefusedError } from "@tuppence/core";
import type { InStoreTarget, Occurrence } from "./target.ts";
import { inStoreSettingsOf, type InStoreTargetOptions, type WithPayload } from "./target-options.ts";

export interface AppendTargetOptions<Definitions extends EventDefinitions, Payload>
  extends InStoreTargetOptions {
  /** A store of the same account and Region as the schedules. */
  readonly store: EventStore<Definitions>;
  /** Where to, or what says so for an occurrence. */
  readonly streamId: string | ((occurrence: Occurrence<Payload>) => string);
  /** What is appended: at least one event. */
  readonly events: (occurrence: Occurrence<Payload>) => readonly NewEventOf<Definitions>[];
}

/**
 * Appends events to a stream, behind all that it holds: exactly once, in one transaction with the end of the occurrence and, of a
 * series, the next one.
 *
 * Cost: that of an append with `also`. A transaction takes 2 WCU for each KB, and before it the tail of a stream that the process does
 * not know is read: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
 */
export function append<Definitions extends EventDefinitions, Schema extends StandardSchemaV1>(
  options: AppendTargetOptions<Definitions, StandardSchemaV1.InferOutput<Schema>> & WithPayload<Schema>,
): InStoreTarget & WithPayload<Schema>;
export function append<Definitions extends EventDefinitions, Payload = unknown>(
  options: AppendTargetOptions<Definitions, Payload>,
): InStoreTarget;
export function append<Definitions extends EventDefinitions, Payload>(
  options: AppendTargetOptions<Definitions, Payload>,
): InStoreTarget {
  const { store, streamId, events } = options;
  return {
    ...inStoreSettingsOf(options),
    kind: "append",
    isInStore: true,
    async fire(occurrence, { signal, finish }) {
      const known = occurrence as Occurrence<Payload>;
      const to = typeof streamId === "string" ? streamId : streamId(known);
      try {
        await store.append(to, events(known), {
          expectedVersion: "any",
          // A repeat is refused by what is stored of the occurrence: no commit has to be looked for in the stream.
          also: finish.writes,
          signal,
        });
        return "fired";
      } catch (error) {
        if (error instanceof WriteRefusedError) return "refused";
        throw error;
      }
    },
  };
}
