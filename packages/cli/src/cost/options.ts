import type { ArgsDef } from "citty";
import { UsageError } from "../shell/usage-error.ts";
import { MAX_EVENTS_PER_STREAM } from "./measure-sample.ts";
import { DEFAULT_WORKLOAD, type Workload, workloadOf } from "./workload.ts";

/** How a number of a workload is asked for. */
interface NumberOption {
  readonly description: string;
  /** Default 0. */
  readonly least?: number;
  /** Default: any. */
  readonly most?: number;
  /** Default: whole numbers only. */
  readonly hasFractions?: boolean;
}

type NumberName = {
  [Name in keyof Workload]: Workload[Name] extends number ? Name : never;
}[keyof Workload];

const NUMBERS: Readonly<Record<NumberName, NumberOption>> = {
  eventsPerDay: { description: "Events a day" },
  eventBytes: { description: "Bytes of an event's data, as JSON", least: 2, most: 300_000 },
  eventsPerAppend: { description: "Events of one append", least: 1, most: 1_000 },
  eventsPerStream: {
    description: "Events that a stream has in the end",
    least: 1,
    most: MAX_EVENTS_PER_STREAM,
  },
  stateBytes: { description: "Bytes of the state in a snapshot, as JSON", least: 2, most: 300_000 },
  projections: { description: "Projections of the log; with 0 there is no log" },
  documentsPerEvent: {
    description: "Documents of each projection that an event goes into",
    hasFractions: true,
  },
  documentBytes: { description: "Bytes of a document, as JSON", least: 2, most: 300_000 },
  documents: { description: "Documents of each projection", least: 1 },
  slots: { description: "Slots of each projection", least: 1 },
  queueMessagesPerDay: { description: "Messages a day in a queue" },
  messageBytes: { description: "Bytes of a message, as JSON", least: 2, most: 300_000 },
  messagesPerCall: { description: "Messages of one call that enqueues", least: 1, most: 1_000 },
  messagesPerAck: { description: "Messages that are acknowledged together", least: 1 },
  queueGroups: { description: "Consumer groups of the queue" },
  schedulesPerDay: { description: "Schedules a day, for once each" },
  gatherSeconds: {
    description: "Seconds in which what comes goes into one batch (default 0.25 for Lambda, 1 for workers)",
    hasFractions: true,
  },
  streamShards: { description: "Open shards of the table's stream", least: 1 },
  invocationMs: { description: "Milliseconds of an invocation of a function of ours" },
  invocationMb: { description: "Megabytes of such a function", least: 128, most: 10_240 },
  retentionDays: { description: "Days of which events are stored" },
  peakFactor: {
    description: "Provisioned capacity, as a multiple of the average",
    least: 1,
    hasFractions: true,
  },
};

const CHOICES = {
  data: { description: "What the data is like", values: ["words", "random"] },
  reads: { description: "What is read before an append", values: ["nothing", "stream", "snapshot"] },
  host: {
    description: "Who feeds the log, projects, consumes and fires",
    values: ["lambda", "worker"],
  },
} as const satisfies Partial<Record<keyof Workload, unknown>>;

/** The options that a workload is told by. */
export const WORKLOAD_ARGS: ArgsDef = {
  ...Object.fromEntries(
    Object.entries(NUMBERS).map(([name, { description }]) => {
      const value = DEFAULT_WORKLOAD[name as NumberName];
      const told = name === "gatherSeconds" ? description : `${description} (default ${value})`;
      return [kebabCase(name), { type: "string" as const, description: told, valueHint: "n" }];
    }),
  ),
  ...Object.fromEntries(
    Object.entries(CHOICES).map(([name, { description, values }]) => {
      const told = `${description}: ${values.join(", ")} (default ${DEFAULT_WORKLOAD[name as keyof typeof CHOICES]})`;
      return [name, { type: "string" as const, description: told }];
    }),
  ),
  recovery: { type: "boolean", description: "With point-in-time recovery of all tables" },
};

/** @throws UsageError for a value that can't be. */
export function workloadFrom(args: Readonly<Record<string, unknown>>): Workload {
  const known: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(NUMBERS)) {
    const text = args[kebabCase(name)];
    if (typeof text === "string") known[name] = numberFrom(kebabCase(name), text, option);
  }
  for (const [name, { values }] of Object.entries(CHOICES)) {
    const text = args[name];
    if (text === undefined) continue;
    if (!(values as readonly unknown[]).includes(text)) {
      throw new UsageError(`--${name} is ${JSON.stringify(text)}; it has to be ${values.join(", ")}.`);
    }
    known[name] = text;
  }
  if (args["recovery"] === true) known["recovery"] = true;
  return workloadOf(known);
}

function numberFrom(option: string, text: string, { least = 0, most, hasFractions }: NumberOption): number {
  const value = Number(text);
  const isNumber = hasFractions ? /^\d+(\.\d+)?$/.test(text) : /^\d+$/.test(text);
  const fits = Number.isFinite(value) && value <= Number.MAX_SAFE_INTEGER && value >= least;
  if (isNumber && fits && !(most !== undefined && value > most)) return value;
  const kind = hasFractions ? "a number" : "a whole number";
  const range = most === undefined ? `from ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`--${option} is ${JSON.stringify(text)}; it has to be ${kind} ${range}.`);
}

function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
