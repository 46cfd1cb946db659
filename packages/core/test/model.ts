import { type ChainStorage, UncertainWriteError } from "../src/chain/storage.ts";
import { CHAIN_GUARDS, type ChainGuards, readSlots } from "../src/chain/tiling.ts";
import type { Item } from "../src/capacity/item-size.ts";
import { createCommandHandler } from "../src/command-handler.ts";
import { createCommitId } from "../src/commit-id.ts";
import { OutcomeUnknownError, VersionConflictError } from "../src/errors.ts";
import type { RecordedEvent } from "../src/events.ts";
import { createMemoryStorage } from "../src/memory/index.ts";
import type { Runtime } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";

/**
 * One random history of several processes on one stream, replayable from its seed: appends of all kinds, reads and
 * commands meet crashes, lost replies (applied, not applied, applied later), transactions that become visible item by
 * item, and retries. Afterwards the stored items are checked against what each caller was told.
 */

/** What is switched off, to see that the checks notice. */
export interface Sabotage {
  readonly guards?: Partial<ChainGuards> | undefined;
  /** Puts overwrite what is there. */
  readonly unconditional?: boolean | undefined;
  /** The items of a transaction are put one by one, and a crash may come between. */
  readonly splitTransactions?: boolean | undefined;
}

class Crash extends Error {}

type Random = () => number;

/** mulberry32 */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lets one waiting call go on at a time, chosen by chance: the whole history follows from the seed. */
class Turns {
  readonly #random: Random;
  #waiting: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async runUntil(done: Promise<unknown>): Promise<void> {
    let running = true;
    const ended = done.finally(() => {
      running = false;
    });
    while (running) {
      // Everything that can go on without a turn has gone on once a macrotask has passed.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      const [go] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1);
      go?.();
    }
    await ended;
  }
}

const STREAM = "model|1";
/** Small, so that appends of a few events need a transaction. */
const MAX_ITEM_BYTES = 700;

function faultyStorage(inner: ChainStorage, random: Random, turns: Turns, sabotage: Sabotage): ChainStorage {
  const put = async (items: readonly Item[]): Promise<Item | undefined> => {
    if (sabotage.unconditional) return overwrite(inner, items);
    if (!sabotage.splitTransactions) return inner.putNew(items, undefined);
    for (const item of items) {
      const inTheWay = await inner.putNew([item], undefined);
      if (inTheWay !== undefined) return inTheWay;
      if (items.length > 1 && random() < 0.2) throw new Crash();
    }
    return undefined;
  };
  /** Items of transactions that no reader sees yet. */
  const hidden = new Set<string>();
  const keyOf = (item: Item): string => `${item["p"]?.S}/${item["s"]?.N}`;
  const uncertain = (): UncertainWriteError =>
    new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
  return {
    async putNew(items) {
      await turns.next();
      const fate = random();
      if (fate < 0.05) throw new Crash();
      if (fate < 0.12) throw uncertain();
      if (fate < 0.16) {
        // It is on its way still, and arrives when nobody expects it any more.
        void turns.next().then(() => turns.next()).then(() => put(items));
        throw uncertain();
      }
      const inTheWay = await put(items);
      if (inTheWay === undefined && items.length > 1 && random() < 0.5) {
        for (const item of items.slice(random() < 0.5 ? 1 : 0, random() < 0.5 ? -1 : undefined)) {
          hidden.add(keyOf(item));
          void turns.next().then(() => hidden.delete(keyOf(item)));
        }
      }
      if (fate < 0.26) throw uncertain();
      if (fate < 0.3) throw new Crash();
      await turns.next();
      return inTheWay;
    },
    async query(range) {
      await turns.next();
      if (random() < 0.02) throw new Crash();
      // Pages end early, and a reader sees a prefix of what eventual consistency has brought it.
      const { items, more } = await inner.query({ ...range, limit: Math.min(range.limit ?? 4, 4) });
      const visible = items.filter((item) => !hidden.has(keyOf(item)));
      await turns.next();
      return visible.length === 0 && more ? inner.query(range) : { items: visible, more };
    },
    listNames: (category, page) => inner.listNames(category, page),
    ensureTables: () => inner.ensureTables(),
  };
}

async function overwrite(storage: ChainStorage, items: readonly Item[]): Promise<undefined> {
  for (const item of items) {
    const inTheWay = await storage.putNew([item], undefined);
    // The memory's items are its own to keep; taking the place of one is what the condition forbids.
    if (inTheWay !== undefined) Object.assign(inTheWay, { e: item["e"], n: item["n"], i: item["i"], o: item["o"], m: item["m"], g: item["g"] });
  }
}

