import type { Item, Runtime } from "@tuppence/core";
import {
  auditMemoryLog,
  type ChainStorage,
  createMemoryEventStore,
  createMemorySequencer,
  createMemoryStorage,
} from "@tuppence/core/memory";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { decodeRecord } from "../src/decode-record.ts";
import { logRecordsHandler } from "../src/log/log-records-handler.ts";
import { repairOnce } from "../src/log/repair-once.ts";
import { PollingWorker, type StreamWorker } from "../src/worker/stream-worker.ts";
import { WORKER_GUARDS, type WorkerGuards } from "../src/worker/worker-guards.ts";
import { collect, nothingWritten, problemsOf, writeOnce, type Written } from "./log-traffic.ts";
import { MemoryLeases } from "./memory-leases.ts";
import { NO_FAULTS, StreamsModel } from "./streams-model.ts";
import { VirtualTime } from "./virtual-time.ts";

/**
 * Histories of a store, its table's stream and the workers that keep its log: shards split and roll over, parts of
 * transactions come apart, records are trimmed, workers crash, freeze and go on without their leases. Each follows from
 * its seed.
 */

/** What is switched off, to see that the checks notice. */
export interface LogSabotage {
  readonly guards?: Partial<WorkerGuards> | undefined;
  /** Gaps are not repaired. */
  readonly leavesGaps?: boolean | undefined;
}

const STEPS = 40;
/** Virtual time in which the log has to be whole once nothing goes wrong any more. */
const SETTLE_MS = 300_000;

interface World {
  readonly random: () => number;
  readonly time: VirtualTime;
  readonly memory: ChainStorage;
  readonly model: StreamsModel;
  readonly leases: MemoryLeases;
  readonly sabotage: LogSabotage;
  readonly written: Written;
  readonly problems: string[];
  isCalm: boolean;
  trimmed: number;
  processes: number;
}

interface Process {
  readonly worker: StreamWorker;
  readonly dead: AbortController;
}

/** Runs one history; answers what is wrong with its log. */
export async function runLogHistory(seed: number, sabotage: LogSabotage = {}): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const time = new VirtualTime(random);
  const world: World = {
    random,
    time,
    memory: createMemoryStorage(),
    model: new StreamsModel({ random, now: () => time.now }),
    leases: new MemoryLeases(),
    sabotage,
    written: nothingWritten(),
    problems: [],
    isCalm: false,
    trimmed: 0,
    processes: 0,
  };
  world.model.enable(1 + Math.floor(random() * 3));
  world.model.faults = { ...NO_FAULTS, throttle: 0.02, failure: 0.02, expiredIterator: 0.05, shortPage: 0.5 };
  world.leases.faults = { steal: 0.03, handOver: 0.05, failure: 0.03 };
  try {
    await time.run(live(world), SETTLE_MS + 600_000);
    await check(world);
  } catch (error) {
    world.problems.push(String(error));
  }
  return world.problems.map((problem) => `seed ${seed}: ${problem}`);
}

async function live(world: World): Promise<void> {
  const { random, time, model, leases, written } = world;
  const runtime = time.runtime();
  const store = createMemoryEventStore({ storage: recorded(world), runtime: inMs(runtime) });
  const slots = Array.from({ length: 1 + Math.floor(random() * 3) }, () => startProcess(world));
  const trims = random() < 0.4;
  const traffic = { events: Number.POSITIVE_INFINITY, streams: 3, eventsPerCommit: 2, random };
  for (let step = 0; step < STEPS; step++) {
    await runtime.sleep(random() * 600);
    const kind = random();
    if (kind < 0.7) for (let i = random() * 4; i > 0; i--) await writeOnce(store, traffic, written);
    else if (kind < 0.8) model.splitShard(random() < 0.5 ? 1 : 2);
    else if (kind < 0.9) model.rollOver();
    else if (trims) trimSome(world);
    const slot = Math.floor(random() * slots.length);
    const found = slots[slot];
    if (found?.dead.signal.aborted) slots[slot] = startProcess(world);
    else if (random() < 0.08) found?.dead.abort();
  }
  for (let i = 0; i < 5; i++) await writeOnce(store, traffic, written);
  model.publishAll();
  // All end in the middle of it. What no later commit leads to is easily lost.
  await runtime.sleep(random() * 1_500);
  for (const { dead } of slots) dead.abort();
  if (trims) trimAll(world);
  world.isCalm = true;
  model.faults = NO_FAULTS;
  leases.faults = { steal: 0, handOver: 0, failure: 0 };
  slots.push(startProcess(world));
  const end = time.now + SETTLE_MS;
  while ((await logOf(world)).length < written.events) {
    if (time.now > end) throw new Error("The log did not become whole.");
    await runtime.sleep(2_000);
  }
  const alive = slots.filter(({ dead }) => !dead.signal.aborted);
  await Promise.all(alive.map(({ worker }) => worker.stop({ drainMs: 1_000 })));
}

