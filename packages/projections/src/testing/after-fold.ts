import {
  createFailure,
  describeThrown,
  type ExpectedError,
  findDifference,
  type Scene,
  show,
} from "@tuppence/core/testing";
import type { DocumentProjection } from "../definition/projection.ts";
import { assertError, type FailedAt, failureAt, nameOf } from "./assert-error.ts";
import { foldAtOnce, type FoldedEvents, foldOneByOne, UnfitStateError } from "./fold-given.ts";
import { handledEvents, type PlacedEvents } from "./given-events.ts";

/** What has to follow; each rejects with an `AssertionError` when it does not. Nothing runs before. */
export interface AfterFold<State> {
  /** Every event was taken, and these are all the documents, by their keys. */
  readonly thenDocuments: (expected: Readonly<Record<string, State>>) => Promise<void>;
  /** The last event can't be taken, for this error: it would be parked, or whatever `onFailure` says. Those before it are. */
  readonly thenFails: (expected: ExpectedError) => Promise<void>;
}

/** What may follow from events that are folded. */
export function afterFold(projection: DocumentProjection, placed: PlacedEvents): AfterFold<unknown> {
  const { given, events } = placed;
  async function thenDocuments(expected: Readonly<Record<string, unknown>>): Promise<void> {
    const scene = { given, assertion: thenDocuments };
    const lines = describeDocuments(expected);
    const { documents, failed } = await foldBothWays(scene, projection, placed);
    if (failed) throw failureAt(scene, failed, lines);
    const summary = findDifference(documents, expected, "documents");
    if (summary === undefined) return;
    throw createFailure(scene, {
      summary,
      expected: lines,
      but: ["but they are", describeDocuments(documents)],
      diff: { actual: documents, expected },
    });
  }
  async function thenFails(expected: ExpectedError): Promise<void> {
    const scene = { given, assertion: thenFails };
    const { documents, failed } = await foldBothWays(scene, projection, placed);
    if (failed && failed.event !== events.at(-1)) {
      throw failureAt(scene, failed, ["only the last event to fail"]);
    }
    const instead = ["but the documents are", describeDocuments(documents)] as const;
    assertError(scene, { thrown: failed, expected, instead });
  }
  return { thenDocuments, thenFails };
}

/** One event after the other, which has to lead to the same as all at once. */
async function foldBothWays(
  scene: Scene,
  projection: DocumentProjection,
  placed: PlacedEvents,
): Promise<FoldedEvents> {
  const events = handledEvents(projection, placed.events);
  const single = await foldOneByOne(projection, events);
  if (single.failed?.error instanceof UnfitStateError) throw failureAt(scene, single.failed);
  const count = single.failed ? events.indexOf(single.failed.event) + 1 : events.length;
  const together = await foldAtOnce(projection, events.slice(0, count));
  const isSame =
    single.failed?.event === together.failed?.event &&
    findDifference(together.documents, single.documents, "documents") === undefined;
  if (isSame) return single;
  throw createFailure(scene, {
    summary: `what projection ${projection.name} makes of events depends on where batches end`,
    expected: ["one after the other and all at once to lead to the same"],
    but: ["but one after the other", [...describe(single), "and all at once", ...describe(together)]],
    diff: { actual: together.documents, expected: single.documents },
    cause: (single.failed ?? together.failed)?.error,
  });
}

function describe({ documents, failed }: FoldedEvents): string[] {
  return failed ? describeFailed(failed) : describeDocuments(documents);
}

function describeFailed({ event, error }: FailedAt): string[] {
  return [`${nameOf(event)} fails`, ...describeThrown(error)];
}

function describeDocuments(documents: Readonly<Record<string, unknown>>): string[] {
  const lines = Object.entries(documents).map(([key, state]) => `${key} ${show(state)}`);
  return lines.length === 0 ? ["no documents"] : lines;
}
