import { setTimeout as sleep } from "node:timers/promises";
import type { Benchmark, RunOptions, ScenarioResult } from "../benchmark.ts";
import { compareSides } from "../compare-sides.ts";
import { describeContenders } from "../describe-contenders.ts";
import { startCrew } from "../jobs/job-crew.ts";
import { type Figures, percentile } from "../measure.ts";
import { startPostgresServer } from "../postgres/postgres-server.ts";
import type { Servers } from "../servers.ts";
import type { SchedulerContender } from "./scheduler-contender.ts";
import { SCHEDULER_CONTENDERS } from "./scheduler-contenders.ts";
import { measureCosts } from "./scheduler-costs.ts";
import { measureIdle } from "./scheduler-idle.ts";

/** Schedulers: ours and pg-boss's delayed jobs; and what ours costs, at work and while there is nothing to do. */
export const schedulerBenchmark: Benchmark = {
  name: "scheduler",
  description: "One-off schedules in turn: how late they fire, spread over a minute and at the same instant",
  defaultRounds: 1,
  amount: {
    option: "schedules",
    default: 10_000,
    description: "How many are spread, over a minute for 10,000 of them; a fifth of them at the same instant",
  },
  async run(dynamodb, options) {
    await using postgres = await startPostgresServer();
    const servers = { dynamodb, postgres };
    const results: ScenarioResult[] = [describeContenders(SCHEDULER_CONTENDERS, servers, options)];
    for (const contender of SCHEDULER_CONTENDERS) await createAndFire(contender, servers, WARM_UP);
    for (const scenario of scenariosOf(options.amount))
      results.push(await compare(servers, scenario, options));
    // They count: neither minds the other.
    results.push(...(await Promise.all([measureCosts(dynamodb, options), measureIdle(dynamodb, options)])));
    return results;
  },
};

interface SchedulerScenario {
  readonly name: string;
  readonly schedules: number;
  /** From the first due time to the last; 0: all are due at the same instant. */
  readonly spreadMs: number;
  /** Processes that fire. */
  readonly workers: number;
}

/** Not measured: servers that have just begun are slow. */
const WARM_UP: SchedulerScenario = { name: "warm-up", schedules: 1_000, spreadMs: 0, workers: 1 };

/** 10,000 over a minute. */
const SPREAD_MS_EACH = 6;
const WORKERS = [1, 3];

/** Calls that create schedules under way at a time, in one process. */
const CONCURRENCY = 64;

/** The first is due so long after the creating began, and later by this much for each: a slow side gets done before. */
const LEAD_MS = 2_000;
const LEAD_MS_EACH = { spread: 0.5, burst: 3 };

/** How long after the last due time fires are waited for, in milliseconds. */
const LATEST_MS = 20_000;
const LOOK_MS = 20;

const HEADINGS = {
  p50Ms: "late p50 ms",
  p99Ms: "late p99 ms",
  maxMs: "late max ms",
  early: "early",
  missing: "missing",
  twice: "twice",
  createsPerSecond: "creates/s",
  createdLate: "created when due",
  firesPerSecond: "fires/s",
};

function scenariosOf(schedules: number): readonly SchedulerScenario[] {
  const burst = Math.ceil(schedules / 5);
  const kinds = [
    { name: "spread", schedules, spreadMs: schedules * SPREAD_MS_EACH },
    { name: "same instant", schedules: burst, spreadMs: 0 },
  ];
  return kinds.flatMap(({ name, ...kind }) =>
    WORKERS.map((workers) => ({
      ...kind,
      name: `${kind.schedules.toLocaleString("en-US")}, ${name}, ${workers} worker${workers === 1 ? "" : "s"}`,
      workers,
    })),
  );
}

async function compare(
  servers: Servers,
  scenario: SchedulerScenario,
  options: RunOptions,
): Promise<ScenarioResult> {
  const contenders = SCHEDULER_CONTENDERS.filter(
    ({ maxWorkers = scenario.workers }) => scenario.workers <= maxWorkers,
  );
  const sides = contenders.map((contender) => ({
    ...contender,
    run: () => createAndFire(contender, servers, scenario),
  }));
  const { name, ...details } = scenario;
  return compareSides({ name, headings: HEADINGS, sides, details }, options);
}

async function createAndFire(
  contender: SchedulerContender,
  servers: Servers,
  { schedules, spreadMs, workers }: SchedulerScenario,
): Promise<Figures> {
  await using setUp = await contender.setUp(servers);
  const side = { contender: contender.name, place: setUp.place };
  const firing = Array.from({ length: workers }, () => ({ ...side, workers }));
  const leadMs = LEAD_MS + schedules * (spreadMs > 0 ? LEAD_MS_EACH.spread : LEAD_MS_EACH.burst);
  const creating = { ...side, schedules, spreadMs, leadMs, concurrency: CONCURRENCY };
  await using workerCrew = startCrew("fireSchedules", firing);
  await using creatorCrew = startCrew("createSchedules", [creating]);
  await workerCrew.begin();
  await creatorCrew.begin();
  const [created] = await creatorCrew.results();
  const { createsPerSecond = Number.NaN, createdLate = Number.NaN, ...due } = created?.figures ?? {};
  const latestMs = (due["lastDueMs"] ?? 0) + LATEST_MS;
  while (workerCrew.reported("fired") < schedules && Date.now() < latestMs) await sleep(LOOK_MS);
  workerCrew.stop();
  const fired = (await workerCrew.results()).flatMap(({ samples = [] }) => samples);
  return { createsPerSecond, createdLate, ...lateness(fired, schedules, spreadMs) };
}

/** From numbers of schedules and how late they were, in turn. */
function lateness(fired: readonly number[], schedules: number, spreadMs: number): Figures {
  const indexes = new Set(fired.filter((_, place) => place % 2 === 0));
  const late = fired.filter((_, place) => place % 2 === 1).sort((one, other) => one - other);
  const maxMs = late.at(-1) ?? Number.NaN;
  return {
    p50Ms: percentile(late, 50),
    p99Ms: percentile(late, 99),
    maxMs,
    early: late.filter((ms) => ms < 0).length,
    missing: schedules - indexes.size,
    twice: late.length - indexes.size,
    // Of those that are spread, it only says how fast they become due.
    firesPerSecond: spreadMs > 0 ? Number.NaN : (late.length / maxMs) * 1_000,
  };
}
