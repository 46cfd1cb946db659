import { readUnits, writeUnits } from "@tuppence/core";
import { DEFAULT_SHARDS } from "@tuppence/scheduler";
import { distinct, type Rates, ratesOf } from "./batching.ts";
import { ITEM_OVERHEAD_BYTES, type Sample } from "./measure-sample.ts";
import { standingUses } from "./standing-uses.ts";
import { DAYS_PER_MONTH, HOURS_PER_MONTH, type MonthlyUse, monthly, type TableUse } from "./table-use.ts";
import type { Workload } from "./workload.ts";

/** What a workload uses, by the sizes that were measured and the figures that the library's cost tests assert. */
export function monthlyUse(workload: Workload, sample: Sample): MonthlyUse {
  const rates = ratesOf(workload);
  const { host, streamShards, gatherSeconds } = workload;
  const schedules = scheduleUse(workload);
  const isLambda = host === "lambda";
  // What is enqueued wakes the function that feeds the log as well, which passes it over.
  const passedOver = rates.pages > 0 ? rates.queueRuns : 0;
  const consumed = rates.queueRuns * workload.queueGroups;
  const perDay = rates.pages + passedOver + rates.runs + consumed + schedules.minutes;
  const invocations = isLambda ? perDay * DAYS_PER_MONTH : 0;
  const isLogRead = !isLambda && rates.pages > 0;
  return {
    tables: [
      ...eventUses(workload, sample, rates),
      ...projectionUses(workload, sample, rates),
      ...queueUses(workload, sample, rates),
      ...schedules.uses,
      ...(isLambda ? [] : standingUses(workload)),
    ].filter(({ times }) => times > 0),
    storedBytes: storedBytes(workload, sample, rates),
    invocations,
    gbSeconds: invocations * (workload.invocationMs / 1_000) * (workload.invocationMb / 1_024),
    streamReads: isLogRead ? (streamShards * 3_600 * HOURS_PER_MONTH) / Math.max(gatherSeconds, 1) : 0,
  };
}

function eventUses(workload: Workload, sample: Sample, rates: Rates): TableUse[] {
  const loads = workload.reads === "nothing" ? 0 : rates.appends;
  const { writeUnits: pageUnits } = sample.page(rates.pages > 0 ? rates.appendsPerPage : 0);
  return [
    monthly("loads", "events", loads, sample.load),
    monthly("appends", "events", rates.appends, sample.append),
    monthly("pages of the log", "events", rates.pages, { writeUnits: pageUnits }),
  ];
}

/** An invocation that goes on with projections. The read units are about so many: some are looks, by the time that it takes. */
const PROJECTION_RUN = {
  writeUnits: 2,
  readUnits: 8,
  slot: { writeUnits: 3, readUnits: 1.5 },
} as const;

/** A slot stores its position at most so often, in a worker: `DEFAULT_CHECKPOINT_INTERVAL_MS`. */
const CHECKPOINTS_PER_DAY: number = 2 * 86_400;

/** Documents that a slot of a worker keeps in memory. */
const CACHED_DOCUMENTS = 5_000;

