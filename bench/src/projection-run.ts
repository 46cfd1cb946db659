import { createEventStore } from "@tuppence/core";
import {
  createProjectionWorker,
  type Projection,
  type ProjectionEvent,
  type ProjectionStorage,
  type ProjectionWorker,
} from "@tuppence/projections";
import type { Database } from "./databases.ts";

export interface RunningProjection extends AsyncDisposable {
  /** Waits for an event of the worker that is told from now on. */
  readonly next: (wanted: (event: ProjectionEvent) => boolean) => Promise<void>;
}

/** Starts a worker with one projection; what goes wrong with it ends the benchmark. */
export function runProjection(
  { client }: Database,
  projection: Projection,
  options: { readonly storage?: ProjectionStorage | undefined; readonly pollIntervalMs?: number | undefined },
): RunningProjection {
  const waiting = new Set<(event: ProjectionEvent) => void>();
  const { storage, pollIntervalMs } = options;
  const worker: ProjectionWorker = createProjectionWorker({
    ...(storage ? { storage } : { client }),
    store: createEventStore({ client }),
    projections: [projection],
    pollIntervalMs,
    onEvent(event) {
      if (FAILURES.has(event.type)) console.error(event);
      for (const see of waiting) see(event);
    },
  });
  worker.start();
  return {
    next: (wanted) =>
      new Promise((resolve, reject) => {
        const see = (event: ProjectionEvent): void => {
          const isFailure = FAILURES.has(event.type);
          if (!isFailure && !wanted(event)) return;
          waiting.delete(see);
          if (isFailure) reject(new Error(`The projection: ${event.type}.`));
          else resolve();
        };
        waiting.add(see);
      }),
    [Symbol.asyncDispose]: () => worker.stop(),
  };
}

const FAILURES: ReadonlySet<string> = new Set<ProjectionEvent["type"]>([
  "halted",
  "parked",
  "registrationFailed",
  "retrying",
  "skipped",
]);

export interface CatchUp {
  readonly seconds: number;
  /** CPU time of this process, user and system, in milliseconds. */
  readonly cpuMs: number;
}

/** Runs a projection until it has come to a position, from when its slot was taken on. */
export async function catchUp(
  database: Database,
  projection: Projection,
  options: { readonly to: number; readonly storage?: ProjectionStorage | undefined },
): Promise<CatchUp> {
  await using running = runProjection(database, projection, options);
  await running.next(({ type }) => type === "slotStarted");
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await running.next((event) => event.type === "caughtUp" && event.position >= options.to);
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  return { seconds, cpuMs: (cpu.user + cpu.system) / 1_000 };
}
