import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type EventIssue, InvalidEventError, NoEventsError } from "../input-errors.ts";
import { type EventDefinitions, type EventMetadata, isSystemType, type NewEvent } from "../events.ts";
import { findJsonProblem, formatPath } from "../json.ts";
import { schemaVersionOf } from "../next-version.ts";
import type { PackedEvent } from "./commit-content.ts";
import { entryText, type PlainEvent } from "./stored-event.ts";

/** An event that is ready to be stored. */
export interface PreparedEvent extends PlainEvent, PackedEvent {
  /** What stays in the clear of an event whose body is not in its entry; its metadata has all that belongs to it. */
  readonly apart?: { readonly subject: string | undefined } | undefined;
}

/** The events of an append that are ready to be stored. */
export interface PreparedEvents {
  readonly events: readonly PreparedEvent[];
  /** The metadata of all its events as JSON text; those with a body apart have it in there. */
  readonly metadata: string | undefined;
}

/**
 * Checks the events of an append against their definitions and against what JSON can keep, before anything
 * is sent.
 *
 * @throws NoEventsError, InvalidEventError
 */
export async function prepareEvents(
  streamId: string,
  events: readonly NewEvent[],
  definitions: EventDefinitions | undefined,
): Promise<PreparedEvent[]> {
  if (!Array.isArray(events) || events.length === 0) throw new NoEventsError(streamId);
  const prepared: PreparedEvent[] = [];
  for (const [eventIndex, event] of (events as readonly NewEvent[]).entries()) {
    // Only a schema that answers later is waited for: appends of one tick stay in their order.
    const ready = prepareEvent(eventIndex, event, definitions);
    prepared.push(ready instanceof Promise ? await ready : ready);
  }
  return prepared;
}

function prepareEvent(
  eventIndex: number,
  event: NewEvent,
  definitions: EventDefinitions | undefined,
): PreparedEvent | Promise<PreparedEvent> {
  const type: unknown = (event as Partial<NewEvent> | null | undefined)?.type;
  const place = { eventIndex, eventType: typeof type === "string" ? type : "" };
  if (place.eventType === "") {
    throw refusal(place, { path: "type", message: "an event needs a type, a text that is not empty" });
  }
  if (isSystemType(place.eventType)) {
    throw refusal(place, { path: "type", message: "event types that begin with $ are the system's" });
  }
  if (definitions === undefined) return finishEvent(place, event, { data: event.data, schemaVersion: 1 });
  const schema = Object.hasOwn(definitions, place.eventType) ? definitions[place.eventType] : undefined;
  if (schema === undefined) {
    throw refusal(place, { path: "type", message: "no event type of this name is defined" });
  }
  const schemaVersion = schemaVersionOf(schema);
  const finish = (result: StandardSchemaV1.Result<unknown>): PreparedEvent =>
    finishEvent(place, event, { data: checkedData(place, result), schemaVersion });
  const result = schema["~standard"].validate(event.data);
  return result instanceof Promise ? result.then(finish) : finish(result);
}

interface EventPlace {
  readonly eventIndex: number;
  readonly eventType: string;
}

function refusal(place: EventPlace, first: EventIssue, ...rest: readonly EventIssue[]): InvalidEventError {
  return new InvalidEventError({ ...place, issues: [first, ...rest] });
}

function checkedData(place: EventPlace, result: StandardSchemaV1.Result<unknown>): unknown {
  const [issue, ...issues] = result.issues ?? [];
  if (issue !== undefined) throw refusal(place, describeIssue(issue), ...issues.map(describeIssue));
  return (result as StandardSchemaV1.SuccessResult<unknown>).value;
}

function finishEvent(
  place: EventPlace,
  { metadata }: NewEvent,
  { data, schemaVersion }: Pick<PlainEvent, "data" | "schemaVersion">,
): PreparedEvent {
  const problem = findJsonProblem(data, "data") ?? findMetadataProblem(metadata, "metadata");
  if (problem !== undefined) throw refusal(place, problem);
  const event = { type: place.eventType, data, schemaVersion, metadata };
  return { ...event, text: entryText(event) };
}

function describeIssue(issue: StandardSchemaV1.Issue): EventIssue {
  const keys = (issue.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment));
  return { path: formatPath("data", keys), message: issue.message };
}

/**
 * The metadata that an append gives for all its events, as JSON text.
 *
 * @throws InvalidEventError naming `options.metadata` and the append's first event.
 */
export function prepareMetadata(
  events: readonly NewEvent[],
  metadata: EventMetadata | undefined,
): string | undefined {
  const problem = findMetadataProblem(metadata, "options.metadata");
  if (problem !== undefined) {
    throw new InvalidEventError({ eventIndex: 0, eventType: String(events[0]?.type), issues: [problem] });
  }
  return metadata && JSON.stringify(metadata);
}

function findMetadataProblem(metadata: unknown, root: string): EventIssue | undefined {
  if (metadata === undefined) return undefined;
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    return { path: root, message: "metadata is an object" };
  }
  return findJsonProblem(metadata, root);
}
