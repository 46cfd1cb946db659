import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Figures } from "../measure.ts";
import type { FromJob, JobResult, ToJob } from "./job.ts";
import type { JobInputs } from "./run-job.ts";

/** A job in a process of its own, which ends with ours. */
export interface JobProcess extends AsyncDisposable {
  /** What it said last of how far it is. */
  readonly lastReport: () => Figures | undefined;
  /** Resolves when it has prepared. */
  readonly ready: Promise<void>;
  readonly begin: () => void;
  /** Asks it to stop; it does, and gives its result. */
  readonly stop: () => void;
  readonly result: Promise<JobResult>;
  /** Resolves when the process is gone, whether it has given a result or not. */
  readonly gone: Promise<unknown>;
}

/** No job is longer, in milliseconds: then it is killed. */
const MAX_JOB_MS = 600_000;

const PROGRAM = fileURLToPath(new URL("run-job.js", import.meta.url));

/** Starts a job. What it writes comes out on our standard error. */
export function startJob<Name extends keyof JobInputs>(name: Name, input: JobInputs[Name]): JobProcess {
  const child = fork(PROGRAM, [name, JSON.stringify(input)], {
    stdio: ["ignore", 2, "inherit", "ipc"],
    serialization: "advanced",
    timeout: MAX_JOB_MS,
    killSignal: "SIGKILL",
  });
  // Only when the channel is closed has all been heard that was said.
  const gone = Promise.all([once(child, "exit"), once(child, "disconnect")]);
  let lastReport: Figures | undefined;
  const heard = <Type extends FromJob["type"]>(type: Type): Promise<Extract<FromJob, { type: Type }>> =>
    new Promise((resolve, reject) => {
      child.on("message", (message: FromJob) => {
        if (message.type === type) resolve(message as Extract<FromJob, { type: Type }>);
      });
      void gone.then(() => reject(new Error(`The process of the job ${name} ended early.`)));
    });
  child.on("message", (message: FromJob) => {
    if (message.type === "report") lastReport = message.figures;
  });
  const ready = heard("ready").then(() => undefined);
  const result = heard("result").then((message) => {
    child.disconnect();
    return message.result;
  });
  // Of a job that is killed, nobody may be waiting for them.
  for (const promise of [ready, result]) promise.catch(() => undefined);
  // Of a process that is gone, its result tells.
  const tell = (message: ToJob): void => void child.send(message, () => undefined);
  return {
    lastReport: () => lastReport,
    ready,
    begin: () => tell("begin"),
    stop: () => tell("stop"),
    result,
    gone,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
