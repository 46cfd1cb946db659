import { gathered, ratesOf } from "./batching.ts";
import { type Bill, type BillLine, type BillOptions, billOf, lineOf } from "./bill.ts";
import { DAYS_PER_MONTH, GB, HOURS_PER_MONTH } from "./table-use.ts";
import type { Workload } from "./workload.ts";

/** What the same workload, or a part of it, costs elsewhere. */
export interface Alternative {
  readonly name: string;
  /** What it stands for, and what it lacks. */
  readonly what: string;
  readonly bill: Bill;
}

type Lines = (amounts: Parameters<typeof lineOf>[1]) => BillLine;

/** All that stand for a part that the workload has. */
export function alternativesTo(
  workload: Workload,
  options: Pick<BillOptions, "priceOf" | "countsFree">,
): Alternative[] {
  const found: Alternative[] = [];
  const add = (name: string, what: string, lines: (line: Lines) => readonly BillLine[]): void => {
    const bill = billOf(lines((amounts) => lineOf(name, amounts, options)));
    found.push({ name, what, bill });
  };
  if (workload.eventsPerDay > 0) {
    const records = recordsOf(workload);
    add("Kinesis, provisioned", "a log and its consumers; at most 365 days", (line) =>
      kinesisShards(line, records),
    );
    add("Kinesis, on demand", "a log and its consumers; at most 365 days", (line) =>
      kinesisOnDemand(line, records),
    );
    add("MSK, 3 × m7g.large", "a log; no consumers, no traffic between zones", (line) =>
      mskBrokers(line, records),
    );
    add("MSK Serverless", "a log; no consumers", (line) => mskServerless(line, records));
    add("PostgreSQL, 2 × t4g.small", "events and documents, nothing else", (line) =>
      postgres(line, workload),
    );
  }
  const { queueMessagesPerDay, messagesPerCall, queueGroups, schedulesPerDay } = workload;
  if (queueMessagesPerDay > 0) {
    // To send, to receive and to delete; ten at most go into one request.
    const batch = Math.min(messagesPerCall, SQS_BATCH);
    const requests = ((queueMessagesPerDay * DAYS_PER_MONTH) / batch) * 3 * queueGroups;
    add("SQS FIFO", "the queue: order by key, no replay", (line) => [
      line({ requests: ["sqsFifoRequests", requests] }),
    ]);
  }
  if (schedulesPerDay > 0) {
    const invocations = schedulesPerDay * DAYS_PER_MONTH;
    add("EventBridge Scheduler", "the schedules: at least once", (line) => [
      line({ invocations: ["schedulerInvocations", invocations] }),
    ]);
  }
  return found;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html */
const SQS_BATCH = 10;

/** A workload as a log has it: an append is a record. */
interface Records {
  readonly perMonth: number;
  readonly bytes: number;
  /** A second, at the peak. */
  readonly peakRecords: number;
  readonly retentionDays: number;
  readonly readers: number;
  readonly workload: Workload;
}

function recordsOf(workload: Workload): Records {
  const { eventBytes, eventsPerAppend, peakFactor, retentionDays, projections } = workload;
  const { appends } = ratesOf(workload);
  return {
    perMonth: appends * DAYS_PER_MONTH,
    bytes: eventBytes * eventsPerAppend,
    peakRecords: (appends / 86_400) * peakFactor,
    retentionDays,
    readers: projections,
    workload,
  };
}

/** What a shard takes a second. https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html */
const SHARD_BYTES: number = 1024 * 1024;
const SHARD_RECORDS = 1_000;
/** https://aws.amazon.com/kinesis/data-streams/pricing/ */
const PUT_UNIT_BYTES: number = 25 * 1024;
const KINESIS_MAX_DAYS = 365;
const KINESIS_LONG_DAYS = 7;

/** GB that are kept of so many days, from one age on. */
function keptGb({ perMonth, bytes }: Records, fromDay: number, toDay: number): number {
  return ((perMonth / DAYS_PER_MONTH) * bytes * Math.max(0, toDay - fromDay)) / GB;
}

/** A function for each reader: what it is given of a shard within the same seconds as ours is one invocation. */
function consumers(line: Lines, records: Records, shards: number): BillLine {
  const { host, gatherSeconds, invocationMs, invocationMb } = records.workload;
  const perDay = records.perMonth / DAYS_PER_MONTH;
  const batches = records.perMonth / gathered(perDay / shards, gatherSeconds);
  const invocations = host === "lambda" ? batches * records.readers : 0;
  const gbSeconds = invocations * (invocationMs / 1_000) * (invocationMb / 1_024);
  return line({
    invocations: ["lambdaRequests", invocations],
    gbSeconds: ["lambdaDuration", gbSeconds],
  });
}

/** A new stream on demand has four shards. https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html */
const ON_DEMAND_SHARDS = 4;

function kinesisShards(line: Lines, records: Records): readonly BillLine[] {
  const { perMonth, bytes, peakRecords } = records;
  const shards = Math.max(
    1,
    Math.ceil(Math.max((peakRecords * bytes) / SHARD_BYTES, peakRecords / SHARD_RECORDS)),
  );
  const days = Math.min(records.retentionDays, KINESIS_MAX_DAYS);
  const extended = days > 1 ? shards * HOURS_PER_MONTH : 0;
  return [
    line({ shardHours: ["kinesisShardHours", shards * HOURS_PER_MONTH] }),
    consumers(line, records, shards),
    line({ putUnits: ["kinesisPutUnits", perMonth * Math.ceil(bytes / PUT_UNIT_BYTES)] }),
    line({ extendedShardHours: ["kinesisExtendedShardHours", extended] }),
    line({ longGbMonths: ["kinesisLongStorage", keptGb(records, KINESIS_LONG_DAYS, days)] }),
  ];
}

function kinesisOnDemand(line: Lines, records: Records): readonly BillLine[] {
  const { perMonth, bytes, readers } = records;
  // Each record is counted as whole kilobytes.
  const gb = (perMonth * Math.ceil(bytes / 1024) * 1024) / GB;
  const days = Math.min(records.retentionDays, KINESIS_MAX_DAYS);
  return [
    line({ streamHours: ["kinesisStreamHours", HOURS_PER_MONTH] }),
    line({ gbIn: ["kinesisDataIn", gb] }),
    consumers(line, records, ON_DEMAND_SHARDS),
    line({ gbOut: ["kinesisDataOut", gb * readers] }),
    line({
      extendedGbMonths: ["kinesisExtendedStorage", keptGb(records, 1, Math.min(days, KINESIS_LONG_DAYS))],
    }),
    line({ longGbMonths: ["kinesisLongStorage", keptGb(records, KINESIS_LONG_DAYS, days)] }),
  ];
}

/** A broker in each of three zones, and a copy of everything on each: what AWS advises for production. */
const BROKERS = 3;

function mskBrokers(line: Lines, records: Records): readonly BillLine[] {
  return [
    line({ brokerHours: ["mskBrokerHours", BROKERS * HOURS_PER_MONTH] }),
    line({ gbMonths: ["mskStorage", BROKERS * keptGb(records, 0, records.retentionDays)] }),
  ];
}

/** Partitions of the one topic: as few as a consumer in each zone. */
const PARTITIONS = 3;

function mskServerless(line: Lines, records: Records): readonly BillLine[] {
  const gb = (records.perMonth * records.bytes) / GB;
  return [
    line({ clusterHours: ["mskServerlessHours", HOURS_PER_MONTH] }),
    line({ partitionHours: ["mskServerlessPartitionHours", PARTITIONS * HOURS_PER_MONTH] }),
    line({ gbIn: ["mskServerlessDataIn", gb] }),
    line({ gbOut: ["mskServerlessDataOut", gb * records.readers] }),
    line({ gbMonths: ["mskStorage", keptGb(records, 0, records.retentionDays)] }),
  ];
}

/** An instance in each of two zones, each with all of the disk: counted as two of one zone. */
const INSTANCES = 2;
/** What a row takes besides: its header, ids, times, and its part of two indexes. An estimate. */
const ROW_BYTES = 150;
/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html */
const LEAST_DISK_GB = 20;

function postgres(line: Lines, workload: Workload): readonly BillLine[] {
  const { eventsPerDay, eventBytes, retentionDays, projections, documents, documentBytes } = workload;
  const rows = eventsPerDay * retentionDays * (eventBytes + ROW_BYTES);
  const bytes = rows + projections * documents * (documentBytes + ROW_BYTES);
  const disk = Math.max(LEAST_DISK_GB, bytes / GB);
  return [
    line({ instanceHours: ["rdsInstanceHours", INSTANCES * HOURS_PER_MONTH] }),
    line({ gbMonths: ["rdsStorage", INSTANCES * disk] }),
  ];
}
