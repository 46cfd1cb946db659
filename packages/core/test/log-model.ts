import type { Item } from "../src/capacity/item-size.ts";
import type { ChainStorage } from "../src/chain/storage.ts";
import { CHAIN_GUARDS, readSlots } from "../src/chain/tiling.ts";
import { LOG, readPage } from "../src/log/page.ts";
import {
  createChainSequencer,
  type LateCommit,
  type Sequencer,
  SEQUENCER_GUARDS,
  type SequencerGuards,
} from "../src/log/sequencer.ts";
import { createMemoryStorage } from "../src/memory/memory-storage.ts";
import type { Runtime } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { faultyStorage, Turns } from "./faulty-storage.ts";
import { type Random, seededRandom } from "./history.ts";

/**
 * Histories of writers, sequencers and readers, each replayable from its seed: records come twice, in other batches and
 * out of order, some never; sequencers crash and lose replies, and there are three at once.
 */

/** What is switched off, to see that the checks notice. */
export interface LogSabotage {
  readonly guards?: Partial<SequencerGuards> | undefined;
  /** Pages carry the newest time of their own commits only. */
  readonly timesNotCarried?: boolean | undefined;
  /** Readers take a page without those before it. */
  readonly stepsOverHoles?: boolean | undefined;
}

const STREAMS = ["a|1", "a|2", "b|1", "c|1"];
const SHARDS = 3;
const WRITERS = 3;
const SEQUENCERS = 3;
/** Clocks of writers are up to this far off, in milliseconds. */
const SKEW_MS = 1_000;
const LOOK_BACK_MS = 5_000;
/** Small, so that some appends take several items, and some pages have to name what does not fit. */
const MAX_ITEM_BYTES = 600;

interface World {
  readonly memory: ChainStorage;
  readonly random: Random;
  readonly turns: Turns;
  readonly runtime: Runtime;
  readonly shards: Shard[];
  readonly sabotage: LogSabotage;
  readonly late: LateCommit[];
  writing: number;
  /** How many sequencers are at work still: they end before a write that is under way for long arrives. */
  sequencing: number;
}

/** What the table's stream has of some of the streams. */
interface Shard {
  readonly records: Item[];
  /** How many of them are done. */
  done: number;
  /** How many of them somebody has read. */
  read: number;
}

/** Runs one history; answers what went wrong in it. */
export async function runLogHistory(seed: number, sabotage: LogSabotage = {}): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const turns = new Turns(random);
  let now = 1_000_000;
  const world: World = {
    memory: createMemoryStorage(),
    random,
    turns,
    runtime: {
      now: () => (now += Math.floor(random() * 50)),
      random,
      sleep: () => turns.next(),
      monotonic: () => now,
    },
    shards: Array.from({ length: SHARDS }, () => ({ records: [], done: 0, read: 0 })),
    sabotage,
    late: [],
    writing: WRITERS,
    sequencing: SEQUENCERS,
  };
  const readers = [readAlong(world), readAlong(world)];
  await turns.runUntil(
    Promise.all([
      ...Array.from({ length: WRITERS }, () => write(world).finally(() => world.writing--)),
      ...Array.from({ length: SEQUENCERS }, () => sequence(world).finally(() => world.sequencing--)),
      ...readers.map((reader) => reader.done),
    ]),
  );
  // What arrived late, by a write whose outcome was unknown for long, say.
  const calm = createChainSequencer({ storage: world.memory });
  for (const { records, done } of world.shards)
    world.late.push(...(await calm.sequence(records.slice(done))).late);
  const problems = await checkLog(world);
  for (const { seen } of readers) problems.push(...(await checkReader(world, seen)));
  problems.push(...(await checkCalmReader(world)));
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}

function pick<Element>(list: readonly Element[], index: number): Element {
  const element = list[index];
  if (element === undefined) throw new RangeError(`There is no element ${index}.`);
  return element;
}

/** The storage of one process, as the world has it. */
function open(world: World): ChainStorage {
  const { random, turns } = world;
  return faultyStorage(recorded(world), { random, turns, sabotage: {} });
}

