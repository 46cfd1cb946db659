/** The program of a job's process: the first argument is its name, the second its input as JSON. */
import {
  CONSUME_JOB,
  type ConsumeInput,
  ENQUEUE_JOB,
  type EnqueueInput,
  PRODUCE_JOB,
  type ProduceInput,
  WRITE_JOB,
  type WriteInput,
} from "../queue/queue-jobs.ts";
import { CREATE_JOB, type CreateInput, FIRE_JOB, type FireInput } from "../scheduler/scheduler-jobs.ts";
import type { FromJob, Job, ToJob } from "./job.ts";

/** Each job's input, by its name. */
export interface JobInputs {
  readonly enqueue: EnqueueInput;
  readonly consume: ConsumeInput;
  readonly produce: ProduceInput;
  readonly write: WriteInput;
  readonly createSchedules: CreateInput;
  readonly fireSchedules: FireInput;
}

const JOBS: { readonly [Name in keyof JobInputs]: Job<JobInputs[Name]> } = {
  enqueue: ENQUEUE_JOB,
  consume: CONSUME_JOB,
  produce: PRODUCE_JOB,
  write: WRITE_JOB,
  createSchedules: CREATE_JOB,
  fireSchedules: FIRE_JOB,
};

const stop = new AbortController();
let begin: (() => void) | undefined;
process.on("message", (message: ToJob) => {
  if (message === "begin") begin?.();
  else stop.abort();
});
// The benchmark lets go of it when it has the result, or when the benchmark itself has ended.
process.once("disconnect", () => process.exit());

const [name = "", input = ""] = process.argv.slice(2);
const job = JOBS[name as keyof JobInputs] as Job<unknown>;
const result = await job(JSON.parse(input), {
  async ready() {
    const begun = new Promise<void>((resolve) => (begin = resolve));
    await tell({ type: "ready" });
    await begun;
  },
  report: (figures) => tell({ type: "report", figures }),
  signal: stop.signal,
});
await tell({ type: "result", result });

function tell(message: FromJob): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
}
