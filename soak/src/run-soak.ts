import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { auditPlace, type Audit } from "./audit/audit-place.ts";
import { type Blow, planBlows } from "./blows.ts";
import { Crew } from "./crew.ts";
import { Database } from "./database.ts";
import { beginSeries, conclude, operate } from "./operator.ts";
import { createTables, openPlace, type OpenPlace } from "./place.ts";
import { PRODUCING, ROLES, type Role } from "./processes/process-input.ts";
import { untilAtRest } from "./rest.ts";

export interface SoakOptions {
  readonly seed: number;
  /** How long there is work and there are blows, in milliseconds. */
  readonly durationMs: number;
  /** From one blow to the next, about, in milliseconds. Default 2,000. */
  readonly everyMs?: number | undefined;
  /** How many processes of each kind. Default: two, and one creator. */
  readonly sizes?: Readonly<Record<Role, number>> | undefined;
  /** Goes on without blows until there is enough. Default: at once. */
  readonly isEnough?: ((folder: string) => boolean) | undefined;
  /** How far ahead jobs are scheduled, in milliseconds. Default 15,000. */
  readonly jobsWithinMs?: number | undefined;
  /**
   * Once all jobs are due, those who fire get clocks that are so far ahead, in milliseconds, that claims of those who were killed are
   * over. Default: their end is waited for, 35 seconds.
   */
  readonly aheadMs?: number | undefined;
  /** How long it may take until everything is done, in milliseconds. Default 180,000. */
  readonly patienceMs?: number | undefined;
  readonly tell?: ((text: string) => void) | undefined;
}

/** A run that has ended, with its database still there. */
export interface Soak extends AsyncDisposable {
  readonly seed: number;
  /** Of the journals, and of the database. */
  readonly folder: string;
  /** How many of each kind, and of processes for each role. */
  readonly blows: Readonly<Record<string, number>>;
  /** Processes that were started. */
  readonly started: number;
  readonly restMs: number;
  /** Of how it came to an end: nothing if it did. */
  readonly unrest: readonly string[];
  readonly place: OpenPlace;
  audit(): Promise<Audit>;
}

const DEFAULT_SIZES: Readonly<Record<Role, number>> = {
  writer: 2,
  log: 2,
  projector: 2,
  producer: 2,
  consumer: 2,
  creator: 1,
  firing: 2,
};

const DEFAULT_EVERY_MS = 2_000;
/** How often it is looked whether there is enough, in milliseconds. */
const LOOK_MS = 200;

const DEFAULT_JOBS_WITHIN_MS = 15_000;
const DEFAULT_PATIENCE_MS = 180_000;

/** Runs everything at once, hits it, lets it come to rest, and stops it: then it can be looked at. */
export async function runSoak(options: SoakOptions): Promise<Soak> {
  const { seed, durationMs, everyMs = DEFAULT_EVERY_MS, sizes = DEFAULT_SIZES, tell } = options;
  const { jobsWithinMs = DEFAULT_JOBS_WITHIN_MS } = options;
  const folder = await mkdtemp(join(tmpdir(), `tuppence-soak-${seed}-`));
  const database = await Database.start(folder);
  try {
    const config = database.clientConfig();
    const place = openPlace({ config, folder });
    await createTables(place);
    await beginSeries(place);
    await using crew = new Crew({ place: { config, folder }, seed, sizes, jobsWithinMs });
    const blows = planBlows({ seed, durationMs, everyMs, sizes });
    await crew.begun();
    tell?.(`Seed ${seed}: ${blows.length} blows in ${durationMs / 1_000} s, in ${folder}`);
    const counts = await deal(blows, { durationMs, database, crew, place, tell });
    while (options.isEnough?.(folder) === false) await sleep(LOOK_MS);
    const stopped = await crew.stop(PRODUCING);
    const producedAt = performance.now();
    await conclude(place);
    if (options.aheadMs !== undefined) {
      // Only when nothing is to come: then nothing can be early.
      await sleep(jobsWithinMs);
      await crew.putAhead(options.aheadMs);
    }
    tell?.("Nothing new comes in.");
    const left = await untilAtRest(place, options.patienceMs ?? DEFAULT_PATIENCE_MS, tell);
    const restMs = Math.round(performance.now() - producedAt);
    const others = await crew.stop(ROLES.filter((role) => !PRODUCING.includes(role)));
    return {
      seed,
      folder,
      blows: counts,
      started: crew.started,
      restMs,
      unrest: [...stopped, ...left, ...others],
      place,
      audit: () => auditPlace(place, sizes),
      [Symbol.asyncDispose]: () => database.stop(),
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** How long what DynamoDB Local has acknowledged may take until it is on its disk, in milliseconds: what was lost was seen to be 2 ms old at most. */
const SETTLE_MS = 100;

/**
 * Kills the database, and starts it again. It acknowledges transactions a little before they are on its disk: so nobody writes for a moment before, and what is
 * under way then is done, with replies that nobody has read yet.
 */
async function killDatabase(database: Database, crew: Crew): Promise<void> {
  await crew.whileAllStand(async () => {
    await sleep(SETTLE_MS);
    await database.kill();
  });
  await database.restart();
}

interface Hit {
  readonly durationMs: number;
  readonly database: Database;
  readonly crew: Crew;
  readonly place: OpenPlace;
  readonly tell: ((text: string) => void) | undefined;
}

/** Deals the blows, each when it is due. Answers how many there were of each kind. */
async function deal(
  blows: readonly Blow[],
  { durationMs, database, crew, place, tell }: Hit,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
  const beganAt = performance.now();
  const until = (atMs: number): Promise<void> => sleep(Math.max(0, beganAt + atMs - performance.now()));
  const operated: Promise<void>[] = [];
  const givenUp = (kind: string, error: unknown): void => {
    count(`${kind} given up`);
    tell?.(`${kind} was given up: ${String(error)}`);
  };
  for (const blow of blows) {
    await until(blow.atMs);
    tell?.(`${(blow.atMs / 1_000).toFixed(1)} s: ${blow.kind} ${"name" in blow ? blow.name : ""}`);
    count(blow.kind);
    if ("name" in blow) count(`${blow.kind} ${blow.name.split("-")[0]}`);
    if (blow.kind === "kill") await crew.kill(blow.name);
    else if (blow.kind === "freeze") crew.freeze(blow.name, blow.forMs);
    else if (blow.kind === "killDatabase") await killDatabase(database, crew);
    else operated.push(operate(blow, place).catch((error: unknown) => givenUp(blow.kind, error)));
  }
  await until(durationMs);
  await Promise.all(operated);
  return counts;
}
