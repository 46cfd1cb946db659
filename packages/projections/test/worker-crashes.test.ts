import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EventSourceMapping } from "@tuppence/local/lambda";
import { describe, expect, it, onTestFailed, onTestFinished, vi } from "vitest";
import { slotResource } from "../src/builds/names.ts";
import { feedLog } from "./log-feed.ts";
import { foldPermits, readLedger } from "./permit-models.ts";
import { logEnd, openTown, problemsOfTown, readLog, TABLE_PREFIX, type Town } from "./permit-town.ts";
import { writePermits } from "./permit-traffic.ts";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { SlotWatch } from "./slot-watch.ts";
import { WorkerCrew, WorkerProcess } from "@tuppence/test-support/worker-crew";

const WORKERS = 3;
const BLOWS = 4;
const CORRUPT_BLOW = 1;
const REBUILD_BLOW = 2;
const EVENTS_A_BLOW = 500;
const PERMITS = 40;
const PROGRAM = new URL("projection-worker-process.mjs", import.meta.url);
const PATIENCE = { timeout: 60_000, interval: 150 };

/** Another with `SEED=…`. */
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

async function feed({ config }: Town): Promise<EventSourceMapping> {
  const mapping = await feedLog(config, TABLE_PREFIX);
  onTestFinished(() => mapping.stop());
  return mapping;
}

/** Waits until all live builds are as far as this, and no other is being built. */
async function untilAllReached(town: Town, watch: SlotWatch, wanted: number): Promise<void> {
  await vi.waitFor(async () => {
    const [registrations, slots] = await Promise.all([town.projections.list(), watch.look()]);
    expect(registrations.length).toBe(5);
    for (const { name, live, next } of registrations) {
      expect(next).toBeUndefined();
      for (let slot = 0; slot < live.slots; slot++) {
        const resource = slotResource(name, live.number, slot);
        expect(slots.get(resource)?.position ?? 0).toBeGreaterThanOrEqual(wanted);
      }
    }
  }, PATIENCE);
}

/** The worker that owns most slots, as far as one can see from outside, or any. */
function victim(crew: WorkerCrew, watch: ReadonlyMap<string, { owner: string | undefined }>, random: number) {
  const owned = (name: string): number =>
    [...watch.values()].filter(({ owner }) => owner?.startsWith(`${name}/`)).length;
  const awake = crew.awake.toSorted((one, other) => owned(other.name) - owned(one.name));
  return awake[random < 0.7 ? 0 : Math.floor(random * awake.length)] as WorkerProcess;
}

describe("projection workers", () => {
  it("that are killed and frozen again and again leave read models that are folds of the log", {
    timeout: 600_000,
  }, async () => {
    console.info(`Projection workers are killed and frozen by SEED=${seed}`);
    const random = seededRandom(seed);
    const town = await openTown("projectioncrashes");
    const log = await feed(town);
    const { store, storage, projections } = town;
    const crew = new WorkerCrew(WORKERS, { file: PROGRAM, options: town.options });
    onTestFinished(() => crew.kill());
    const watch = new SlotWatch(storage.control);
    const tally = { kill: 0, freeze: 0 };
    const first = random() < 0.5 ? 0 : 1;
    onTestFailed(async () => {
      console.info(await projections.list(), await watch.look());
      for (const { name, lines, errors } of crew.all) console.info(name, lines.slice(-40), errors.slice(-40));
    });
    await untilAllReached(town, watch, 0);
    for (let blow = 0; blow < BLOWS; blow++) {
      const from = await logEnd(store);
      const writing = writePermits(store, { events: EVENTS_A_BLOW, permits: PERMITS, random });
      if (blow === CORRUPT_BLOW) {
        const data = { district: "Aegina", corrupt: true };
        await store.append("permit|0", [{ type: "InspectionDone", data }]);
      }
      if (blow === REBUILD_BLOW) {
        await Promise.all(["districts", "ledger"].map((name) => projections.rebuild(name)));
      }
      const at = from + Math.floor(random() * EVENTS_A_BLOW * 0.8);
      await vi.waitFor(async () => expect(await logEnd(store)).toBeGreaterThanOrEqual(at), PATIENCE);
      // Goes on with what others have now.
      crew.thaw();
      const kind = blow % 2 === first ? "kill" : "freeze";
      await crew.hit(victim(crew, await watch.look(), random()), kind);
      tally[kind] += 1;
      await writing;
      // Whoever took over is at work again; but the next blow is to meet the rebuild.
      if (blow !== REBUILD_BLOW) await untilAllReached(town, watch, from + EVENTS_A_BLOW * 0.3);
    }
    await log.whenCaughtUp();
    await untilAllReached(town, watch, await logEnd(store));
    const codes = await crew.stop();
    await watch.look();
    const { problems, events, letters } = await problemsOfTown(town);
    expect(problems).toEqual([]);
    const builds = (await projections.list()).map(({ name, live }) => [name, live.number]);
    expect(Object.fromEntries(builds)).toEqual({ files: 1, districts: 2, holders: 1, ledger: 2, letters: 1 });
    expect(watch.problems).toEqual([]);
    expect(codes).toEqual(Array.from({ length: WORKERS }, () => 0));
    const said = crew.all.flatMap((each) => each.lines);
    expect(said.filter((line) => /^(halted|skipped|registrationFailed)/.test(line))).toEqual([]);
    const count = (type: string): number => said.filter((line) => line.startsWith(type)).length;
    const again = letters.length - new Set(letters).size;
    const [started, lost, failed] = ["slotStarted", "lost", "runFailed"].map(count);
    console.info({ ...tally, events, letters: letters.length, again, started, lost, failed });
  });
});

