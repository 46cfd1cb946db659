import type { Figures } from "../measure.ts";

/** Work for a process of its own. It prepares, waits until it may begin, and says what it came to. */
export type Job<Input> = (input: Input, control: JobControl) => Promise<JobResult>;

interface JobControl {
  /** Says that all is prepared, and waits until the benchmark lets it begin. */
  readonly ready: () => Promise<void>;
  /** Says how far it is; resolves once that cannot be lost any more, were the process killed. */
  readonly report: (figures: Figures) => Promise<void>;
  /** Aborted when the benchmark has seen enough. */
  readonly signal: AbortSignal;
}

export interface JobResult {
  readonly figures: Figures;
  /** Each single one, where figures would not do. */
  readonly samples?: readonly number[];
}

/** What goes to a job's process. */
export type ToJob = "begin" | "stop";

/** What comes from it. */
export type FromJob =
  | { readonly type: "ready" }
  | { readonly type: "report"; readonly figures: Figures }
  | { readonly type: "result"; readonly result: JobResult };

/** Milliseconds on a clock that all processes of this machine share, and that nobody sets. */
export function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