/** What is written comes into a shard: each stream in one of them, neighbours at times in the wrong order. */
function recorded({ memory, shards, random }: World): ChainStorage {
  const record = (items: readonly Item[]): void => {
    for (const item of items) {
      const stream = STREAMS.indexOf(String(item["p"]?.S));
      if (stream === -1) continue;
      const { records, read } = pick(shards, stream % SHARDS);
      records.push(item);
      const last = records.length - 1;
      if (last - 1 >= read && random() < 0.15) records.splice(last - 1, 2, item, pick(records, last - 1));
    }
  };
  return {
    ...memory,
    async putNew(item, signal) {
      const found = await memory.putNew(item, signal);
      if (found === undefined) record([item]);
      return found;
    },
    async transact(transaction, signal) {
      const found = await memory.transact(transaction, signal);
      // The records of a transaction come apart, in any order.
      if (found === undefined) record(transaction.puts.toSorted(() => random() - 0.5));
      return found;
    },
  };
}

/** Appends to one or several streams, and gives up whenever anything goes wrong. */
async function write(world: World): Promise<void> {
  const { random, runtime } = world;
  const skew = Math.floor(random() * 2 * SKEW_MS) - SKEW_MS;
  const openStore = (): EventStore =>
    createChainEventStore({
      storage: open(world),
      runtime: { ...runtime, now: () => runtime.now() + skew },
      maxItemBytes: MAX_ITEM_BYTES,
    });
  let store = openStore();
  for (let append = 0; append < 8; append++) {
    const streamIds = STREAMS.filter(() => random() < 0.35);
    const events = () =>
      Array.from({ length: 1 + Math.floor(random() * 4) }, () => ({
        type: "Numbered",
        data: { text: String(random()).repeat(1 + Math.floor(random() * 12)) },
      }));
    try {
      if (streamIds.length > 1)
        await store.transact(streamIds.map((streamId) => ({ streamId, events: events() })));
      else await store.append(pick(STREAMS, Math.floor(random() * STREAMS.length)), events());
    } catch {
      // A crash, a conflict, an outcome that stays unknown: what is stored is what counts.
      store = openStore();
    }
  }
}

/** Works through the shards as a host does that crashes, is fed twice, and shares them with others. */
async function sequence(world: World): Promise<void> {
  const { random, shards, turns } = world;
  let sequencer = openSequencer(world);
  while (world.writing > 0 || shards.some((shard) => shard.done < shard.records.length)) {
    const shard = pick(shards, Math.floor(random() * SHARDS));
    const from = shard.done;
    const until = Math.min(shard.records.length, from + 1 + Math.floor(random() * 6));
    shard.read = Math.max(shard.read, until);
    const batch = shard.records.slice(from, until).filter((item) => !isTrimmed(world, item));
    if (from === until) {
      await turns.next();
      continue;
    }
    try {
      const { late } = await sequencer.sequence(batch);
      world.late.push(...late);
      // At times the progress is not saved, so the same comes again, in other batches.
      if (random() < 0.9) shard.done = Math.max(shard.done, until);
    } catch {
      sequencer = openSequencer(world);
    }
  }
}

function openSequencer(world: World): Sequencer {
  const { runtime, sabotage } = world;
  const storage = open(world);
  const guards = { ...SEQUENCER_GUARDS, lookBackMs: LOOK_BACK_MS, ...sabotage.guards };
  return createChainSequencer({
    storage: sabotage.timesNotCarried ? withOwnTimes(storage) : storage,
    runtime,
    guards,
    maxItemBytes: MAX_ITEM_BYTES,
  });
}

/** Some records are gone before anybody reads them. Their streams go on, so a later one tells of them. */
function isTrimmed({ shards }: World, item: Item): boolean {
  const { first, last } = readSlots(item);
  if (first % 7 !== 3) return false;
  const follows = (other: Item): boolean =>
    other["p"]?.S === item["p"]?.S && readSlots(other).first === last + 1;
  return shards.some(({ records, done }) => records.slice(done).some(follows));
}

function withOwnTimes(storage: ChainStorage): ChainStorage {
  return {
    ...storage,
    putNew: (item, signal) => {
      const own = Math.max(...readPage(readSlots(item)).map(({ source }) => source.t));
      return storage.putNew({ ...item, t: { N: String(own) } }, signal);
    },
  };
}

interface Reader {
  readonly seen: string[];
  readonly done: Promise<void>;
}

