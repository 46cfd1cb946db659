import { type JobIntention, type JobOutcome, planJob } from "../jobs.ts";
import { openPlace } from "../place.ts";
import { takeSteps } from "../steps.ts";
import type { Work } from "./process-input.ts";

/** Schedules jobs, and cancels some of them. */
export const schedule: Work = async ({ name, seed, place, jobsWithinMs }, signal) => {
  const { scheduler, folder } = openPlace(place);
  await takeSteps<JobIntention, JobOutcome>(
    { folder, name },
    {
      seed,
      plan: (step, random, done) => planJob(random, { by: name, step, withinMs: jobsWithinMs }, done),
      async carryOut(step, intention) {
        if (intention.kind === "cancel") {
          return { answer: await scheduler.cancel(intention.id), atMs: Date.now() };
        }
        const { atMs, target, name: scheduleName } = intention;
        const payload = { by: name, step };
        const { id, fireAt } = await scheduler.schedule({ at: atMs, target, payload, name: scheduleName });
        return { id, fireMs: fireAt.getTime() };
      },
      mayAbandon: true,
      pauseMs: 200,
    },
    signal,
  );
};