function projectionUses(workload: Workload, sample: Sample, rates: Rates): TableUse[] {
  const { projections, slots, documents, host, documentsPerEvent, eventsPerDay } = workload;
  const { runs, pagesPerRun, appendsPerPage } = rates;
  if (runs === 0) return [];
  const isLambda = host === "lambda";
  const allSlots = projections * slots;
  const { slot } = PROJECTION_RUN;
  const pages = pagesPerRun * sample.page(appendsPerPage).bytes;
  const log = readUnits(pages, "eventual");
  const puts = runs * projections * distinct((eventsPerDay / runs) * documentsPerEvent, documents);
  const missing = isLambda ? 1 : Math.max(0, 1 - (CACHED_DOCUMENTS * slots) / documents);
  const documentUses = [
    monthly("reads of documents", "documents", puts * missing, {
      readUnits: readUnits(sample.documentBytes, "eventual"),
    }),
    monthly("puts of documents", "documents", puts, { writeUnits: writeUnits(sample.documentBytes) }),
  ];
  if (!isLambda) {
    const positions = Math.min(runs, CHECKPOINTS_PER_DAY) * allSlots;
    return [
      monthly("reads of the log", "events", runs, { readUnits: log }),
      monthly("positions", "control", positions + rates.pages, { writeUnits: 1 }),
      ...documentUses,
    ];
  }
  return [
    // Of a small page, the reading is among what a run takes.
    monthly("reads of the log", "events", runs, { readUnits: log - readUnits(0, "eventual") }),
    monthly("runs of projections", "control", runs, {
      writeUnits: PROJECTION_RUN.writeUnits + allSlots * slot.writeUnits,
      readUnits: PROJECTION_RUN.readUnits + allSlots * slot.readUnits,
    }),
    ...documentUses,
  ];
}

/** An invocation that goes on with a group of one lane, beside what it acknowledges and the messages that it reads. The read units are about so many. */
const QUEUE_RUN = { writeUnits: 5, readUnits: 13 } as const;

function queueUses(workload: Workload, sample: Sample, rates: Rates): TableUse[] {
  const { queueMessagesPerDay, messagesPerAck, queueGroups, host } = workload;
  const { enqueueCalls, queueRuns } = rates;
  if (queueRuns === 0) return [];
  const bytes = (sample.enqueueBytes * enqueueCalls) / queueRuns;
  const runs = queueRuns * queueGroups;
  return [
    monthly("calls that enqueue", "events", enqueueCalls, sample.enqueue),
    monthly("reads of the queue", "events", runs, { readUnits: readUnits(bytes, "eventual") }),
    monthly("acknowledgements", "control", (queueMessagesPerDay / messagesPerAck) * queueGroups, {
      writeUnits: 1,
    }),
    monthly("runs of consumers", "control", host === "lambda" ? runs : 0, QUEUE_RUN),
  ];
}

/** A schedule for once, and a minute of a shard with any, when its doorbell rings five minutes after its end or later. */
const SCHEDULE = { put: 1, claim: 1, end: 1 } as const;
const SCHEDULE_MINUTE = { writeUnits: 5, readUnits: 5 } as const;

const MINUTES_PER_DAY = 1_440;

function scheduleUse({ schedulesPerDay }: Workload): {
  readonly uses: readonly TableUse[];
  readonly minutes: number;
} {
  const minutes = distinct(schedulesPerDay, MINUTES_PER_DAY * DEFAULT_SHARDS);
  return {
    minutes,
    uses: [
      monthly("schedules, to their end", "schedules", schedulesPerDay, {
        writeUnits: SCHEDULE.put + SCHEDULE.claim + SCHEDULE.end,
      }),
      monthly("minutes of schedules", "schedules", minutes, SCHEDULE_MINUTE),
    ],
  };
}

/** A schedule stays for a week after its end, with about so much. */
const SCHEDULE_DAYS = 7;
const SCHEDULE_BYTES = 400;

function storedBytes(workload: Workload, sample: Sample, rates: Rates): MonthlyUse["storedBytes"] {
  const { retentionDays, projections, documents, schedulesPerDay } = workload;
  const page = rates.pages > 0 ? sample.page(rates.appendsPerPage).bytes : 0;
  const perDay =
    rates.appends * sample.appendBytes + rates.pages * page + rates.enqueueCalls * sample.enqueueBytes;
  const kept = rates.runs > 0 ? projections * documents : 0;
  return {
    events: perDay * retentionDays,
    control: 0,
    documents: kept * (sample.documentBytes + ITEM_OVERHEAD_BYTES),
    schedules: schedulesPerDay * SCHEDULE_DAYS * (SCHEDULE_BYTES + ITEM_OVERHEAD_BYTES),
  };
}