async function check(world: World): Promise<void> {
  const { memory: storage, problems, trimmed, written } = world;
  const log = await logOf(world);
  const pages = await storage.query({
    chain: "$all",
    from: 1,
    to: Number.MAX_SAFE_INTEGER,
    backward: false,
    consistency: "strong",
  });
  const ends = pages.items.map(({ s, n }) => Number(s?.N) + Number(n?.N ?? 1) - 1);
  const { missing, repeated, outOfOrder } = await auditMemoryLog({ storage, graceMs: 0 });
  for (const each of [...missing, ...repeated]) problems.push(`missing or repeated: ${JSON.stringify(each)}`);
  // Behind a gap, what was after it may have been faster than the repair.
  if (trimmed === 0) problems.push(...problemsOf(log, written, ends));
  else if (log.length !== written.events) problems.push(`${log.length} events of ${written.events}`);
  if (trimmed === 0 && outOfOrder.length > 0) problems.push(`out of order: ${JSON.stringify(outOfOrder)}`);
}

/** Virtual time has fractions; the clocks of stores count whole milliseconds. */
function inMs(runtime: Runtime): Runtime {
  return { ...runtime, now: () => Math.floor(runtime.now()) };
}

/** A store that has written nothing reads the log as it is. */
function logOf({ memory: storage }: World): ReturnType<typeof collect> {
  return collect(createMemoryEventStore({ storage: { ...storage } }).readAll());
}

/** A storage whose stream is told of what is put, as DynamoDB does: each chain in one lineage of shards. */
function recorded({ memory, model }: World): ChainStorage {
  const changeOf = (item: Item) => ({ keys: { p: { S: String(item["p"]?.S) } }, newImage: item });
  return {
    ...memory,
    async putNew(item, signal) {
      const found = await memory.putNew(item, signal);
      if (found === undefined) model.write(changeOf(item));
      return found;
    },
    async transact(transaction, signal) {
      const found = await memory.transact(transaction, signal);
      if (found === undefined) model.writeTransaction(transaction.puts.map(changeOf));
      return found;
    },
  };
}

function trimSome(world: World): void {
  const { model, random } = world;
  const shards = model.streams.at(-1)?.shards.filter(({ isGone }) => !isGone) ?? [];
  const shard = shards[Math.floor(random() * Math.min(2, shards.length))];
  if (shard === undefined) return;
  const before = shard.trimmed;
  model.trim(shard, Math.floor(random() * 20) + 1);
  world.trimmed += shard.trimmed - before;
}

/** An outage of more than a day: what nobody has read is in the table only. */
function trimAll(world: World): void {
  for (const shard of world.model.streams.at(-1)?.shards ?? []) {
    const before = shard.trimmed;
    if (!shard.isGone) world.model.trim(shard, shard.records.length);
    world.trimmed += shard.trimmed - before;
  }
}

function startProcess(world: World): Process {
  const { random, time, leases, model, sabotage } = world;
  const dead = new AbortController();
  const runtime = time.runtime(dead.signal);
  const call = async <Result>(apply: () => Result): Promise<Awaited<Result>> => {
    await mayDie(world, dead, runtime);
    const result = await apply();
    await mayDie(world, dead, runtime);
    return result;
  };
  const storage = remote(recorded(world), call);
  const handle = logRecordsHandler(createMemorySequencer({ storage, runtime: inMs(runtime) }), {});
  const repair = repairOnce(() =>
    auditMemoryLog({ storage, runtime: inMs(runtime), repair: true, graceMs: 0 }),
  );
  const worker = new PollingWorker({
    api: {
      listStreams: () => call(() => model.listStreams()),
      describeStream: (request) => call(() => model.describeStream(request)),
      getShardIterator: (request) => call(() => model.getShardIterator(request)),
      getRecords: (request) => call(() => model.getRecords(request)),
    },
    trimAgeMs: 0,
    leases: leases.join(`w${++world.processes}`, runtime, call),
    runtime,
    guards: { ...WORKER_GUARDS, ...sabotage.guards },
    tableName: "table",
    decode: decodeRecord,
    async handler(records, context) {
      // Frozen, at times for longer than a lease lasts: somebody else is at it by then, and this one goes on.
      if (!world.isCalm && random() < 0.15) await runtime.sleep(random() * 5_000);
      await handle(records, context);
    },
    onGap: () => (sabotage.leavesGaps ? Promise.resolve() : repair()),
    onEvent: () => undefined,
    batchSize: 1 + Math.floor(random() * 10),
    maxIdleMs: 400,
  });
  worker.failed.addEventListener("abort", () => {
    world.problems.push(`the worker failed: ${String((worker.failed.reason as Error).stack)}`);
  });
  worker.start();
  return { worker, dead };
}

/** A request takes its time, and its process may die before it is sent or before its reply is there. */
async function mayDie({ isCalm, random }: World, dead: AbortController, runtime: Runtime): Promise<void> {
  if (!isCalm && random() < 0.003) dead.abort();
  await runtime.sleep(random() * 15);
}

function remote(
  storage: ChainStorage,
  call: <Result>(apply: () => Result) => Promise<Awaited<Result>>,
): ChainStorage {
  return {
    ...storage,
    putNew: (item, signal) => call(() => storage.putNew(item, signal)),
    transact: (transaction, signal) => call(() => storage.transact(transaction, signal)),
    find: (slots, signal) => call(() => storage.find(slots, signal)),
    query: (range) => call(() => storage.query(range)),
    listNames: (category, page) => call(() => storage.listNames(category, page)),
  };
}
