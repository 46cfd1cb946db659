import { createLogWorker } from "@tuppence/stream-adapter";
import { Journal } from "../journal.ts";
import { openPlace } from "../place.ts";
import { type Alarm, ALARMS_JOURNAL, LEASE_MS, type Work } from "./process-input.ts";
import { untilAborted } from "./until-aborted.ts";

/** Puts events into the global log. */
export const feedLog: Work = async ({ name, place }, signal) => {
  const { client, streams, tablePrefix, folder } = openPlace(place);
  const alarms = new Journal<Alarm>(folder, ALARMS_JOURNAL);
  const worker = createLogWorker({
    client,
    streams,
    tablePrefix,
    workerId: name,
    leaseDurationMs: LEASE_MS,
    onEvent(event) {
      if (event.type !== "gap" && event.type !== "failed") return;
      alarms.write({ by: name, what: `${event.type} ${JSON.stringify(event)}` });
    },
    onLate: (late) => alarms.write({ by: name, what: `late ${JSON.stringify(late)}` }),
  });
  worker.start();
  await Promise.race([untilAborted(signal), untilAborted(worker.failed)]);
  if (worker.failed.aborted) throw worker.failed.reason;
  await worker.stop();
};
