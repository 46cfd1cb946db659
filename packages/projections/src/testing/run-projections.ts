import { type EventDefinitions, type EventStore, pause, SYSTEM_RUNTIME } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import type { DocumentProjection, Projection } from "../definition/projection.ts";
import type { Documents } from "../documents/documents.ts";
import { createProjections, type Projections } from "../projections.ts";
import { createMemoryProjectionStorage } from "../storage/memory-storage.ts";
import { createProjectionWorkerOn } from "../worker/create-projection-worker.ts";
import { failure, RunProgress } from "./run-progress.ts";

/** How long `caughtUp` waits by default, in milliseconds. */
export const DEFAULT_CATCH_UP_MS = 10_000;

/** In one process nothing is far away: looks and positions need not be spared. */
const POLL_INTERVAL_MS = 5;
const PARKED_LOOK_MS = 20;
const LEASE_DURATION_MS = 2_000;

export interface RunOptions<Definitions extends EventDefinitions> {
  readonly projections: readonly Projection[];
  /** Whose log they follow. Default: a new store in memory. */
  readonly store?: EventStore<Definitions> | undefined;
  /** The event types of that new store. Default: any. */
  readonly events?: Definitions | undefined;
}

/** Projections that run. */
export interface ProjectionRun<Definitions extends EventDefinitions> extends AsyncDisposable {
  readonly store: EventStore<Definitions>;
  /** To look at them and after them: what is parked, rebuilds. */
  readonly projections: Projections;
  /** The documents of one of them. */
  documents<State>(projection: DocumentProjection<State>): Documents<State>;
  /**
   * Waits until everything that is in the log now is handled by all of them; rejects with an `AssertionError` when one stands still, or has
   * left out events (parked or skipped them) since the last call, or is not there after `timeoutMs` (default 10,000).
   */
  caughtUp(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Runs projections as a worker does, with documents and positions in memory: for tests of whole read models.
 *
 * ```ts
 * await using run = runProjections({ projections: [courses], events: schoolEvents });
 * await run.store.append("course|fugue", [{ type: "CourseOpened", data: { places: 3 } }]);
 * await run.caughtUp();
 * expect(await run.documents(courses).get("fugue")).toEqual({ places: 3, students: [] });
 * ```
 *
 * A handler in transaction mode can't be run in memory: its writes go to DynamoDB.
 *
 * @throws TypeError for such a handler, or for no projections.
 */
export function runProjections<const Definitions extends EventDefinitions = EventDefinitions>(
  options: RunOptions<Definitions>,
): ProjectionRun<Definitions> {
  const { projections, events, store = createMemoryEventStore({ events }) } = options;
  for (const projection of projections) {
    if (projection.kind === "handler" && projection.mode === "transaction")
      throw new TypeError(
        `The writes of projection ${projection.name} go to DynamoDB: testProjection compares them.`,
      );
  }
  const storage = createMemoryProjectionStorage();
  const progress = new RunProgress(projections);
  const worker = createProjectionWorkerOn(
    {
      projections,
      store,
      storage,
      leaseDurationMs: LEASE_DURATION_MS,
      pollIntervalMs: POLL_INTERVAL_MS,
      checkpointIntervalMs: 0,
      onEvent: (event) => progress.note(event),
    },
    { parkedLookMs: PARKED_LOOK_MS },
  );
  worker.start();
  const facade = createProjections({ storage, store });
  const stop = (): Promise<void> => worker.stop();
  return {
    store,
    projections: facade,
    documents: (projection) => facade.documents(projection),
    caughtUp: ({ timeoutMs = DEFAULT_CATCH_UP_MS } = {}) => catchUp(store, progress, timeoutMs),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function catchUp<Definitions extends EventDefinitions>(
  store: EventStore<Definitions>,
  progress: RunProgress,
  timeoutMs: number,
): Promise<void> {
  const end = await store.logEnd();
  const isOver = new AbortController();
  let isLate = false;
  const limit = async (): Promise<void> => {
    isLate = await pause(SYSTEM_RUNTIME, timeoutMs, isOver.signal);
    progress.wake();
  };
  const timer = limit();
  try {
    while (progress.behind(end).length > 0) {
      progress.throwIfStuck();
      if (isLate) {
        const slots = progress.behind(end).join(" and ");
        throw failure(`${slots} is not at ${end} after ${timeoutMs} ms`, undefined);
      }
      await progress.changed();
    }
  } finally {
    isOver.abort();
    await timer;
  }
  progress.throwIfLeft();
}
