import type { Operation, OperationOutcome } from "../accounts.ts";
import type { JobIntention, JobOutcome } from "../jobs.ts";
import { Journal } from "../journal.ts";
import type { EnqueueOutcome, Letters } from "../letters.ts";
import type { OpenPlace } from "../place.ts";
import { type Alarm, ALARMS_JOURNAL, type Role } from "../processes/process-input.ts";
import { readSteps, type Step } from "../steps.ts";
import { checkChains } from "./check-chains.ts";
import { checkJobs } from "./check-jobs.ts";
import { checkLetters } from "./check-letters.ts";
import { checkLog } from "./check-log.ts";
import { checkReadModels } from "./check-read-models.ts";
import { checkStreams, readStreams } from "./check-streams.ts";
import { type Problem, Problems } from "./problems.ts";

export interface Audit {
  readonly problems: readonly Problem[];
  /** How many there are of what was looked at. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Holds all that is stored against the journals of a run that has come to rest. */
export async function auditPlace(place: OpenPlace, sizes: Readonly<Record<Role, number>>): Promise<Audit> {
  const problems = new Problems();
  const stepsOf = <Intention, Outcome>(role: Role): readonly Step<Intention, Outcome>[] =>
    Array.from({ length: sizes[role] }, (_, index) =>
      readSteps<Intention, Outcome>(place.folder, `${role}-${index}`),
    ).flat();
  for (const { by, what } of new Journal<Alarm>(place.folder, ALARMS_JOURNAL).read())
    problems.add("alarm", `${by}: ${what}`);
  const chains = await checkChains(place, problems);
  const names = chains.filter((name) => !name.startsWith("$"));
  const streams = await readStreams(place, names, problems);
  const writes = stepsOf<Operation, OperationOutcome>("writer");
  checkStreams(streams, writes, problems);
  const positions = await checkLog(place, streams, problems);
  const readModels = await checkReadModels(place, streams, problems);
  const calls = stepsOf<Letters, EnqueueOutcome>("producer");
  const letters = await checkLetters(place, calls, problems);
  const jobs = stepsOf<JobIntention, JobOutcome>("creator");
  const fired = await checkJobs(place, { streams, steps: jobs }, problems);
  const cancellations = jobs.filter(({ intention }) => intention.kind === "cancel");
  return {
    problems: problems.all,
    counts: {
      streams: names.length,
      "events in streams": [...streams.values()].flat().length,
      "writes acknowledged": writes.filter(({ outcome }) => outcome && "stored" in outcome).length,
      "writes refused": writes.filter(({ outcome }) => outcome && "refused" in outcome).length,
      "events in the log": positions,
      documents: readModels.documents,
      "builds of read models": readModels.builds,
      reactions: readModels.notices,
      "calls to enqueue acknowledged": calls.filter(({ outcome }) => outcome !== undefined).length,
      "letters in the queue": letters.letters,
      "letters handled outside of it": letters.handled,
      "jobs scheduled": jobs.filter(({ outcome }) => outcome && "id" in outcome).length,
      "cancellations answered": cancellations.filter(({ outcome }) => outcome !== undefined).length,
      ...Object.fromEntries(Object.entries(fired).map(([target, count]) => [`fired by ${target}`, count])),
      "steps tried again": [...writes, ...calls, ...jobs].filter(({ attempts }) => attempts > 1).length,
      "steps abandoned": [...writes, ...calls, ...jobs].filter(({ isAbandoned }) => isAbandoned).length,
    },
  };
}
