import { seededRandom } from "@tuppence/test-support/seeded-random";
import { StoppedAtRecordError } from "../src/records-handler.ts";
import type { StreamRecord } from "../src/stream-record.ts";
import { PollingWorker, type StreamWorker } from "../src/worker/stream-worker.ts";
import type { StreamsApi } from "../src/worker/streams-api.ts";
import type { Gap, WorkerEvent } from "../src/worker/worker-event.ts";
import { WORKER_GUARDS, type WorkerGuards } from "../src/worker/worker-guards.ts";
import { MemoryLeases } from "./memory-leases.ts";
import { type ModelShard, NO_FAULTS, StreamsModel } from "./streams-model.ts";
import { VirtualTime } from "./virtual-time.ts";

/** Histories of one to three workers on a stream on which everything goes wrong, each replayable from its seed. */

/** What is switched off, to see that the checks notice. */
export interface Sabotage {
  readonly guards?: Partial<WorkerGuards> | undefined;
  /** An iterator that expired is made again from the latest record. */
  readonly fromLatest?: boolean | undefined;
}

const KEYS = 8;
const STEPS = 40;
/** Virtual time in which all has to be handled once nothing goes wrong any more. */
const SETTLE_MS = 300_000;

interface World {
  readonly random: () => number;
  readonly time: VirtualTime;
  readonly model: StreamsModel;
  readonly leases: MemoryLeases;
  readonly sabotage: Sabotage;
  readonly delivered: Set<string>;
  readonly lastOfKey: Map<string, number>;
  readonly gaps: Gap[];
  readonly events: WorkerEvent[];
  readonly problems: string[];
  isCalm: boolean;
  processes: number;
}

interface Process {
  readonly worker: StreamWorker;
  readonly dead: AbortController;
}

/** Runs one history; answers what went wrong in it, nothing if nothing did. */
export async function runWorkerHistory(seed: number, sabotage: Sabotage = {}): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const time = new VirtualTime(random);
  const world: World = {
    random,
    time,
    sabotage,
    model: new StreamsModel({ random, now: () => time.now }),
    leases: new MemoryLeases(),
    delivered: new Set(),
    lastOfKey: new Map(),
    gaps: [],
    events: [],
    problems: [],
    isCalm: false,
    processes: 0,
  };
  world.model.enable(1 + Math.floor(random() * 2));
  world.model.faults = {
    throttle: 0.04,
    failure: 0.03,
    lostReply: 0.03,
    expiredIterator: 0.06,
    emptyPage: 0.1,
    shortPage: 0.5,
    unlistedShard: 0.05,
  };
  world.leases.faults = { steal: 0.02, handOver: 0.05, failure: 0.03 };
  try {
    await time.run(live(world), SETTLE_MS + 600_000);
  } catch (error) {
    world.problems.push(`${String(error)} Missing: ${missing(world).slice(0, 5).join(", ")}`);
  }
  return world.problems.map((problem) => `seed ${seed}: ${problem}`);
}

async function live(world: World): Promise<void> {
  const { random, time, model, leases } = world;
  const { sleep } = time.runtime();
  const slots = Array.from({ length: 1 + Math.floor(random() * 3) }, () => startProcess(world));
  const counters = new Map<number, number>();
  const trims = random() < 0.3;
  const nextChange = () => {
    const key = Math.floor(random() * KEYS);
    const count = (counters.get(key) ?? 0) + 1;
    counters.set(key, count);
    return { keys: { p: { S: `k${key}` } }, newImage: { n: { N: String(count) } } };
  };
  for (let step = 0; step < STEPS; step++) {
    await sleep(random() * 600);
    const kind = random();
    if (kind < 0.6) for (let i = random() * 5; i > 0; i--) model.write(nextChange());
    else if (kind < 0.7) model.writeTransaction([nextChange(), nextChange(), nextChange()]);
    else if (kind < 0.8) model.splitShard(random() < 0.5 ? 1 : 2);
    else if (kind < 0.85) model.rollOver();
    else if (kind < 0.88 && model.streams.length < 3) model.enable(1 + Math.floor(random() * 2));
    else if (trims) trimSome(world);
    const slot = Math.floor(random() * slots.length);
    const found = slots[slot];
    if (found?.dead.signal.aborted) slots[slot] = startProcess(world);
    else if (random() < 0.08) found?.dead.abort();
    else if (random() < 0.04) {
      void found?.worker.stop({ drainMs: random() * 1_000 });
      slots[slot] = startProcess(world);
    }
  }
  model.publishAll();
  world.isCalm = true;
  model.faults = NO_FAULTS;
  leases.faults = { steal: 0, handOver: 0, failure: 0 };
  slots.push(startProcess(world));
  const end = time.now + SETTLE_MS;
  while (missing(world).length > 0 || untold(world).length > 0) {
    if (time.now > end) {
      world.problems.push(...untold(world).map((id) => `${id} was trimmed, and nobody was told`));
      throw new Error("Not all was handled in time.");
    }
    await sleep(500);
  }
  await Promise.all(
    slots.filter(({ dead }) => !dead.signal.aborted).map(({ worker }) => worker.stop({ drainMs: 1_000 })),
  );
}

function trimSome({ model, random }: World): void {
  // A disabled stream's last shards are left alone: nothing would be there to tell that they were.
  const shards = model.streams.at(-1)?.shards.filter(({ isGone }) => !isGone) ?? [];
  const shard = shards[Math.floor(random() * Math.min(2, shards.length))];
  if (shard !== undefined && model.streams.at(-1)?.isEnabled)
    model.trim(shard, Math.floor(random() * 20) + 1);
}

