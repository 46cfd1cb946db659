import { createEventStore, DEFAULT_TABLE_PREFIX } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import { createDynamoDBProjectionStorage, createProjections } from "@tuppence/projections";
import type { RunOptions, ScenarioResult } from "./benchmark.ts";
import { type Database, openDatabase } from "./databases.ts";
import { measureDelays } from "./live-delays.ts";
import { fillLogAlone } from "./log-alone.ts";
import type { Figures } from "./measure.ts";
import { permitProjection } from "./permit-documents.ts";
import { oneByOne, readPermits } from "./permit-events.ts";
import { runProjection } from "./projection-run.ts";
import { openMeteredStorage } from "./projection-storage.ts";
import { LIVE_PARTITIONS, startLog } from "./projections-live.ts";
import { formatFigureTable } from "./table.ts";

/** 102,924 events of 17,208 cases. */
const COPIES = 12;

/** Appends a second, meanwhile. */
const RATE = 10;

const HEADINGS = {
  seconds: "s, asked to live",
  eventsPerSecond: "events/s at work",
  documentUnits: "documents, WU/event",
  checkpointUnits: "checkpoints, WU/event",
  upkeepUnits: "leases etc., WU",
  p50Ms: "live p50 ms",
  p99Ms: "live p99 ms",
};

/** How long a rebuild takes, what it costs, and what the live version notices of it. */
export async function measureRebuild(
  local: DynamoDBLocal,
  { tell }: RunOptions,
): Promise<readonly ScenarioResult[]> {
  using database = await openDatabase(local);
  const events = await fillLogAlone(database, COPIES);
  const name = `rebuild of ${events.toLocaleString("en-US")} events, ${RATE} appends/s`;
  const ours = await run(database, events);
  tell(
    formatFigureTable({ title: name, headings: HEADINGS, rows: [{ label: "100 documents", figures: ours }] }),
  );
  return [{ name, events, units: HEADINGS, ours }];
}

async function run(database: Database, events: number): Promise<Figures> {
  using metered = openMeteredStorage(database);
  const { storage, takeCosts } = metered;
  await createDynamoDBProjectionStorage(database.client, DEFAULT_TABLE_PREFIX).ensureTables();
  await using running = runProjection(database, permitProjection("live", ["hundred", "one"]), { storage });
  await running.next((event) => event.type === "caughtUp" && event.position >= events);
  await using log = await startLog(database);
  takeCosts();
  let isLive = false;
  const rebuild = async (): Promise<Figures> => {
    const begun = running.next(({ type }) => type === "slotStarted");
    const flipped = running.next(({ type }) => type === "flipped");
    const askedAt = performance.now();
    const projections = createProjections({ client: database.client, store: createEventStore(database) });
    await projections.rebuild("live");
    await begun;
    const begunAt = performance.now();
    await flipped;
    isLive = true;
    const now = performance.now();
    return { seconds: (now - askedAt) / 1_000, eventsPerSecond: (events / (now - begunAt)) * 1_000 };
  };
  // Of other cases: the streams of the others are not in the table.
  const commits = oneByOne(await readPermits(COPIES + 1)).filter(({ streamId }) =>
    streamId.endsWith(`-${COPIES}`),
  );
  const traffic = { rate: RATE, commits, partitions: LIVE_PARTITIONS, logEnd: log.end, isOver: () => isLive };
  const [figures, delays] = await Promise.all([rebuild(), measureDelays(database, traffic)]);
  const costs = takeCosts();
  return {
    ...delays,
    ...figures,
    documentUnits: costs.documentWriteUnits / events,
    checkpointUnits: costs.checkpointWriteUnits / events,
    upkeepUnits: costs.upkeepWriteUnits,
  };
}
