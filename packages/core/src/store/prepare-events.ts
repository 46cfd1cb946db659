import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type EventIssue, InvalidEventError, NoEventsError } from "../errors.ts";
import type { EventDefinitions, EventMetadata, NewEvent } from "../events.ts";
import { findJsonProblem, formatPath } from "../json.ts";

/** An event that is ready to be stored. */
export interface PreparedEvent {
  readonly type: string;
  readonly data: unknown;
  readonly metadata: EventMetadata | undefined;
  /** `[type, data]` or `[type, data, metadata]` as JSON text. */
  readonly text: string;
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
    prepared.push(await prepareEvent(eventIndex, event, definitions));
  }
  return prepared;
}

async function prepareEvent(
  eventIndex: number,
  event: NewEvent,
  definitions: EventDefinitions | undefined,
): Promise<PreparedEvent> {
  const type: unknown = (event as Partial<NewEvent> | null | undefined)?.type;
  const eventType = typeof type === "string" ? type : "";
  const refuse = (first: EventIssue, ...rest: readonly EventIssue[]): never => {
    throw new InvalidEventError({ eventIndex, eventType, issues: [first, ...rest] });
  };
  if (eventType === "") refuse({ path: "type", message: "an event needs a type, a text that is not empty" });
  let data: unknown = event.data;
  if (definitions !== undefined) {
    const schema = Object.hasOwn(definitions, eventType) ? definitions[eventType] : undefined;
    if (schema === undefined)
      return refuse({ path: "type", message: "no event type of this name is defined" });
    // Only a schema that answers later is waited for: appends of one tick stay in their order.
    const answer = schema["~standard"].validate(data);
    const result = answer instanceof Promise ? await answer : answer;
    const [issue, ...issues] = result.issues ?? [];
    if (issue !== undefined) return refuse(describeIssue(issue), ...issues.map(describeIssue));
    data = (result as StandardSchemaV1.SuccessResult<unknown>).value;
  }
  const problem = findJsonProblem(data, "data") ?? findMetadataProblem(event.metadata, "metadata");
  if (problem !== undefined) refuse(problem);
  const { metadata } = event;
  const text = JSON.stringify(metadata === undefined ? [eventType, data] : [eventType, data, metadata]);
  return { type: eventType, data, metadata, text };
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
