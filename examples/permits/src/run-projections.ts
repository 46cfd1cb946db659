import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type CapacityMeter, createEventStore, meterCapacity } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import {
  createProjections,
  createProjectionWorker,
  type Projections,
  type HandlerProjection,
} from "@tuppence/projections";
import { permitEvents } from "./permit-events.ts";
import { openCases, workDone } from "./read-models.ts";
import type { ReadModels } from "./verify-read-models.ts";

/** A run that is killed leaves its leases behind; the next one waits for so long. In milliseconds. */
const LEASE_DURATION_MS = 3_000;

/** How often it is looked how far a rebuild is, in milliseconds. */
const LOOK_MS = 100;

/** What keeps the read models up to date, and reacts to events, in the background. */
export interface ProjectionRun extends AsyncDisposable {
  readonly projections: Projections;
  /** Of what builds and reads them, which has a client of its own. */
  readonly meter: CapacityMeter;
  /** Waits until everything up to a position is in the read models and was reacted to. */
  reached(position: number, signal: AbortSignal): Promise<void>;
}

/** Begins to keep the read models up to date, and to react. The tables of the events have to be there. */
export async function runProjections(
  config: ReturnType<DynamoDBLocal["clientConfig"]>,
  handlers: readonly HandlerProjection[],
): Promise<ProjectionRun> {
  const client = new DynamoDBClient(config);
  const store = createEventStore({ client, events: permitEvents });
  const projections = createProjections({ client, store });
  await projections.ensureTables();
  const meter = meterCapacity(client);
  const worker = createProjectionWorker({
    client,
    store,
    projections: [openCases, workDone, ...handlers],
    leaseDurationMs: LEASE_DURATION_MS,
  });
  worker.start();
  return {
    projections,
    meter,
    reached: (position, signal) => worker.reached({ position, signal }),
    async [Symbol.asyncDispose]() {
      await worker.stop();
      client.destroy();
    },
  };
}

/** How far a rebuild is. */
interface RebuildProgress {
  /** Positions behind it. */
  readonly done: number;
  /** Positions there are. */
  readonly total: number;
}

/**
 * Builds a read model anew beside the one that is read, while events go on coming in, and waits until it has taken its place.
 *
 * @returns how many seconds that took
 */
export async function rebuild(
  projections: Projections,
  name: string,
  {
    onProgress,
    signal,
  }: { readonly onProgress: (progress: RebuildProgress) => void; readonly signal: AbortSignal },
): Promise<number> {
  const startedAt = performance.now();
  const { next } = await projections.rebuild(name);
  for (;;) {
    const [status] = await projections.status(name);
    if (status === undefined) break;
    const isLive = status.live.number === next?.number;
    const build = isLive ? status.live : status.next;
    onProgress({ done: build?.position ?? 0, total: status.logEnd });
    if (isLive) break;
    await sleep(LOOK_MS, undefined, { signal });
  }
  return (performance.now() - startedAt) / 1_000;
}

/** Both read models, as they are stored. */
export async function readReadModels({ projections }: ProjectionRun): Promise<ReadModels> {
  return {
    openCases: await readAll(projections.documents(openCases).list({ consistency: "strong" })),
    workDone: await readAll(projections.documents(workDone).list({ consistency: "strong" })),
  };
}

async function readAll<State>(
  documents: AsyncIterable<{ readonly key: string; readonly document: State }>,
): Promise<ReadonlyMap<string, State>> {
  const all = new Map<string, State>();
  for await (const { key, document } of documents) all.set(key, document);
  return all;
}