function startProcess(world: World): Process {
  const { random, time, leases, model } = world;
  const dead = new AbortController();
  const runtime = time.runtime(dead.signal);
  const call = async <Result>(apply: () => Result): Promise<Awaited<Result>> => {
    if (!world.isCalm && random() < 0.003) dead.abort();
    await runtime.sleep(random() * 30);
    const result = await apply();
    if (!world.isCalm && random() < 0.003) dead.abort();
    await runtime.sleep(random() * 30);
    return result;
  };
  const workerId = `w${++world.processes}`;
  const worker = new PollingWorker({
    api: remote(world, model, call),
    leases: leases.join(workerId, runtime, call),
    runtime,
    guards: { ...WORKER_GUARDS, ...world.sabotage.guards },
    tableName: "table",
    decode: (raw) => raw as StreamRecord,
    async handler(records, { shardId, signal }) {
      for (const [index, raw] of records.entries()) {
        if (!world.isCalm && random() < 0.01) dead.abort();
        await runtime.sleep(random() * 20);
        if (!world.isCalm && random() < 0.02) throw new StoppedAtRecordError(index);
        if (!world.isCalm && random() < 0.01) throw new Error("the handler failed");
        // Some handlers look at their signal, and some don't.
        if (signal.aborted && random() < 0.5) throw new StoppedAtRecordError(index);
        deliver(world, String(shardId), raw);
      }
    },
    async onGap(gap) {
      await runtime.sleep(random() * 30);
      if (!world.isCalm && random() < 0.2) throw new Error("the gap could not be repaired");
      world.gaps.push(gap);
    },
    onEvent: (event) => world.events.push(event),
    batchSize: 1 + Math.floor(random() * 10),
    maxIdleMs: 400,
    // The model trims what is young.
    trimAgeMs: 0,
  });
  worker.failed.addEventListener("abort", () => {
    world.problems.push(`the worker failed: ${String((worker.failed.reason as Error).stack)}`);
  });
  worker.start();
  return { worker, dead };
}

function remote(
  world: World,
  model: StreamsModel,
  call: <Result>(apply: () => Result) => Promise<Awaited<Result>>,
): StreamsApi {
  let hasExpired = false;
  return {
    listStreams: () => call(() => model.listStreams()),
    describeStream: (request) => call(() => model.describeStream(request)),
    getShardIterator(request) {
      const start = hasExpired && world.sabotage.fromLatest ? ({ type: "LATEST" } as const) : request.start;
      hasExpired = false;
      return call(() => model.getShardIterator({ ...request, start }));
    },
    async getRecords(request) {
      try {
        return await call(() => model.getRecords(request));
      } catch (error) {
        hasExpired = (error as Error).name === "ExpiredIteratorException";
        throw error;
      }
    },
  };
}

type Raw = ModelShard["records"][number];

function idOf(shardId: string, raw: Raw): string {
  return `${shardId}/${raw.dynamodb?.SequenceNumber}`;
}

function deliver(world: World, shardId: string, record: StreamRecord): void {
  const { delivered, lastOfKey, problems, model } = world;
  const raw = record as unknown as Raw;
  const id = idOf(shardId, raw);
  if (delivered.has(id)) return;
  delivered.add(id);
  const key = String(raw.dynamodb?.Keys?.["p"]?.S);
  const count = Number(raw.dynamodb?.NewImage?.["n"]?.N);
  const last = lastOfKey.get(key) ?? 0;
  if (count <= last) problems.push(`${id}: change ${count} of ${key} came first after change ${last}`);
  lastOfKey.set(key, Math.max(last, count));
  const shard = model.streams.flatMap(({ shards }) => shards).find((each) => each.shardId === shardId);
  for (let parent = shard?.parent; parent !== undefined; parent = parent.parent) {
    const before = parent;
    const undone = before.records
      .slice(before.trimmed)
      .find((each) => !delivered.has(idOf(before.shardId, each)));
    if (undone) problems.push(`${id} came before ${idOf(before.shardId, undone)} of its parent`);
  }
}

/** Records that are kept and were not handled. */
function missing({ model, delivered }: World): string[] {
  return model.streams.flatMap(({ shards }) =>
    shards.flatMap(({ shardId, records, trimmed }) =>
      records
        .slice(trimmed)
        .map((raw) => idOf(shardId, raw))
        .filter((id) => !delivered.has(id)),
    ),
  );
}

/** Records that were not handled, are not kept any more, and were passed over in silence. */
function untold({ model, delivered, gaps }: World): string[] {
  return model.streams.flatMap(({ shards }) =>
    shards.flatMap((shard) =>
      shard.records
        .slice(0, shard.trimmed)
        .filter((raw) => !delivered.has(idOf(shard.shardId, raw)))
        .filter((raw) => !gaps.some((gap) => covers(gap, { shard, raw, model })))
        .map((raw) => idOf(shard.shardId, raw)),
    ),
  );
}

function covers(
  gap: Gap,
  { shard, raw, model }: { readonly shard: ModelShard; readonly raw: Raw; readonly model: StreamsModel },
): boolean {
  const { afterSequenceNumber: after, untilSequenceNumber: until } = gap;
  if (gap.shardId !== shard.shardId) {
    const isOfParents = gap.reason !== "trimmed" && after === undefined;
    return isOfParents && isAncestor(shard, model, gap.shardId);
  }
  const number = BigInt(raw.dynamodb?.SequenceNumber ?? 0);
  return (after === undefined || BigInt(after) < number) && (until === undefined || number < BigInt(until));
}

function isAncestor(shard: ModelShard, model: StreamsModel, shardId: string): boolean {
  let found = model.streams.flatMap(({ shards }) => shards).find((each) => each.shardId === shardId);
  while (found !== undefined && found !== shard) found = found.parent;
  return found === shard;
}
