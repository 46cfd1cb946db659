import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Operation, OperationOutcome } from "../src/accounts.ts";
import type { ProblemKind } from "../src/audit/problems.ts";
import { planBlows } from "../src/blows.ts";
import { type Called, CALLED_JOURNAL, type JobIntention, type JobOutcome } from "../src/jobs.ts";
import { Journal } from "../src/journal.ts";
import { type Handled, HANDLED_JOURNAL } from "../src/letters.ts";
import { type Notice, NOTICES_JOURNAL } from "../src/read-models.ts";
import { runSoak, type Soak } from "../src/run-soak.ts";
import { readSteps } from "../src/steps.ts";
import { PLANTS } from "./plants.ts";

/** Another with `SEED=…`. */
const seed = Number(process.env["SEED"] ?? 14);
const sizes = { writer: 1, log: 1, projector: 1, producer: 2, consumer: 1, creator: 1, firing: 1 };
const plan = { seed, durationMs: 4_000, everyMs: 500, sizes };

/** What one who was killed had claimed is free then. */
const aheadMs = 40_000;

/** Whether there is something of everything. */
function isEnough(folder: string): boolean {
  const writes = readSteps<Operation, OperationOutcome>(folder, "writer-0");
  const kinds = new Set(
    writes.map(({ intention, outcome }) => outcome && "stored" in outcome && intention.kind),
  );
  const jobs = readSteps<JobIntention, JobOutcome>(folder, "creator-0");
  const answers = jobs.map(({ outcome }) => outcome && "answer" in outcome && outcome.answer);
  const calls = new Set(new Journal<Called>(folder, CALLED_JOURNAL).read().map(({ by }) => by));
  const targets = new Set(jobs.map(({ intention }) => intention.kind === "schedule" && intention.target));
  return (
    (["deposit", "spread", "withdraw", "send"] as const).every((kind) => kinds.has(kind)) &&
    ["call", "append", "enqueue"].every((target) => targets.has(target)) &&
    answers.includes("cancelled") &&
    calls.size === 2 &&
    new Journal<Handled>(folder, HANDLED_JOURNAL).read().length >= 20 &&
    new Journal<Notice>(folder, NOTICES_JOURNAL).read().length >= 2
  );
}

let soak: Soak;

beforeAll(async () => {
  // It kills its server: one of its own.
  vi.stubEnv("DYNAMODB_ENDPOINT", undefined);
  console.info(`A soak by SEED=${seed}`);
  soak = await runSoak({ ...plan, isEnough, aheadMs, jobsWithinMs: 1_500, patienceMs: 90_000 });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await soak?.[Symbol.asyncDispose]();
  if (soak !== undefined) await rm(soak.folder, { recursive: true });
});

it("plans the same blows for the same seed", () => {
  expect(planBlows(plan)).toEqual(planBlows(plan));
  expect(planBlows(plan)).not.toEqual(planBlows({ ...plan, seed: seed + 1 }));
});

it("comes to rest after all blows, and everything is as it was acknowledged", async () => {
  const { problems, counts } = await soak.audit();
  expect(soak.unrest).toEqual([]);
  expect(problems).toEqual([]);
  const { "steps abandoned": _, "steps tried again": _again, "writes refused": _refused, ...done } = counts;
  expect(Object.entries(done).filter(([, count]) => count === 0)).toEqual([]);
  console.info(JSON.stringify({ ...soak.blows, ...counts, restMs: soak.restMs }));
});

describe("the audit finds", () => {
  it.each(PLANTS)("$what", async ({ plant, kinds }) => {
    const restore = await plant(soak);
    try {
      const { problems } = await soak.audit();
      const found = new Set<ProblemKind>(problems.map(({ kind }) => kind));
      expect([...found]).toEqual(expect.arrayContaining([...kinds]));
    } finally {
      await restore();
    }
  });

  it("nothing, once all of that is put back", async () => {
    expect((await soak.audit()).problems).toEqual([]);
  });
});