/** Follows the log from the start, with reads that miss pages, until nothing comes any more. */
function readAlong(world: World): Reader {
  const { random, runtime, sabotage } = world;
  const seen: string[] = [];
  const storage = open(world);
  const missing: ChainStorage = {
    ...storage,
    async query(range) {
      const page = await storage.query(range);
      if (range.consistency === "strong") return page;
      return { ...page, items: page.items.filter(() => random() > 0.3) };
    },
  };
  const store = createChainEventStore({
    storage: missing,
    runtime,
    guards: { ...CHAIN_GUARDS, fillsHoles: !sabotage.stepsOverHoles },
  });
  const follow = async (): Promise<void> => {
    let after = 0;
    for (;;) {
      try {
        const wasQuiet = world.sequencing === 0;
        for await (const { events, position, caughtUp } of store.subscribeAll({ fromPosition: after + 1 })) {
          for (const event of events) seen.push(`${event.position} ${event.streamId} ${event.version}`);
          after = position;
          if (caughtUp) break;
        }
        if (wasQuiet) return;
        await world.turns.next();
      } catch {
        // It crashed, and goes on after what it had seen.
      }
    }
  };
  return { seen, done: follow() };
}

async function itemsOf({ memory }: World, chain: string): Promise<readonly Item[]> {
  const all = {
    chain,
    from: 1,
    to: Number.MAX_SAFE_INTEGER,
    backward: false,
    consistency: "strong",
  } as const;
  return (await memory.query(all)).items;
}

/** What is in the log, one line for each event, page by page. */
async function logged(world: World): Promise<string[][]> {
  return (await itemsOf(world, LOG)).map((page) =>
    readPage(readSlots(page)).flatMap(({ source, position }) =>
      Array.from(
        { length: source.last - source.first + 1 },
        (_, index) => `${position + index} ${source.item["p"]?.S} ${source.first + index}`,
      ),
    ),
  );
}

async function checkLog(world: World): Promise<string[]> {
  const problems: string[] = [];
  const pages = await logged(world);
  const next = new Map<string, number>();
  const pageOf = new Map<string, number>();
  let position = 0;
  for (const [page, lines] of pages.entries()) {
    for (const line of lines) {
      const [at, streamId = "", version] = line.split(" ");
      position++;
      if (Number(at) !== position) problems.push(`position ${at} comes where ${position} should`);
      const event = `${streamId} ${version}`;
      if (pageOf.has(event)) problems.push(`${event} is in the log twice`);
      pageOf.set(event, page);
      const expected = next.get(streamId) ?? 1;
      if (Number(version) !== expected) problems.push(`${event} comes where version ${expected} should`);
      next.set(streamId, Math.max(expected, Number(version) + 1));
    }
  }
  for (const streamId of STREAMS) {
    /** The page that each commit, of all its streams, is in. */
    for (const item of await itemsOf(world, streamId)) {
      const { first, last, commitFirst } = readSlots(item);
      for (let version = first; version <= last; version++) {
        if (!pageOf.has(`${streamId} ${version}`)) problems.push(`${streamId} ${version} is not in the log`);
      }
      if (pageOf.get(`${streamId} ${first}`) !== pageOf.get(`${streamId} ${commitFirst}`)) {
        problems.push(`the commit of ${streamId} ${first} is in two pages`);
      }
      const parts = JSON.parse(item["w"]?.S ?? "[]") as [string, number, number][];
      for (const [other, version] of parts) {
        if (pageOf.get(`${other} ${version}`) !== pageOf.get(`${streamId} ${first}`)) {
          problems.push(`a transaction of ${streamId} ${first} and ${other} ${version} is in two pages`);
        }
      }
    }
  }
  if (world.late.length > 0) problems.push(`late: ${JSON.stringify(world.late)}`);
  return problems;
}

/** A reader may be behind; what it has seen begins as the log does. */
async function checkReader(world: World, seen: readonly string[]): Promise<string[]> {
  const all = (await logged(world)).flat();
  return seen.join() === all.slice(0, seen.length).join()
    ? []
    : ["a reader saw another order than the log's"];
}

async function checkCalmReader(world: World): Promise<string[]> {
  const store = createChainEventStore({ storage: world.memory });
  const read: string[] = [];
  for await (const { position, streamId, version } of store.readAll()) {
    read.push(`${position} ${streamId} ${version}`);
  }
  return read.join() === (await logged(world)).flat().join() ? [] : ["reading the log gives something else"];
}
