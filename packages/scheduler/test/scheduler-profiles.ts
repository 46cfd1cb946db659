/** What a history of schedules is like: drawn from its seed, or biased to bring up the moments at which a guard is needed. */
export interface Profile {
  /** Steps at each of which somebody does something, and how far they are apart at most, in milliseconds. */
  readonly steps: number;
  readonly stepMs: number;
  /** Whether steps may be days apart. */
  readonly hasLongSteps: boolean;
  /** Processes that schedule, and how their clocks are, and those of who fires. */
  readonly clients: number;
  readonly clock: "slow" | "any";
  readonly drainClock: "slow" | "any" | "fast";
  /** How much longer a change to a state is under way at most, in milliseconds. */
  readonly delays: Readonly<Record<string, number>>;
  /** Whether somebody does something while such a change is under way. */
  readonly meets: boolean;
  /** Of how many steps a process is frozen or killed, and a worker begins where there are less than two. */
  readonly meddling: number;
  readonly workers: number;
  /** Of how many puts of what follows an occurrence whoever made it dies. */
  readonly deaths: number;
  /** Of how many attempts fail. */
  readonly failures: number;
  readonly losesBells: boolean;
  /** How late TTL is at most, in milliseconds. */
  readonly ttlDelayMs: number;
  /** Of how many schedules are series, and of these may run beside each other. */
  readonly series: number;
  readonly allow: number;
  readonly misfire: "fireOnce" | "fireAll";
  /** The longest interval of a series, in whole minutes. */
  readonly maxInterval: number;
  /** When what is for once fires, in milliseconds from now. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of what is done: the rest pauses and resumes. */
  readonly schedules: number;
  readonly cancels: number;
  readonly moves: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What is drawn for a history. */
export function someProfile(random: () => number, drive: "bells" | "worker" | "both"): Profile {
  const isQuiet = random() < 0.5;
  const ttlDelayMs = isQuiet ? MINUTE / 6 : ([MINUTE, 20 * MINUTE][Math.floor(random() * 3)] ?? 72 * HOUR);
  const steps = isQuiet ? 3 + Math.floor(random() * 8) : 15 + Math.floor(random() * 30);
  return {
    ...(isQuiet ? QUIET : BUSY),
    steps,
    ttlDelayMs,
    hasLongSteps: drive === "bells" && ttlDelayMs > HOUR,
    losesBells: !isQuiet && random() < 0.5,
    drainClock: "any",
    delays: {},
    meets: false,
    meddling: 0.2,
    workers: 0.3,
    deaths: 0,
    failures: 0.05,
    allow: 0.5,
    misfire: "fireOnce",
    maxInterval: 12,
    fromMs: -15 * MINUTE,
    schedules: 0.6,
    cancels: 0.15,
    moves: 0.1,
  };
}

/**
 * One who schedules a little, with a slow clock: in minutes that are closed to others, whose doorbells have rung, and no later one makes up for what
 * is missing.
 */
const QUIET = { stepMs: MINUTE / 2, clients: 1, clock: "slow", series: 0, toMs: 0 } as const;

const BUSY = { stepMs: 2 * MINUTE, clients: 3, clock: "any", series: 0.25, toMs: 15 * MINUTE } as const;
