/** What an application does with a store, in numbers: what `tuppence cost` is asked about. */
export interface Workload {
  readonly eventsPerDay: number;
  /** JSON text of one event's data, in bytes. */
  readonly eventBytes: number;
  readonly eventsPerAppend: number;
  /** Events that a stream has in the end: each stream costs its entry in the index of streams. */
  readonly eventsPerStream: number;
  /** What the data is like: words and numbers, which compress well, or random characters, which do not. */
  readonly data: "words" | "random";
  /** What is read before each append: nothing, the whole stream, or a snapshot and what follows it. */
  readonly reads: "nothing" | "stream" | "snapshot";
  /** JSON text of the state in a snapshot, in bytes. */
  readonly stateBytes: number;
  /** Projections of the log; without any there is no log. */
  readonly projections: number;
  /** Documents of each projection that an event goes into. */
  readonly documentsPerEvent: number;
  readonly documentBytes: number;
  /** Documents that each projection has. */
  readonly documents: number;
  readonly slots: number;
  readonly queueMessagesPerDay: number;
  readonly messageBytes: number;
  readonly messagesPerCall: number;
  readonly messagesPerAck: number;
  readonly queueGroups: number;
  /** For once, each with an entry of at most 1 KB, at any time of the day. */
  readonly schedulesPerDay: number;
  /** Who feeds the log, projects, consumes and fires. */
  readonly host: "lambda" | "worker";
  /** How long what follows is gathered into one batch, in seconds. */
  readonly gatherSeconds: number;
  /**
   * Open shards of the table's stream: each is read by itself. A new table takes 4,000 writes a second, 1,000 for each partition.
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
   */
  readonly streamShards: number;
  readonly invocationMs: number;
  readonly invocationMb: number;
  /** How long events are there already, in days: what is stored. */
  readonly retentionDays: number;
  /** Whether tables can be recovered to any point in time. */
  readonly recovery: boolean;
  /** Provisioned capacity, as a multiple of the average. */
  readonly peakFactor: number;
}

/**
 * Lambda asks each shard for records four times a second.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 */
const LAMBDA_GATHER_SECONDS = 0.25;

/** The pause of a worker between two looks at a shard in which nothing is written: its `maxIdleMs`. */
const WORKER_GATHER_SECONDS = 1;

/** A workload of nothing, with the defaults of all that was not said. */
export const DEFAULT_WORKLOAD: Workload = {
  eventsPerDay: 0,
  eventBytes: 300,
  eventsPerAppend: 1,
  eventsPerStream: 20,
  data: "words",
  reads: "stream",
  stateBytes: 300,
  projections: 1,
  documentsPerEvent: 1,
  documentBytes: 500,
  documents: 10_000,
  slots: 1,
  queueMessagesPerDay: 0,
  messageBytes: 300,
  messagesPerCall: 1,
  messagesPerAck: 1,
  queueGroups: 1,
  schedulesPerDay: 0,
  host: "lambda",
  gatherSeconds: LAMBDA_GATHER_SECONDS,
  streamShards: 4,
  invocationMs: 150,
  invocationMb: 512,
  retentionDays: 365,
  recovery: false,
  peakFactor: 4,
};

/** A workload from what is known of it. */
export function workloadOf(known: Partial<Workload>): Workload {
  const gatherSeconds = known.host === "worker" ? WORKER_GATHER_SECONDS : LAMBDA_GATHER_SECONDS;
  return { ...DEFAULT_WORKLOAD, gatherSeconds, ...known };
}
