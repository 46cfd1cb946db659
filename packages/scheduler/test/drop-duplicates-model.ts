import {
  type ControlStorage,
  type ControlUpdate,
  createMemoryControlStorage,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { dropDuplicatesWith } from "../src/receiver/drop-duplicates.ts";
import { RUN_GUARDS, type RunGuards } from "../src/receiver/run-store.ts";
import { type Mortal, Timeline } from "./timeline.ts";

/**
 * A random history of one occurrence that is delivered several times: invocations at once and one after the other, cut off at
 * their time, crashing anywhere, with clocks that differ and a storage whose replies are lost, late or never come.
 */

const INVOCATION_MS = 10_000;
/** Well below the margin. */
const MAX_SKEW_MS = 2_000;

interface Run {
  readonly number: number;
  readonly begunAt: number;
  readonly invocation: Invocation;
  endedAt: number | undefined;
}

interface Invocation extends Mortal {
  diedAt: number | undefined;
}

export interface DuplicatesReport {
  readonly problems: readonly string[];
  readonly runs: number;
}

/** Runs a history; the problems of an earlier one come again with its seed. */
export async function runDuplicates(
  seed: number,
  guards: Partial<RunGuards> = {},
): Promise<DuplicatesReport> {
  const world = new World(seed, { ...RUN_GUARDS, ...guards });
  const deliveries = Array.from({ length: 2 + world.time.upTo(3) }, () => world.deliver());
  await world.time.run(world.time.now + 120_000);
  world.isFaulty = false;
  await world.time.run();
  return { problems: [...world.problems, ...(await world.check(deliveries))], runs: world.runs.length };
}

class World {
  readonly time: Timeline;
  readonly problems: string[] = [];
  readonly runs: Run[] = [];
  isFaulty = true;
  #answeredAt: number | undefined;
  readonly #memory = createMemoryControlStorage();
  readonly #guards: RunGuards;

  constructor(seed: number, guards: RunGuards) {
    this.time = new Timeline(seed);
    this.#guards = guards;
  }

  /** Delivers the occurrence until there is an answer. */
  async deliver(): Promise<unknown> {
    await this.time.wait(this.time.upTo(3) === 0 ? 0 : this.time.upTo(60_000));
    for (;;) {
      const answer = await this.#invoke();
      if (answer !== undefined) return answer.result;
      await this.time.wait(500 + this.time.upTo(15_000));
    }
  }

  async check(deliveries: readonly Promise<unknown>[]): Promise<readonly string[]> {
    const results = new Set<unknown>();
    for (const delivery of deliveries) {
      results.add(
        await Promise.race([delivery, new Promise((resolve) => setImmediate(resolve, "no answer"))]),
      );
    }
    return results.size === 1 && !results.has("no answer") && !results.has(undefined)
      ? []
      : [`deliveries were answered with ${JSON.stringify([...results])}`];
  }

  /** One invocation; undefined when it fails, whatever way. */
  async #invoke(): Promise<{ readonly result: unknown } | undefined> {
    const { time } = this;
    const skewMs = time.upTo(2 * MAX_SKEW_MS) - MAX_SKEW_MS;
    const invocation: Invocation = { isDead: false, skewMs, diedAt: undefined };
    const deadline = time.now + INVOCATION_MS;
    const handler = dropDuplicatesWith(
      async () => this.#run(invocation),
      {
        storage: this.#storageOf(invocation),
        runtime: time.runtimeOf(invocation),
        logger: { warn: () => undefined, error: (_, message) => this.problems.push(message) },
      },
      this.#guards,
    );
    const context = { functionName: "f", getRemainingTimeInMillis: () => deadline - time.now };
    const ended = handler({ occurrenceId: "o" }, context).then(
      (result) => ({ result }),
      () => undefined,
    );
    const cut = time.wait(INVOCATION_MS).then(() => {
      this.#die(invocation);
      return undefined;
    });
    const answer = await Promise.race([ended, cut]);
    if (answer !== undefined) this.#answeredAt ??= time.now;
    return answer;
  }

  /** The handler's work. */
  async #run(invocation: Invocation): Promise<number> {
    const { time, runs } = this;
    const run: Run = { number: runs.length + 1, begunAt: time.now, invocation, endedAt: undefined };
    if (this.#answeredAt !== undefined) this.problems.push("a run was begun after one was answered");
    for (const { endedAt, invocation: other } of runs) {
      const isOver = endedAt !== undefined || other.isDead;
      if (!isOver) this.problems.push("two run at once");
    }
    runs.push(run);
    await time.wait(time.upTo(this.isFaulty ? 11_000 : 5_000), invocation);
    run.endedAt = time.now;
    if (this.isFaulty && time.random() < 0.15) throw new Error("The work failed.");
    return run.number;
  }

  #die(invocation: Invocation): void {
    invocation.isDead = true;
    invocation.diedAt ??= this.time.now;
  }

  #storageOf(invocation: Invocation): ControlStorage {
    const { time } = this;
    const memory = this.#memory;
    const lost = new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
    return {
      ...memory,
      update: async (update: ControlUpdate) => {
        await time.wait(time.upTo(40), invocation);
        const fate = this.isFaulty ? time.random() : 1;
        if (fate < 0.05) return this.#never(invocation);
        if (fate < 0.1) throw lost;
        if (fate < 0.15) {
          // On its way still, it arrives when nobody expects it any more.
          time.at(time.now + time.upTo(30_000), undefined, () => void memory.update(update));
          throw lost;
        }
        const outcome = await memory.update(update);
        if (fate < 0.2) throw lost;
        if (fate < 0.27) return this.#never(invocation);
        await time.wait(time.upTo(40), invocation);
        return outcome;
      },
    };
  }

  /** The invocation crashes. */
  #never(invocation: Invocation): Promise<never> {
    this.#die(invocation);
    return new Promise(() => undefined);
  }
}
