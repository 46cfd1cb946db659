import type { JobResult } from "./job.ts";
import { startJob } from "./job-process.ts";
import type { JobInputs } from "./run-job.ts";

/** Processes that do the same at the same time; they are gone when it is disposed of. */
export interface JobCrew extends AsyncDisposable {
  /** Waits until all have prepared, and lets them begin. */
  readonly begin: () => Promise<void>;
  /** A figure of their latest reports, added up. */
  readonly reported: (figure: string) => number;
  /** Asks them to stop. */
  readonly stop: () => void;
  /** Waits until all are gone, with a result or without. */
  readonly gone: () => Promise<void>;
  /** Waits until all have come to their ends. */
  readonly results: () => Promise<readonly JobResult[]>;
}

/** Starts a process for each input. */
export function startCrew<Name extends keyof JobInputs>(
  name: Name,
  inputs: readonly JobInputs[Name][],
): JobCrew {
  const jobs = inputs.map((input) => startJob(name, input));
  return {
    async begin() {
      await Promise.all(jobs.map(({ ready }) => ready));
      for (const job of jobs) job.begin();
    },
    reported: (figure) => jobs.reduce((total, job) => total + (job.lastReport()?.[figure] ?? 0), 0),
    stop() {
      for (const job of jobs) job.stop();
    },
    async gone() {
      await Promise.all(jobs.map(({ gone }) => gone));
    },
    results: () => Promise.all(jobs.map(({ result }) => result)),
    async [Symbol.asyncDispose]() {
      await Promise.all(jobs.map((job) => job[Symbol.asyncDispose]()));
    },
  };
}
