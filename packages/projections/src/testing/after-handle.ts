import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import {
  createFailure,
  describeThrown,
  type ExpectedError,
  findDifference,
  show,
} from "@tuppence/core/testing";
import type { BatchContext, HandlerProjection } from "../definition/projection.ts";
import { assertError } from "./assert-error.ts";
import { handledEvents, type PlacedEvents } from "./given-events.ts";

/** What has to follow, as in `AfterFold`. */
export interface AfterHandle {
  /** The events, in one batch, lead to exactly these writes, in this order. */
  readonly thenWrites: (expected: readonly TransactWriteItem[]) => Promise<void>;
  /** The handler throws this error. */
  readonly thenFails: (expected: ExpectedError) => Promise<void>;
}

/** What may follow from events that a handler is given in one batch. */
export function afterHandle(projection: HandlerProjection, placed: PlacedEvents): AfterHandle {
  const { given } = placed;
  async function thenWrites(expected: readonly TransactWriteItem[]): Promise<void> {
    const scene = { given, assertion: thenWrites };
    const lines = describeWrites(expected);
    const { writes, thrown } = await handle(projection, placed);
    if (thrown) {
      const but = ["but it threw", describeThrown(thrown.error)] as const;
      throw createFailure(scene, { summary: "handle threw", expected: lines, but, cause: thrown.error });
    }
    const summary = findDifference(writes, expected, "writes");
    if (summary === undefined) return;
    throw createFailure(scene, {
      summary,
      expected: lines,
      but: ["but it answered", describeWrites(writes)],
      diff: { actual: writes, expected },
    });
  }
  async function thenFails(expected: ExpectedError): Promise<void> {
    const { writes, thrown } = await handle(projection, placed);
    const instead = ["but it answered", describeWrites(writes)] as const;
    const scene = { given, assertion: thenFails };
    assertError(scene, { thrown, expected, instead });
  }
  return { thenWrites, thenFails };
}

interface Handled {
  readonly writes: readonly TransactWriteItem[];
  readonly thrown: { readonly error: unknown } | undefined;
}

/** @throws TypeError for an answer that is no list. */
async function handle(projection: HandlerProjection, placed: PlacedEvents): Promise<Handled> {
  const events = handledEvents(projection, placed.events);
  // Without any, it is not called.
  if (events.length === 0) return { writes: [], thrown: undefined };
  let writes: readonly TransactWriteItem[] | void;
  try {
    writes = await projection.handle(events, contextOf(projection, placed));
  } catch (error) {
    return { writes: [], thrown: { error } };
  }
  if (Array.isArray(writes)) return { writes, thrown: undefined };
  throw new TypeError(`A handler in transaction mode answers writes, not ${show(writes)}.`);
}

/** As for the first batch of the first build. */
function contextOf({ name, version }: HandlerProjection, { events }: PlacedEvents): BatchContext {
  const { signal } = new AbortController();
  return {
    name,
    version,
    build: 1,
    slot: 0,
    after: 0,
    upTo: events.length,
    isLive: true,
    attempt: 1,
    signal,
  };
}

function describeWrites(writes: readonly TransactWriteItem[]): string[] {
  return writes.length === 0 ? ["no writes"] : writes.map(show);
}