/** What a caller was told about the events it asked to be appended. */
interface Told {
  readonly numbers: readonly number[];
  /** Undefined when the caller crashed, or gave up, without an answer. */
  readonly outcome: { readonly firstVersion: number } | "conflict" | undefined;
  readonly expected: number | string;
}

interface History {
  readonly told: Told[];
  readonly reads: { readonly events: readonly RecordedEvent[]; readonly acknowledgedBefore: number }[];
  acknowledged: number;
  problems: string[];
}

/** Runs one history; answers what went wrong in it, nothing if nothing did. */
export async function runHistory(seed: number, sabotage: Sabotage = {}): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const turns = new Turns(random);
  const memory = createMemoryStorage();
  let now = 1_000;
  const runtime: Runtime = { now: () => (now += Math.floor(random() * 5) - 1), random, sleep: () => turns.next() };
  const guards = { ...CHAIN_GUARDS, ...sabotage.guards };
  const open = (): EventStore =>
    createChainEventStore({
      storage: faultyStorage(memory, random, turns, sabotage),
      runtime,
      guards,
      maxItemBytes: MAX_ITEM_BYTES,
    });
  const history: History = { told: [], reads: [], acknowledged: 0, problems: [] };
  let nextNumber = 1;
  const workers = Array.from({ length: 3 + Math.floor(random() * 2) }, async () => {
    let store = open();
    for (let step = 0; step < 4; step++) {
      try {
        nextNumber = await takeStep({ store, open, runtime, random, history, nextNumber: () => nextNumber++ }).then(() => nextNumber);
      } catch (error) {
        // A crashed process starts anew, and has forgotten everything.
        if (error instanceof Crash) store = open();
        else history.problems.push(String(error));
      }
    }
  });
  await turns.runUntil(Promise.all(workers));
  const problems = [...history.problems, ...(await checkStored(memory, history))];
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}

interface Step {
  readonly store: EventStore;
  readonly open: () => EventStore;
  readonly runtime: Runtime;
  readonly random: Random;
  readonly history: History;
  readonly nextNumber: () => number;
}

async function takeStep(step: Step): Promise<void> {
  const kind = step.random();
  if (kind < 0.15) return read(step);
  if (kind < 0.35) return handle(step);
  if (kind < 0.6) return void (await Promise.all([append(step, "any"), append(step, "any"), append(step, "any")]));
  if (kind < 0.68) return append(step, "noStream");
  if (kind < 0.76) return append(step, "streamExists");
  if (kind < 0.9) {
    const { version } = await step.store.load(STREAM, { initialState: () => 0, evolve: (count) => count + 1 });
    return append(step, version);
  }
  return append(step, Math.floor(step.random() * 20));
}

async function read({ store, random, history }: Step): Promise<void> {
  const acknowledgedBefore = history.acknowledged;
  const events: RecordedEvent[] = [];
  const fromVersion = random() < 0.5 ? 1 : 1 + Math.floor(random() * 6);
  const backward = random() < 0.3;
  const options = backward ? ({ direction: "backward", toVersion: fromVersion } as const) : { fromVersion };
  for await (const event of store.read(STREAM, options)) events.push(event);
  const ordered = backward ? events.toReversed() : events;
  const first = ordered[0]?.version ?? fromVersion;
  if (first !== fromVersion) history.problems.push(`a read from ${fromVersion} began with ${first}`);
  history.reads.push({ events: ordered, acknowledgedBefore });
}

/** Appends one to three events; when the outcome is unknown or the process crashes, mostly asks again for it. */
async function append(step: Step, expectedVersion: number | "any" | "noStream" | "streamExists"): Promise<void> {
  const { random, history, nextNumber } = step;
  const numbers = Array.from({ length: 1 + Math.floor(random() * 4) }, nextNumber);
  const padding = "p".repeat(Math.floor(random() * 250));
  const events = numbers.map((number) => ({ type: "Numbered", data: { number, padding } }));
  const tell = (outcome: Told["outcome"]): void => {
    history.told.push({ numbers, outcome, expected: expectedVersion });
    if (typeof outcome === "object") {
      history.acknowledged = Math.max(history.acknowledged, outcome.firstVersion + numbers.length - 1);
    }
  };
  let commitId = random() < 0.4 ? createCommitId() : undefined;
  let store = step.store;
  for (let attempt = 0; attempt < 6; attempt++) {
    try {
      tell(await store.append(STREAM, events, { expectedVersion, commitId }));
      // A repetition after success has to change nothing either; `noStream` and numbers find it where it was.
      if (commitId !== undefined && random() < 0.3) {
        const again = await store.append(STREAM, events, { expectedVersion, commitId });
        if (!again.duplicate) history.problems.push("a repetition was not recognised");
      }
      return;
    } catch (error) {
      if (error instanceof VersionConflictError) return tell("conflict");
      if (error instanceof OutcomeUnknownError) commitId = error.commitId;
      else if (!(error instanceof Crash)) throw error;
      // Without an id of its own, what a crashed process had on its way can't be asked for.
      if (commitId === undefined) return tell(undefined);
      if (random() < 0.5) store = step.open();
    }
  }
  tell(undefined);
}

