import { createEventStore, DEFAULT_TABLE_PREFIX } from "@tuppence/core";
import type { DynamoDBLocal } from "@tuppence/local";
import { createDynamoDBProjectionStorage } from "@tuppence/projections";
import type { RunOptions, ScenarioResult } from "./benchmark.ts";
import { consumedBy, type Database, openDatabase } from "./databases.ts";
import { createHandWrittenProjector } from "./hand-written-projector.ts";
import { fillLogAlone } from "./log-alone.ts";
import { type Figures, inTurn, measure, medians, ratios } from "./measure.ts";
import { type DocumentSpread, permitProjection } from "./permit-documents.ts";
import { catchUp } from "./projection-run.ts";
import { openMeteredStorage } from "./projection-storage.ts";
import { formatFigureTable } from "./table.ts";

/** 8,577 events. */
const COPIES = 1;

/** Of the side by hand, which does them one by one. */
const HAND_WRITTEN_EVENTS = 2_000;
const MAX_HAND_WRITTEN_SECONDS = 3;
/** Of them, those that are metered: two of its checkpoints. */
const METERED_EVENTS = 50;

const HEADINGS = {
  eventsPerSecond: "events/s",
  cpuMs: "CPU ms/1,000 events",
  requests: "requests/event",
  documentUnits: "documents, WU/event",
  checkpointUnits: "checkpoints, WU/event",
};

interface Side {
  readonly name: string;
  readonly label: string;
  readonly open: (database: Database, events: number) => Promise<(round: number) => Promise<Figures>>;
}

const SIDES: readonly Side[] = [
  projected("one", "1 document", { spread: "one" }),
  projected("hundred", "100 documents", { spread: "hundred" }),
  projected("hundredTogether", "100 documents, transactions of 25", {
    spread: "hundred",
    mode: "transaction",
  }),
  projected("case", "a document a case (1,434)", { spread: "case" }),
  projected("event", "a document an event", { spread: "event" }),
  { name: "log", label: "the log read, and nothing else", open: openLogAlone },
  { name: "handWritten", label: "hand-written, 100 documents", open: openHandWritten },
];

/** How fast projections go through what is in the log, and by hand. */
export async function compareCatchUps(
  local: DynamoDBLocal,
  { rounds, tell }: RunOptions,
): Promise<readonly ScenarioResult[]> {
  using database = await openDatabase(local);
  await createDynamoDBProjectionStorage(database.client, DEFAULT_TABLE_PREFIX).ensureTables();
  const events = await fillLogAlone(database, COPIES);
  const contenders: ((round: number) => Promise<Figures>)[] = [];
  for (const { open } of SIDES) contenders.push(await open(database, events));
  const runs = await inTurn(contenders, rounds);
  const sides = SIDES.map((side, index) => ({ ...side, runs: runs[index] ?? [] }));
  const baseline = runs.at(-1);
  const compared = sides.slice(0, -2);
  const rows = [
    ...sides.map((side) => ({ label: side.label, figures: medians(side.runs) })),
    ...compared.map((side) => ({
      label: `ratio, ${side.label}`,
      figures: ratios(side.runs, baseline),
      ratio: true,
    })),
  ];
  const name = `catch-up of ${events.toLocaleString("en-US")} events`;
  tell(formatFigureTable({ title: name, headings: HEADINGS, rows }));
  return [
    {
      name,
      events,
      units: HEADINGS,
      ...Object.fromEntries(sides.map((side) => [side.name, medians(side.runs)])),
      ...Object.fromEntries(compared.map((side) => [`${side.name}Ratio`, ratios(side.runs, baseline)])),
    },
  ];
}

/** A projection of ours: each round a new one. What it consumes is counted on clients that are not timed. */
function projected(
  name: string,
  label: string,
  { spread, mode = "guard" }: { readonly spread: DocumentSpread; readonly mode?: "guard" | "transaction" },
): Side {
  return {
    name,
    label: `ours, ${label}`,
    async open(database, events) {
      using metered = openMeteredStorage(database);
      const { storage, takeCosts } = metered;
      await catchUp(database, permitProjection(`${name}-metered`, [spread], { mode }), {
        to: events,
        storage,
      });
      const costs = takeCosts();
      return async (round) => {
        const projection = permitProjection(`${name}-${round}`, [spread], { mode });
        const { seconds, cpuMs } = await catchUp(database, projection, { to: events });
        return {
          eventsPerSecond: events / seconds,
          cpuMs: (cpuMs / events) * 1_000,
          requests: costs.requests / events,
          documentUnits: costs.documentWriteUnits / events,
          checkpointUnits: costs.checkpointWriteUnits / events,
        };
      };
    },
  };
}

/** What a projection can't be faster than. */
async function openLogAlone({ client }: Database, events: number): Promise<() => Promise<Figures>> {
  const store = createEventStore({ client });
  return async () => {
    const log = store.openLogReader();
    const measured = await measure({ operations: 1, concurrency: 1 }, async () => {
      for (let position = 0; position < events; ) ({ position } = await log.read(position));
    });
    return {
      eventsPerSecond: measured.operationsPerSecond * events,
      cpuMs: (measured.cpuMsPerOperation / events) * 1_000,
    };
  };
}

async function openHandWritten(database: Database): Promise<(round: number) => Promise<Figures>> {
  const spread = "hundred";
  const load = {
    operations: HAND_WRITTEN_EVENTS,
    concurrency: 1,
    maxSeconds: MAX_HAND_WRITTEN_SECONDS,
  };
  using metered = database.reopen({});
  const { consumed } = await consumedBy(metered, () => {
    const projector = createHandWrittenProjector(metered, { name: "hand", spread });
    return measure({ operations: METERED_EVENTS, concurrency: 1 }, projector);
  });
  return async (round) => {
    const projector = createHandWrittenProjector(database, { name: `hand-${round}`, spread });
    const measured = await measure(load, projector);
    return {
      eventsPerSecond: measured.operationsPerSecond,
      cpuMs: measured.cpuMsPerOperation * 1_000,
      requests: consumed.requests / METERED_EVENTS,
      documentUnits: 1,
      checkpointUnits: consumed.writeUnits / METERED_EVENTS - 1,
    };
  };
}
