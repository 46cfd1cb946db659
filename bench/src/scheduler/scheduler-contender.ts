import type { Servers } from "../servers.ts";

/** One of the schedulers that are measured beside each other. */
export interface SchedulerContender {
  /** Its key in the JSON. */
  readonly name: string;
  /** What tables call it. */
  readonly label: string;
  /** What it promises, for people. */
  readonly facts: Readonly<Record<string, string>>;
  /** With more workers it is not measured. Default: with any number. */
  readonly maxWorkers?: number | undefined;
  /** Makes an empty scheduler. */
  readonly setUp: (servers: Servers) => Promise<SchedulerPlace>;
  /** Opens it, in this process or another. */
  readonly open: (place: string) => Promise<OpenScheduler>;
}

/** An empty scheduler, which may go when it is disposed of. */
interface SchedulerPlace extends AsyncDisposable {
  /** For `open`. */
  readonly place: string;
}

interface OpenScheduler extends AsyncDisposable {
  /** Creates a one-off schedule; resolves once it is acknowledged. */
  readonly create: (schedule: BenchSchedule) => Promise<void>;
  /** Fires what is due until the signal is aborted. */
  readonly work: (options: WorkOptions) => Promise<void>;
}

export interface BenchSchedule {
  /** From 0: what comes back when it is fired. */
  readonly index: number;
  /** Epoch milliseconds. */
  readonly dueMs: number;
}

export interface WorkOptions {
  /** How many processes work, this one included. */
  readonly workers: number;
  readonly signal: AbortSignal;
  /** A handler that does nothing but be told: it begins now. */
  readonly onFire: (schedule: BenchSchedule) => void;
}