/** A command whose event says after how many events it was decided: it has to be right, or not be there. */
async function handle({ store, runtime, random, history, nextNumber }: Step): Promise<void> {
  const number = nextNumber();
  const handler = createCommandHandler({
    store,
    runtime,
    decider: {
      initialState: () => 0,
      evolve: (count) => count + 1,
      decide: (_: null, count) => ({ type: "Decided", data: { number, count } }),
    },
  });
  const commitId = random() < 0.5 ? createCommitId() : undefined;
  try {
    const { events } = await handler(STREAM, null, { commitId });
    const firstVersion = events[0]?.version ?? 0;
    history.told.push({ numbers: [number], outcome: { firstVersion }, expected: "handler" });
    history.acknowledged = Math.max(history.acknowledged, firstVersion);
  } catch (error) {
    const outcome = error instanceof VersionConflictError ? "conflict" : undefined;
    history.told.push({ numbers: [number], outcome, expected: "handler" });
    if (error instanceof Crash) throw error;
    if (!(error instanceof VersionConflictError || error instanceof OutcomeUnknownError)) throw error;
  }
}

async function checkStored(memory: ChainStorage, history: History): Promise<string[]> {
  const problems: string[] = [];
  const window = { chain: STREAM, from: 1, to: Number.MAX_SAFE_INTEGER, backward: false, consistency: "strong" } as const;
  const { items } = await memory.query(window);
  let next = 1;
  for (const item of items.map(readSlots)) {
    if (item.first > next) problems.push(`a gap before slot ${item.first}`);
    if (item.first < next) problems.push(`an overlap at slot ${item.first}`);
    next = item.last + 1;
  }
  if (problems.length > 0) return problems;
  const stored: RecordedEvent[] = [];
  try {
    for await (const event of createChainEventStore({ storage: memory }).read(STREAM)) stored.push(event);
  } catch (error) {
    return [...problems, String(error)];
  }
  const numberOf = (event: RecordedEvent): number => (event.data as { number: number }).number;
  const versionOf = new Map<number, number>();
  for (const event of stored) {
    if (versionOf.has(numberOf(event))) problems.push(`event ${numberOf(event)} is stored twice`);
    versionOf.set(numberOf(event), event.version);
    const { count } = event.data as { count?: number };
    if (count !== undefined && count !== event.version - 1) {
      problems.push(`version ${event.version} was decided after ${count} events`);
    }
  }
  for (const told of history.told) problems.push(...checkTold(told, versionOf));
  for (const { events, acknowledgedBefore } of history.reads) {
    problems.push(...checkRead(events, stored, acknowledgedBefore));
  }
  return problems;
}

function checkTold({ numbers, outcome, expected }: Told, versionOf: ReadonlyMap<number, number>): string[] {
  const versions = numbers.map((number) => versionOf.get(number));
  const label = `${numbers.join(", ")} (expected ${expected})`;
  if (outcome === "conflict") {
    return versions.every((version) => version === undefined) ? [] : [`${label}: refused, but stored at ${versions}`];
  }
  const problems: string[] = [];
  const first = versions[0];
  if (versions.some((version, index) => version !== (first === undefined ? undefined : first + index))) {
    problems.push(`${label}: not stored as one: ${versions}`);
  }
  if (outcome === undefined) return problems;
  if (first !== outcome.firstVersion) problems.push(`${label}: acknowledged at ${outcome.firstVersion}, stored at ${first}`);
  const wanted = expected === "noStream" ? 1 : typeof expected === "number" ? expected + 1 : first;
  if (first !== wanted) problems.push(`${label}: stored at ${first} instead of ${wanted}`);
  return problems;
}

function checkRead(events: readonly RecordedEvent[], stored: readonly RecordedEvent[], acknowledgedBefore: number): string[] {
  const [first] = events;
  if (first === undefined) return [];
  const problems: string[] = [];
  const last = events.at(-1) ?? first;
  const same = stored.slice(first.version - 1, last.version);
  if (JSON.stringify(same) !== JSON.stringify(events)) problems.push("a read differs from what is stored");
  if (last.version < acknowledgedBefore) problems.push(`a read ended at ${last.version} of ${acknowledgedBefore}`);
  const after = stored[last.version];
  if (after !== undefined && after.eventId.split("/")[0] === last.eventId.split("/")[0]) {
    problems.push(`a read ended inside a commit, at ${last.version}`);
  }
  return problems;
}
