import { createEventStore } from "@tuppence/core";
import pMap from "p-map";
import { expect, it, onTestFailed, onTestFinished } from "vitest";
import { createScheduler } from "../src/scheduler.ts";
import { all } from "./stopped-clock.ts";
import { configOf, connect } from "@tuppence/test-support/database";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { WorkerProcess } from "@tuppence/test-support/worker-crew";

const PROGRAM = new URL("scheduler-worker-process.mjs", import.meta.url);
const DATABASE = "schedulecrashes";
const SCHEDULES = 120;
const SPREAD_MS = 5_000;
const WORKERS = 2;
const KILLS = 3;
const LEASE_MS = 3_000;
/** A claim of one that was killed is over by then. */
const CLAIM_MS = 40_000;

/** Another with `SEED=…`. */
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

it("workers that are killed again and again lose nothing, and write nothing twice", {
  timeout: 120_000,
}, async () => {
  console.info(`Scheduler workers are killed by SEED=${seed}`);
  const random = seededRandom(seed);
  const client = connect(DATABASE);
  const store = createEventStore({ client });
  const accept = { kind: "any", fire: async (): Promise<void> => undefined };
  const scheduler = createScheduler({ client, targets: { say: accept, write: accept } });
  await Promise.all([scheduler.ensureTables(), store.ensureTables()]);
  const options = { config: configOf(DATABASE), leaseDurationMs: LEASE_MS };
  const workers: WorkerProcess[] = [];
  const start = (aheadMs = 0): WorkerProcess => {
    const program = { file: PROGRAM, options: { ...options, aheadMs } };
    const worker = new WorkerProcess(`worker${workers.length + 1}`, program);
    workers.push(worker);
    return worker;
  };
  onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.kill()))));
  onTestFailed(() => console.error(workers.flatMap(({ errors }) => errors).join("\n")));
  const running = Array.from({ length: WORKERS }, () => start());
  const numbers = Array.from({ length: SCHEDULES }, (_, payload) => payload);
  const scheduling = pMap(
    numbers,
    (payload) =>
      scheduler.schedule({
        in: 1_000 + Math.floor(random() * SPREAD_MS),
        target: payload % 2 === 0 ? "say" : "write",
        payload,
      }),
    { concurrency: 8 },
  );
  const said = (): number[] =>
    workers.flatMap(({ lines }) =>
      lines.flatMap((line) => (line.startsWith("fired") ? [Number(line.split(" ")[1])] : [])),
    );
  // When this many have been said, the next blow falls.
  for (let kill = 1; kill <= KILLS; kill++) {
    await expect
      .poll(() => said().length, { timeout: 40_000, interval: 20 })
      .toBeGreaterThan(((SCHEDULES / 2) * kill) / (KILLS + 2));
    const index = Math.floor(random() * running.length);
    await running[index]?.kill();
    running[index] = start();
  }
  const made = await scheduling;
  const lastDueMs = Math.max(...made.map(({ fireAt }) => fireAt.getTime()));
  await expect.poll(() => Date.now(), { timeout: 20_000, interval: 50 }).toBeGreaterThan(lastDueMs + 1_000);
  await Promise.all(running.map((worker) => worker.kill()));
  // What they had claimed is claimed again by one for whom that time is over.
  const last = start(CLAIM_MS);
  await expect
    .poll(async () => (await all(scheduler.list())).length, { timeout: 60_000, interval: 200 })
    .toBe(0);
  await last.stop();
  expect([...new Set(said())].toSorted((one, other) => one - other)).toEqual(
    numbers.filter((each) => each % 2 === 0),
  );
  const odd = numbers.filter((each) => each % 2 === 1);
  const versions = await pMap(odd, async (each) => (await all(store.read(`fired|${each}`))).length, {
    concurrency: 8,
  });
  expect(versions).toEqual(odd.map(() => 1));
  const late = workers.flatMap(({ lines }) =>
    lines.flatMap((line) => (line.startsWith("fired") ? [Number(line.split(" ")[3])] : [])),
  );
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
});
