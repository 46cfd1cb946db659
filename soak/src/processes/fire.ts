import { createSchedulerWorker } from "@tuppence/scheduler";
import { Journal } from "../journal.ts";
import { openPlace } from "../place.ts";
import { type Alarm, ALARMS_JOURNAL, LEASE_MS, type Work } from "./process-input.ts";
import { untilAborted } from "./until-aborted.ts";

/** Fires jobs. */
export const fire: Work = async ({ name, place, aheadMs = 0 }, signal) => {
  const { client, tablePrefix, targets, folder } = openPlace(place);
  const alarms = new Journal<Alarm>(folder, ALARMS_JOURNAL);
  const worker = createSchedulerWorker({
    client,
    tablePrefix,
    targets,
    workerId: name,
    leaseDurationMs: LEASE_MS,
    runtime: { now: () => Date.now() + aheadMs },
    onEvent(event) {
      if (event.type !== "parked" && event.type !== "targetMissing") return;
      const error = "error" in event ? String(event.error) : "";
      alarms.write({ by: name, what: `${event.type} ${event.id} ${error}` });
    },
  });
  worker.start();
  await untilAborted(signal);
  await worker.stop();
};
