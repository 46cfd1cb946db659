import { createCommitId } from "../src/commit-id.ts";
import { TransactConflictError } from "../src/conflict-errors.ts";
import { OutcomeUnknownError } from "../src/errors.ts";
import type { EventDefinitions, RecordedEvent } from "../src/events.ts";
import type { EventStore } from "../src/store/event-store.ts";
import type { TransactCheck, TransactWrite } from "../src/store/write-options.ts";
import type { Sabotage } from "./faulty-storage.ts";
import { Crash, type Random } from "./history.ts";
import { createWorld, type Limits } from "./model.ts";

/**
 * Histories of processes that write to a few streams at once, each replayable from its seed. Every event says which
 * transaction it is of, and at which versions that one was told the streams have to be.
 */

/** What is switched off besides, to see that the checks notice. */
export interface TransactSabotage extends Sabotage {
  /** Transactions are retried under a new id. */
  readonly forgetsIds?: boolean | undefined;
}

export const STREAMS: readonly string[] = ["a", "b", "c"].map((name) => `transact|${name}`);

/** Small, so that a part of a few events takes several items. */
const LIMITS: Limits = { maxItemBytes: 900, knownChains: 2 };

export interface Payload {
  readonly transaction: number;
  /** The streams that it writes to. */
  readonly parts: readonly string[];
  /** Where streams had to be: written to or only checked. */
  readonly at: Readonly<Record<string, number>>;
  /** Keeps the part from fitting in one item, now and then. */
  readonly padding: string;
}

/** What a process was told of its transaction. */
export interface Told {
  readonly transaction: number;
  readonly outcome: "stored" | "refused" | "unknown" | Error;
  /** Where the streams were that a refusal rests on. */
  readonly saw?: Readonly<Record<string, number>> | undefined;
}

export interface TransactSubject {
  readonly open: () => EventStore;
  readonly random: Random;
  readonly sabotage?: TransactSabotage | undefined;
}

/** Runs the processes and says what was told; `checkTransactions` judges it. */
export async function runTransactions({ open, random, sabotage = {} }: TransactSubject): Promise<Told[]> {
  const told: Told[] = [];
  let last = 0;
  const processes = Array.from({ length: 3 }, async () => {
    let store = open();
    const attempt = async (plan: Plan): Promise<Told["outcome"]> => {
      let commitId = random() < 0.7 ? createCommitId() : undefined;
      for (let tries = 0; tries < 6; tries++) {
        try {
          await store.transact(plan.writes, { checks: plan.checks, commitId });
          return "stored";
        } catch (error) {
          if (error instanceof TransactConflictError) return "refused";
          if (error instanceof OutcomeUnknownError) commitId = error.commitId;
          else if (!(error instanceof Crash)) return error as Error;
          // Without an id, what was on its way can't be asked for.
          if (commitId === undefined) return "unknown";
          if (sabotage.forgetsIds) commitId = undefined;
          if (random() < 0.5) store = open();
        }
      }
      return "unknown";
    };
    for (let step = 0; step < 5; step++) {
      const transaction = ++last;
      let outcome: Told["outcome"] | undefined;
      const plan = await planOf(store, random, transaction).catch((error: Error) => {
        outcome = error instanceof Crash ? "unknown" : error;
      });
      if (plan !== undefined) outcome = await attempt(plan);
      told.push({ transaction, outcome: outcome ?? "unknown" });
    }
  });
  await Promise.all(processes);
  return told;
}

interface Plan {
  readonly writes: readonly TransactWrite<EventDefinitions>[];
  readonly checks: readonly TransactCheck[];
}

/** One to three streams; some at the version that they are read at, some at any, some only checked. */
async function planOf(store: EventStore, random: Random, transaction: number): Promise<Plan> {
  const chosen = STREAMS.filter(() => random() < 0.7);
  const streams = chosen.length === 0 ? STREAMS.slice(0, 1) : chosen;
  const at: Record<string, number> = {};
  const fold = { initialState: () => 0, evolve: (count: number) => count + 1 };
  for (const streamId of streams) {
    const kind = random();
    if (kind < 0.6) at[streamId] = (await store.load(streamId, fold)).version;
    else if (kind < 0.75) at[streamId] = Math.floor(random() * 8);
  }
  const isCheck = streams.map((streamId, index) => index > 0 && at[streamId] !== undefined && random() < 0.5);
  const parts = streams.filter((_, index) => !isCheck[index]);
  const padding = "p".repeat(Math.floor(random() * 300));
  const data: Payload = { transaction, parts, at, padding };
  return {
    writes: parts.map((streamId) => ({
      streamId,
      events: Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({ type: "Moved", data })),
      expectedVersion: at[streamId] ?? "any",
      close: random() < 0.02,
    })),
    checks: streams
      .filter((_, index) => isCheck[index])
      .map((streamId) => ({ streamId, expectedVersion: at[streamId] ?? "any" })),
  };
}

