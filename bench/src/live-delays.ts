import { setTimeout as sleep } from "node:timers/promises";
import { createEventStore, DEFAULT_TABLE_PREFIX } from "@tuppence/core";
import { createDynamoDBProjectionStorage } from "@tuppence/projections";
import type { Database } from "./databases.ts";
import { type Figures, percentile } from "./measure.ts";
import type { PermitCommit } from "./permit-events.ts";

/** How often readers look whether an event is there, in milliseconds: it adds half of this to a delay. */
const LOOK_MS = 10;

/** A document that takes in all events: what it holds, the whole projection has seen. */
export const ALL_KEY = "all";

export interface LiveTraffic {
  /** Appends a second. */
  readonly rate: number;
  readonly commits: readonly PermitCommit[];
  /** The partitions of the documents with `ALL_KEY` among them: of the build that is live, and of the one after it. */
  readonly partitions: readonly string[];
  /** Where the log ends before the first of them. */
  readonly logEnd: number;
  /** Appending goes on until this says so, or there are no more commits. */
  readonly isOver?: () => boolean;
}

/** Appends at a steady rate while readers note when each event is in the log, and when it is in a document. */
export async function measureDelays({ client }: Database, traffic: LiveTraffic): Promise<Figures> {
  const store = createEventStore({ client });
  const { documents } = createDynamoDBProjectionStorage(client, DEFAULT_TABLE_PREFIX);
  const appendedAt = new Map<string, number>();
  const loggedAt: { readonly event: string; readonly position: number; readonly at: number }[] = [];
  const visibleAt = new Map<string, number>();
  let isAppended = false;
  const isAllSeen = (): boolean => isAppended && visibleAt.size >= appendedAt.size;
  const allSeen = new AbortController();

  const append = async (): Promise<void> => {
    const beganAt = performance.now();
    for (const [index, { streamId, firstVersion, events }] of traffic.commits.entries()) {
      if (traffic.isOver?.() === true) break;
      const dueInMs = beganAt + (index * 1_000) / traffic.rate - performance.now();
      if (dueInMs > 0) await sleep(dueInMs);
      await store.append(streamId, events, { expectedVersion: firstVersion - 1 });
      appendedAt.set(`${firstVersion} ${streamId}`, performance.now());
    }
    isAppended = true;
  };
  const followLog = async (): Promise<void> => {
    const options = { fromPosition: traffic.logEnd + 1, pollIntervalMs: LOOK_MS, signal: allSeen.signal };
    for await (const { events } of store.subscribeAll(options)) {
      const at = performance.now();
      for (const { streamId, version, position } of events)
        loggedAt.push({ event: `${version} ${streamId}`, position, at });
    }
  };
  const positionSeen = async (partition: string): Promise<number> => {
    const found = await documents.getMany(partition, [ALL_KEY], { consistency: "strong" });
    return found.get(ALL_KEY)?.position ?? 0;
  };
  const followDocument = async (): Promise<void> => {
    while (!isAllSeen()) {
      await sleep(LOOK_MS);
      const position = Math.max(...(await Promise.all(traffic.partitions.map(positionSeen))));
      const at = performance.now();
      for (const logged of loggedAt.slice(visibleAt.size)) {
        if (logged.position <= position) visibleAt.set(logged.event, at);
      }
    }
    allSeen.abort();
  };
  await Promise.all([append(), followLog(), followDocument()]);
  const logged = delaysOf(appendedAt, new Map(loggedAt.map(({ event, at }) => [event, at])));
  const visible = delaysOf(appendedAt, visibleAt);
  return {
    events: appendedAt.size,
    logP50Ms: percentile(logged, 50),
    logP99Ms: percentile(logged, 99),
    p50Ms: percentile(visible, 50),
    p99Ms: percentile(visible, 99),
    maxMs: visible.at(-1) ?? Number.NaN,
  };
}

/** From the end of an event's append, in ascending order. */
function delaysOf(from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): readonly number[] {
  const delays = Array.from(from, ([event, at]) => Math.max(0, (to.get(event) ?? Number.NaN) - at));
  return delays.sort((one, other) => one - other);
}
