import { categoryOf, type EventMetadata } from "@tuppence/core";
import { deepFreeze, findEventProblem, show } from "@tuppence/core/testing";
import type { AnyEvent, ProjectionBase } from "../definition/projection.ts";

/** An event of the log, as far as a test has to say it. */
export type GivenEvent<Event extends AnyEvent = AnyEvent> = Event extends AnyEvent
  ? {
      readonly streamId: string;
      readonly type: Event["type"];
      readonly data: Event["data"];
      readonly metadata?: EventMetadata | undefined;
      /** Default: one second after the other from the beginning of 2000 on, UTC. */
      readonly recordedAt?: Date | undefined;
    }
  : never;

/** What a test has given, and what that is in the log. */
export interface PlacedEvents {
  readonly given: readonly GivenEvent[];
  readonly events: readonly AnyEvent[];
}

const START_MS = Date.UTC(2000, 0, 1);

/**
 * Events as the log has them, numbered in the order in which they are given, and frozen.
 *
 * @throws TypeError for what is no such event.
 */
export function placeEvents(given: readonly GivenEvent[]): PlacedEvents {
  if (!Array.isArray(given)) throw new TypeError(`given takes a list of events; it got ${show(given)}.`);
  const versions = new Map<string, number>();
  const events = (given as readonly GivenEvent[]).map((event, index): AnyEvent => {
    const problem = findEventProblem(event, `given[${index}]`);
    if (problem)
      throw new TypeError(`No store gives back such an event: ${problem.path}: ${problem.message}.`);
    const { streamId, type, data, metadata = {}, recordedAt } = event;
    if (typeof streamId !== "string" || streamId === "")
      throw new TypeError(`given[${index}].streamId is ${show(streamId)}; every event is in a stream.`);
    const position = index + 1;
    const version = (versions.get(streamId) ?? 0) + 1;
    versions.set(streamId, version);
    return deepFreeze({
      type,
      data,
      metadata,
      streamId,
      version,
      eventId: `${String(position).padStart(26, "0")}/0`,
      recordedAt: recordedAt ?? new Date(START_MS + index * 1_000),
      position,
    });
  });
  return { given: [...(given as readonly GivenEvent[])], events };
}

/** Those that a projection handles. */
export function handledEvents(
  { types, categories }: ProjectionBase,
  events: readonly AnyEvent[],
): readonly AnyEvent[] {
  return events.filter(
    ({ type, streamId }) =>
      (types?.includes(type) ?? true) && (categories?.includes(categoryOf(streamId)) ?? true),
  );
}
