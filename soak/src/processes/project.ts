import { createProjectionWorker } from "@tuppence/projections";
import { Journal } from "../journal.ts";
import { openPlace } from "../place.ts";
import { allReadModels } from "../read-models.ts";
import { type Alarm, ALARMS_JOURNAL, LEASE_MS, type Work } from "./process-input.ts";
import { untilAborted } from "./until-aborted.ts";

/** Nothing that the projections meet gives reason for these. */
const ALARMING: readonly string[] = ["parked", "skipped", "halted"];

/** Runs all projections. */
export const project: Work = async ({ name, place }, signal) => {
  const { client, store, tablePrefix, folder } = openPlace(place);
  const alarms = new Journal<Alarm>(folder, ALARMS_JOURNAL);
  const worker = createProjectionWorker({
    client,
    tablePrefix,
    store,
    projections: allReadModels(folder),
    workerId: name,
    leaseDurationMs: LEASE_MS,
    onEvent(event) {
      if (!ALARMING.includes(event.type)) return;
      const error = "error" in event ? String(event.error) : "";
      alarms.write({ by: name, what: `${event.type} ${JSON.stringify(event)} ${error}` });
    },
  });
  worker.start();
  await untilAborted(signal);
  await worker.stop();
};
