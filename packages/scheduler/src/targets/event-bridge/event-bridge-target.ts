import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { EventRefusedError } from "../errors.ts";
import { occurrenceEvent } from "../occurrence-event.ts";
import type { OutsideTarget } from "../target.ts";
import { settingsOf, type TargetOptions, type WithPayload } from "../target-options.ts";

/** What an event says it comes from when nothing else is said. */
export const DEFAULT_EVENT_SOURCE = "tuppence.scheduler";

export interface EventBridgeTargetOptions extends TargetOptions {
  readonly client: EventBridgeClient;
  /** Name or ARN. Default `default`. */
  readonly eventBusName?: string | undefined;
  /** Default `tuppence.scheduler`. */
  readonly source?: string | undefined;
  /** What rules match. */
  readonly detailType: string;
}

/**
 * Puts an event on a bus of EventBridge, with an `OccurrenceEvent` as its detail: at least once.
 *
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export function eventBridge<Schema extends StandardSchemaV1>(
  options: EventBridgeTargetOptions & WithPayload<Schema>,
): OutsideTarget & WithPayload<Schema>;
export function eventBridge(options: EventBridgeTargetOptions): OutsideTarget;
export function eventBridge(options: EventBridgeTargetOptions): OutsideTarget {
  const { client, eventBusName = "default", source = DEFAULT_EVENT_SOURCE, detailType } = options;
  return {
    ...settingsOf(options),
    kind: "eventBridge",
    async fire(occurrence, { signal }) {
      const event = {
        EventBusName: eventBusName,
        Source: source,
        DetailType: detailType,
        Time: occurrence.dueAt,
        Detail: JSON.stringify(occurrenceEvent(occurrence)),
      };
      const { Entries } = await client.send(new PutEventsCommand({ Entries: [event] }), {
        abortSignal: signal,
      });
      const { ErrorCode, ErrorMessage = "", EventId } = Entries?.[0] ?? {};
      if (ErrorCode !== undefined) {
        throw new EventRefusedError(eventBusName, { errorCode: ErrorCode, message: ErrorMessage });
      }
      return { eventId: EventId };
    },
  };
}
