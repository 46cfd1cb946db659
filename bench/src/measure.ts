/**
 * Measuring that is fair to both sides on a machine that does other things as well: the sides run in turn, each
 * round starts with another one, and what counts is the median over the rounds and of the ratios within a round.
 */

/** Figures by their names; the same names on every side. */
export type Figures = Readonly<Record<string, number>>;

export interface Load {
  /** How many operations there are in all, at most. */
  readonly operations: number;
  /** How many are under way at a time: so many workers, each of which waits for its own. */
  readonly concurrency: number;
  /** No operation is begun after that many seconds, for slow machines. Default: no limit. */
  readonly maxSeconds?: number;
}

export interface Measured {
  readonly seconds: number;
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of this process, user and system, in milliseconds. */
  readonly cpuMsPerOperation: number;
}

/** Does the operations of a load and measures them: worker w does the operations w, w + concurrency, … */
export async function measure(
  { operations, concurrency, maxSeconds = Number.POSITIVE_INFINITY }: Load,
  operation: (index: number, worker: number) => Promise<unknown>,
): Promise<Measured> {
  const latenciesMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + maxSeconds * 1_000;
  const work = async (worker: number): Promise<void> => {
    let begunAt = startedAt;
    for (let index = worker; index < operations && begunAt < endsAt; index += concurrency) {
      await operation(index, worker);
      const doneAt = performance.now();
      latenciesMs.push(doneAt - begunAt);
      begunAt = doneAt;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, worker) => work(worker)));
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const done = latenciesMs.length;
  latenciesMs.sort((one, other) => one - other);
  return {
    seconds,
    operationsPerSecond: done / seconds,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
    cpuMsPerOperation: (cpu.user + cpu.system) / 1_000 / done,
  };
}

/** The nearest rank: the smallest of the sorted values that `percent` of them do not exceed. */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * Runs the sides one after the other, `rounds` times; every round starts with another side. A list for each side. No
 * round but the first is begun after `endsAt`, a moment of `performance.now()`.
 */
export async function inTurn(
  sides: readonly ((round: number) => Promise<Figures>)[],
  rounds: number,
  endsAt: number = Number.POSITIVE_INFINITY,
): Promise<Figures[][]> {
  const results = sides.map((): Figures[] => []);
  for (let round = 0; round < rounds && (round === 0 || performance.now() < endsAt); round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const side = (round + turn) % sides.length;
      const figures = await sides[side]?.(round);
      if (figures !== undefined) results[side]?.push(figures);
    }
  }
  return results;
}

/** The median of each figure over the rounds. */
export function medians(rounds: readonly Figures[] = []): Figures {
  return mapFigures(rounds[0] ?? {}, (_, name) => median(rounds.map((round) => round[name] ?? Number.NaN)));
}

/** For each figure the median of its ratios within a round: what disturbs a whole round cancels out. */
export function ratios(ours: readonly Figures[] = [], theirs: readonly Figures[] = []): Figures {
  return medians(
    ours.map((our, round) =>
      mapFigures(our, (value, name) => quotient(value, theirs[round]?.[name] ?? Number.NaN)),
    ),
  );
}

function mapFigures(figures: Figures, map: (value: number, name: string) => number): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, map(value, name)]));
}

function quotient(ours: number, theirs: number): number {
  return ours === theirs ? 1 : ours / theirs;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
