import { SYSTEM_RUNTIME } from "@tuppence/core";
import {
  type ControlChange,
  createLeaseGroup,
  createMemoryControlStorage,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it, vi } from "vitest";
import { LEASE_GROUP } from "../src/builds/names.ts";
import { defineProjection } from "../src/definition/define-projection.ts";
import { createProjections } from "../src/projections.ts";
import { PROJECTION_GUARDS } from "../src/run/guards.ts";
import type { ProjectionEvent } from "../src/run/projection-event.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import { StoredProjectionWorker } from "../src/worker/projection-worker.ts";
import { TimedRun } from "./timed-run.ts";

const isAboutFailure = (change: ControlChange): boolean =>
  "key" in change && change.key.partition.startsWith("PARKED|") && Number(change.set["attempts"]) > 1;

it("a late word that a replay failed does not park again what was handled since", async () => {
  const memory = createMemoryControlStorage();
  const written: object[] = [];
  /** What is on its way still, while its sender believes it lost. */
  let late: (() => ReturnType<typeof memory.transact>) | undefined;
  const control: typeof memory = {
    ...memory,
    async transact(changes, also) {
      if (late === undefined && changes.some(isAboutFailure)) {
        late = () => memory.transact(changes, []);
        throw new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
      }
      const outcome = await memory.transact(changes, []);
      if (outcome.applied) written.push(...also);
      return outcome;
    },
  };
  let isDown = true;
  const projection = defineProjection({
    name: "ledger",
    version: 1,
    mode: "transaction",
    maxAttempts: 1,
    handle(events) {
      if (isDown) throw new Error("It is down.");
      return events.map(({ position }) => ({
        Put: { TableName: "ledger", Item: { p: { N: String(position) } } },
      }));
    },
  });
  const store = createMemoryEventStore();
  const storage = createMemoryProjectionStorage(control);
  const events: ProjectionEvent[] = [];
  const worker = new StoredProjectionWorker({
    projections: [projection],
    store,
    storage,
    leases: createLeaseGroup({ storage: control, group: LEASE_GROUP, leaseDurationMs: 30_000 }),
    runtime: SYSTEM_RUNTIME,
    guards: PROJECTION_GUARDS,
    log: store.openLogReader({ pollIntervalMs: 10 }),
    checkpointIntervalMs: 20,
    parkedLookMs: 20,
    emit: (event) => events.push(event),
  });
  worker.start();
  await store.append("a|1", [{ type: "Added", data: {} }]);
  const projections = createProjections({ storage, store });
  const parked = async (): Promise<unknown[]> => {
    const all: unknown[] = [];
    for await (const event of projections.parked("ledger")) all.push(event);
    return all;
  };
  const until = (check: () => Promise<void> | void): Promise<void> => vi.waitFor(check, { timeout: 30_000 });
  await until(async () => expect(await parked()).toMatchObject([{ position: 1, attempts: 1 }]));
  await projections.replay("ledger");
  await until(async () => expect(await parked()).toMatchObject([{ attempts: 2, replay: undefined }]));
  isDown = false;
  await projections.replay("ledger");
  await until(() => expect(events.map(({ type }) => type)).toContain("replayed"));
  expect(await late?.()).toMatchObject({ applied: false });
  expect(await parked()).toEqual([]);
  expect(written.length).toBe(1);
  await worker.stop();
});

it("a replay that reads a log that does not show its event yet reads it again, and handles it", async () => {
  let isDown = true;
  const handled: number[] = [];
  let staleReads = 0;
  const projection = defineProjection({
    name: "mails",
    version: 1,
    maxAttempts: 1,
    react({ position }) {
      if (isDown) throw new Error("It is down.");
      handled.push(position);
    },
  });
  const run = new TimedRun([projection], {
    log: (log) => ({
      ...log,
      waitBeyond: (position, options) => log.waitBeyond(position, options),
      read: async (after, options) => {
        const page = await log.read(after, options);
        // As an eventually consistent read may: the log ends before the event.
        if (isDown || page.events.length === 0 || staleReads === 3) return page;
        staleReads += 1;
        return { ...page, events: [], position: after, caughtUp: true, characters: 0 };
      },
    }),
  });
  await run.append([{ streamId: "a|1" }]);
  await run.untilStored(1);
  isDown = false;
  await run.projections.replay("mails");
  await run.until(() => run.saidOf("replayed").length === 1);
  expect([handled, staleReads]).toEqual([[1], 3]);
  expect(run.saidOf("retrying").map(({ pauseMs }) => pauseMs)).toEqual([200, 200, 200]);
  expect(await run.parked("mails")).toEqual([]);
});
