import { setTimeout as sleep } from "node:timers/promises";
import { call, createScheduler, createSchedulerWorker } from "@tuppence/scheduler";
import { connectTo, type Database, openEmptyDatabase } from "../databases.ts";
import type { BenchSchedule, SchedulerContender } from "./scheduler-contender.ts";

/** How often it is looked whether the work is to end, in milliseconds. */
const LOOK_MS = 20;

/** Ours, as it comes: a function in the worker's process is the target. */
export const OUR_SCHEDULER: SchedulerContender = {
  name: "ours",
  label: "ours",
  facts: {
    durability: "DynamoDB",
    idle: "a worker asks DynamoDB twice a second for each shard; without one nothing runs, and doorbells that TTL removes wake a function",
  },
  async setUp({ dynamodb }) {
    const database = openEmptyDatabase(dynamodb);
    await createScheduler({ client: database.client }).ensureTables();
    return {
      place: JSON.stringify(database.connection),
      async [Symbol.asyncDispose]() {
        database[Symbol.dispose]();
      },
    };
  },
  async open(place) {
    const { client } = connectTo(JSON.parse(place) as Database["connection"]);
    const scheduler = createScheduler({ client, targets: { fire: call(() => undefined) } });
    return {
      async create(schedule) {
        await scheduler.schedule({ at: new Date(schedule.dueMs), target: "fire", payload: schedule });
      },
      async work({ signal, onFire }) {
        const fire = call<BenchSchedule>(({ payload }) => onFire(payload));
        await using worker = createSchedulerWorker({
          client,
          targets: { fire },
          onEvent: (event) => {
            if ("error" in event) console.error(event);
          },
        });
        worker.start();
        while (!signal.aborted) await sleep(LOOK_MS);
      },
      async [Symbol.asyncDispose]() {
        client.destroy();
      },
    };
  },
};