/** What is wrong with what is stored, given what was told. */
export async function checkTransactions(store: EventStore, told: readonly Told[]): Promise<string[]> {
  const problems: string[] = [];
  const streams = new Map<string, RecordedEvent[]>();
  for (const streamId of STREAMS) {
    const events: RecordedEvent[] = [];
    try {
      for await (const event of store.read(streamId)) events.push(event);
    } catch (error) {
      return [String(error)];
    }
    streams.set(streamId, events);
  }
  const payload = (event: RecordedEvent): Payload => event.data as Payload;
  const stored = new Map<
    number,
    { readonly payload: Payload; readonly streams: Map<string, RecordedEvent[]> }
  >();
  const ids = new Set<string>();
  for (const [streamId, events] of streams) {
    for (const event of events) {
      if (ids.has(event.eventId)) problems.push(`event id ${event.eventId} is there twice`);
      ids.add(event.eventId);
      const { transaction } = payload(event);
      const entry = stored.get(transaction) ?? { payload: payload(event), streams: new Map() };
      entry.streams.set(streamId, [...(entry.streams.get(streamId) ?? []), event]);
      stored.set(transaction, entry);
    }
  }
  for (const [
    transaction,
    {
      payload: { parts, at },
      streams: found,
    },
  ] of stored) {
    if (parts.some((part) => !found.has(part))) problems.push(`transaction ${transaction} is half written`);
    const commits = new Set([...found.values()].flat().map((event) => event.eventId.split("/")[0]));
    if (commits.size !== 1) problems.push(`transaction ${transaction} is stored ${commits.size} times`);
    for (const [part, events] of found) {
      const before = (events[0]?.version ?? 0) - 1;
      if (at[part] !== undefined && at[part] !== before)
        problems.push(
          `transaction ${transaction} is after version ${before} of ${part} instead of ${at[part]}`,
        );
    }
  }
  for (const { transaction, outcome } of told) {
    if (outcome instanceof Error) problems.push(String(outcome));
    if (outcome === "stored" && !stored.has(transaction)) problems.push(`transaction ${transaction} is lost`);
    if (outcome === "refused" && stored.has(transaction))
      problems.push(`transaction ${transaction} was refused, and is stored`);
  }
  const payloads = new Map([...stored].map(([transaction, each]) => [transaction, each.payload]));
  for (const [index, { saw }] of told.entries()) {
    if (saw !== undefined)
      payloads.set(-1 - index, { transaction: -1 - index, parts: [], at: saw, padding: "" });
  }
  const orders = [...streams].map(([streamId, events]) => ({
    streamId,
    versions: events.map((event) => payload(event).transaction),
  }));
  if (!isSerializable(payloads, orders)) problems.push("no order of the transactions explains what they saw");
  return problems;
}

/** Whether the transactions can be put in an order in which each stream was where each transaction says it was. */
function isSerializable(
  payloads: ReadonlyMap<number, Payload>,
  orders: readonly { readonly streamId: string; readonly versions: readonly number[] }[],
): boolean {
  const after = new Map<number, Set<number>>([...payloads.keys()].map((each) => [each, new Set()]));
  const precede = (first: number | undefined, second: number | undefined): void => {
    if (first !== undefined && second !== undefined && first !== second) after.get(first)?.add(second);
  };
  for (const { streamId, versions } of orders) {
    for (const [index, transaction] of versions.entries()) precede(versions[index - 1], transaction);
    for (const [transaction, { parts, at }] of payloads) {
      const seen = at[streamId];
      if (seen === undefined || parts.includes(streamId)) continue;
      const isEnd = seen <= versions.length && (seen === 0 || versions[seen - 1] !== versions[seen]);
      if (!isEnd) return false;
      precede(versions[seen - 1], transaction);
      precede(transaction, versions[seen]);
    }
  }
  const visited = new Map<number, "open" | "done">();
  const hasCycle = (node: number): boolean => {
    if (visited.get(node) !== undefined) return visited.get(node) === "open";
    visited.set(node, "open");
    const found = [...(after.get(node) ?? [])].some(hasCycle);
    visited.set(node, "done");
    return found;
  };
  return ![...after.keys()].some(hasCycle);
}

/** Runs one history in memory; answers what went wrong in it, nothing if nothing did. */
export async function runTransactHistory(
  seed: number,
  sabotage: TransactSabotage = {},
): Promise<readonly string[]> {
  const world = createWorld(seed, sabotage, LIMITS);
  const told = await world.run(runTransactions({ ...world, sabotage }));
  const problems = await checkTransactions(world.calmStore, told);
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}
