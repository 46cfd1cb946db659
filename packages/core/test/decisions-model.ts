import { createCommitId } from "../src/commit-id.ts";
import { decideAcross } from "../src/decisions/decide-across.ts";
import { TransactConflictError } from "../src/conflict-errors.ts";
import { OutcomeUnknownError } from "../src/errors.ts";
import type { RecordedEvent } from "../src/events.ts";
import type { Runtime } from "../src/runtime.ts";
import type { EventStore } from "../src/store/event-store.ts";
import type { Sabotage } from "./faulty-storage.ts";
import { Crash, type Random } from "./history.ts";
import { createWorld, type Limits } from "./model.ts";
import { checkTransactions, type Payload, STREAMS, type Told } from "./transact-model.ts";

/**
 * Histories of processes that decide on a few streams at once, each replayable from its seed. Every event says which
 * decision it is of, and at which versions that one read the streams; so do refusals.
 */

/** What is switched off besides, to see that the checks notice. */
export interface DecisionSabotage extends Sabotage {
  /** What was read need not be so any more when the decision is stored. */
  readonly forgetsReads?: boolean | undefined;
  /** The decision's own events are not recognised when they are read. */
  readonly meetsNoOwn?: boolean | undefined;
  /** Refusals are believed. */
  readonly believesRefusals?: boolean | undefined;
}

/** Small, so that a part of a few events takes several items. */
const LIMITS: Limits = { maxItemBytes: 900, knownChains: 2 };

export interface DecisionSubject {
  readonly open: () => EventStore;
  readonly random: Random;
  readonly sabotage?: DecisionSabotage | undefined;
  readonly runtime: Pick<Runtime, "random" | "sleep">;
  /** What the streams are called. Default: as in `STREAMS`. */
  readonly nameOf?: ((streamId: string) => string) | undefined;
}

/** The decider's own no. */
class Refusal extends Error {}

/** The decisions that a stream tells of. */
const decisions = {
  initialState: (): readonly number[] => [],
  evolve: (found: readonly number[], event: RecordedEvent): readonly number[] => [
    ...found,
    (event.data as Payload).transaction,
  ],
};

/** Runs the processes and says what was told; `checkTransactions` judges it. */
export async function runDecisions(subject: DecisionSubject): Promise<Told[]> {
  const { random, sabotage = {} } = subject;
  const told: Told[] = [];
  let last = 0;
  const open = (): EventStore => sabotaged(subject.open(), sabotage);
  const processes = Array.from({ length: 3 }, async () => {
    let store = open();
    for (let step = 0; step < 5; step++) {
      const transaction = ++last;
      const decision = newDecision(transaction, subject);
      let commitId = random() < 0.7 ? createCommitId() : undefined;
      let outcome: Told["outcome"] = "unknown";
      let saw: Told["saw"];
      /** Whether an earlier try may be on its way still, and arrive after this one was refused. */
      let isUncertain = false;
      for (let tries = 0; tries < 6 && outcome === "unknown"; tries++) {
        try {
          const { appends } = await decideAcross(store, decision.decide, {
            commitId,
            runtime: subject.runtime,
            verifyRefusals: !sabotage.believesRefusals,
          });
          outcome = appends.length === 0 ? "refused" : "stored";
          if (outcome === "refused") saw = decision.saw();
          if (!decision.isWhole(appends)) outcome = new Error(`decision ${transaction} has another result`);
        } catch (error) {
          if (error instanceof Refusal) [outcome, saw] = ["refused", decision.saw()];
          else if (error instanceof TransactConflictError && !error.retryable) outcome = "unknown";
          else if (error instanceof OutcomeUnknownError) ({ commitId } = error);
          else if (!(error instanceof Crash)) outcome = error as Error;
          // Without an id, what was on its way can't be asked for.
          if (commitId === undefined || error instanceof TransactConflictError) break;
          isUncertain = true;
          if (random() < 0.5) store = open();
        }
      }
      if (outcome === "refused" && isUncertain) outcome = "unknown";
      told.push({ transaction, outcome, saw });
    }
  });
  await Promise.all(processes);
  return told;
}

interface TestDecision {
  readonly decide: Parameters<typeof decideAcross>[1];
  /** Whether a result has all that this decision wrote in one of its attempts, and nothing else. */
  readonly isWhole: (
    appends: readonly { readonly streamId: string; readonly events: readonly RecordedEvent[] }[],
  ) => boolean;
  /** What the last decision read. */
  readonly saw: () => Readonly<Record<string, number>>;
}

/** Reads one to three streams, in any order, and writes to at least one of them; refuses now and then. */
function newDecision(
  transaction: number,
  { random, nameOf = (name) => name }: DecisionSubject,
): TestDecision {
  const some = STREAMS.filter(() => random() < 0.75);
  const streams = (some.length === 0 ? STREAMS.slice(0, 1) : some).toSorted(() => random() - 0.5);
  const isParallel = random() < 0.5;
  const versionOnly = streams.map((_, index) => index > 0 && random() < 0.2);
  let at: Record<string, number> = {};
  return {
    saw: () => at,
    isWhole: (appends) =>
      appends.every(({ events }) =>
        events.every(({ data }) => {
          const { transaction: own, parts } = data as Payload;
          const written = appends.map(({ streamId }) => streamId).join();
          return own === transaction && written === parts.map(nameOf).join();
        }),
      ),
    async decide({ load, versionOf }) {
      at = {};
      let isDone = false;
      const read = async (streamId: string, index: number): Promise<void> => {
        const name = nameOf(streamId);
        if (!versionOnly[index]) {
          const found = await load(name, decisions);
          isDone ||= found.includes(transaction);
        }
        at[streamId] = await versionOf(name);
      };
      if (isParallel) await Promise.all(streams.map(read));
      else for (const [index, streamId] of streams.entries()) await read(streamId, index);
      const kind = random();
      if (isDone) throw new Error(`decision ${transaction} is decided again after its own events`);
      if (kind < 0.12) throw new Refusal();
      if (kind < 0.2) return [];
      const others = STREAMS.filter((each) => !streams.includes(each) && random() < 0.3);
      const parts = [...streams.filter((_, index) => index === 0 || random() < 0.6), ...others];
      const data: Payload = { transaction, parts, at, padding: "p".repeat(Math.floor(random() * 300)) };
      return parts.map((streamId) => ({
        streamId: nameOf(streamId),
        events: Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({ type: "Moved", data })),
        close: random() < 0.02,
      }));
    },
  };
}

function sabotaged(store: EventStore, { forgetsReads, meetsNoOwn }: DecisionSabotage): EventStore {
  return {
    ...store,
    transact: (writes, options) =>
      forgetsReads && writes.length > 0
        ? store.transact(
            writes.map((write) => ({ ...write, expectedVersion: "any" as const })),
            {
              ...options,
              checks: [],
            },
          )
        : store.transact(writes, options),
    load: (streamId, fold, options) =>
      store.load(
        streamId,
        meetsNoOwn
          ? { ...fold, evolve: (state, event) => fold.evolve(state, { ...event, eventId: "" }) }
          : fold,
        options,
      ),
  };
}

/** Runs one history in memory; answers what went wrong in it, nothing if nothing did. */
export async function runDecisionHistory(
  seed: number,
  sabotage: DecisionSabotage = {},
): Promise<readonly string[]> {
  const world = createWorld(seed, sabotage, LIMITS);
  const told = await world.run(runDecisions({ ...world, sabotage }));
  const problems = await checkTransactions(world.calmStore, told);
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}