/** What comes of it when a worker falls asleep with a transaction ready to be sent, and wakes up after others did its work. */
async function sleepAndWake(database: string, options: { readonly fences: boolean }) {
  const town = await openTown(database);
  const log = await feed(town);
  // Several batches for each slot: the first of them ends long before the log does.
  const traffic = { events: 240, permits: 20, random: seededRandom(seed) };
  await writePermits(town.store, traffic);
  await log.whenCaughtUp();
  const end = await logEnd(town.store);
  const common = { ...town.options, only: ["ledger"] };
  const freezeFile = join(town.folder, "asleep");
  const sleeper = new WorkerProcess("sleeper", {
    file: PROGRAM,
    options: { ...common, ...options, freezeFile },
  });
  onTestFinished(() => sleeper.kill());
  await vi.waitFor(() => expect(existsSync(freezeFile)).toBe(true), PATIENCE);
  const other = new WorkerProcess("other", { file: PROGRAM, options: common });
  onTestFinished(() => other.kill());
  const watch = new SlotWatch(town.storage.control);
  await vi.waitFor(async () => {
    const slots = [...(await watch.look()).values()];
    expect(slots.filter(({ position }) => position >= end).length).toBe(2);
  }, PATIENCE);
  const sums = () => readLedger(town, 1);
  const { ledger } = foldPermits(await readLog(town.store));
  expect(await sums()).toEqual(ledger);
  sleeper.thaw();
  const isSent = (line: string): boolean => line.startsWith("transaction ");
  await vi.waitFor(() => expect(sleeper.lines.filter(isSent)).not.toEqual([]), PATIENCE);
  const sent = sleeper.lines.find(isSent);
  await Promise.all([sleeper.stop(), other.stop()]);
  await watch.look();
  return { sent, sums: await sums(), ledger, problems: watch.problems };
}

describe("a worker that wakes up with a transaction in its hands", () => {
  it("can't make it, as its lease is not its own any more", async () => {
    const { sent, sums, ledger, problems } = await sleepAndWake("projectionsleeper", { fences: true });
    expect(sent).toBe("transaction TransactionCanceledException");
    expect(sums).toEqual(ledger);
    expect(problems).toEqual([]);
  });

  it("counts twice and moves the position back without a fence, and that is seen", async () => {
    const { sent, sums, ledger, problems } = await sleepAndWake("projectionunfenced", { fences: false });
    expect(sent).toBe("transaction accepted");
    expect(sums).not.toEqual(ledger);
    expect(problems).not.toEqual([]);
  });
});
