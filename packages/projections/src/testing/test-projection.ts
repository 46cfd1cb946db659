import type {
  AnyEvent,
  DocumentProjection,
  HandlerProjection,
  Projection,
} from "../definition/projection.ts";
import { type AfterFold, afterFold } from "./after-fold.ts";
import { type AfterHandle, afterHandle } from "./after-handle.ts";
import { type GivenEvent, placeEvents } from "./given-events.ts";

/** Begins a test with what is in the log. Positions, versions and ids are given out in its order. */
export type GivenLog<Event extends AnyEvent, After> = (events: readonly GivenEvent<Event>[]) => After;

/**
 * Tests the fold of a document projection, or a handler in transaction mode, by what is in the log and what has to follow, with
 * any test runner and without any database: a failure is an `AssertionError` whose message tells the whole story.
 *
 * ```ts
 * const given = testProjection(courses);
 * await given([opened]).thenDocuments({ fugue: { places: 3, students: [] } });
 * await given([opened, cancelledTwice]).thenFails("is cancelled already");
 * ```
 *
 * Beyond that it holds a fold to its word. Events are frozen. Every state has to be plain JSON (properties may be undefined), and
 * is read back from it for the next event, as from the table; then everything is folded once more in one go: where batches
 * end must make no difference. The projection's `schema` is applied, those of the events are not.
 *
 * @throws TypeError for a projection that has neither documents nor writes; `given` throws it for what no log holds.
 */
export function testProjection<State, Event extends AnyEvent>(
  projection: DocumentProjection<State, Event>,
): GivenLog<Event, AfterFold<State>>;
export function testProjection<Event extends AnyEvent>(
  projection: HandlerProjection<Event>,
): GivenLog<Event, AfterHandle>;
export function testProjection(projection: Projection): GivenLog<AnyEvent, AfterFold<unknown> | AfterHandle> {
  const { kind, name } = projection;
  if (kind === "document") return (events) => afterFold(projection, placeEvents(events));
  if (kind === "handler" && projection.mode === "transaction") {
    return (events) => afterHandle(projection, placeEvents(events));
  }
  throw new TypeError(`Projection ${name} has neither documents nor writes to compare.`);
}
