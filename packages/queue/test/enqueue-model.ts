import { OutcomeUnknownError } from "@tuppence/core";
import { type ChainStorage, createMemoryStorage } from "@tuppence/core/chains";
import { type ControlStorage, createMemoryControlStorage } from "@tuppence/core/leases";
import { createQueueOn } from "../src/create-queue.ts";
import { ENQUEUE_GUARDS, type EnqueueGuards } from "../src/enqueue/guards.ts";
import {
  type EnqueueResult,
  type Message,
  type NewMessage,
  type Queue,
  QueueTrimmedError,
} from "../src/index.ts";
import { openContext } from "../src/open-context.ts";
import { trimQueue } from "../src/trim-queue.ts";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { Turns } from "@tuppence/test-support/turns";
import { Crash, faultyControl, faultyStorage } from "./faulty-storages.ts";

/**
 * Histories of processes that enqueue into one queue, each replayable from its seed: writers without ids, writers whose ids come
 * twice and from several processes, and producers of which two live at the same time; with crashes, replies that are lost, writes
 * that arrive late, and clocks that differ.
 */

/** What is switched off, to see that the checks notice. */
export interface EnqueueSabotage {
  readonly guards?: Partial<EnqueueGuards> | undefined;
  readonly isUnconditional?: boolean | undefined;
  /** By how much more than the window messages have to be old to be trimmed, twice. */
  readonly trimMarginMs?: number | undefined;
}

export interface EnqueueHistory extends EnqueueSabotage {
  readonly writers?: number | undefined;
  readonly calls?: number | undefined;
}

const QUEUE = "model";
/** Clocks are up to this far off, in milliseconds. */
const SKEW_MS = 1_000;
const MARGIN_MS = 5_000;
const WINDOW_MS = 20_000;
const PRODUCER = "scanner";

interface Body {
  /** Who made it, and as which. */
  readonly by: string;
  readonly number: number;
}

interface Told {
  readonly bodies: readonly Body[];
  readonly result: EnqueueResult | undefined;
  readonly began: number;
  readonly ended: number;
}

interface World {
  readonly memory: ChainStorage;
  /** All that was ever put: `memory` before anything was trimmed. */
  readonly record: ChainStorage;
  readonly control: ControlStorage;
  readonly random: () => number;
  readonly turns: Turns;
  readonly history: EnqueueHistory;
  readonly told: Told[];
  readonly problems: string[];
  /** Milliseconds. */
  now: number;
  /** Counts up with each thing that a caller sees. */
  moment: number;
  /** Messages with ids that somebody has to enqueue: when they came to be, and whether that is said. */
  readonly facts: { readonly id: string; readonly at: number; readonly isEvent: boolean }[];
}

/** Runs one history; answers what went wrong in it. */
export async function runEnqueueHistory(
  seed: number,
  history: EnqueueHistory = {},
): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const world: World = {
    memory: createMemoryStorage(),
    record: createMemoryStorage(),
    control: createMemoryControlStorage(),
    random,
    turns: new Turns(random),
    history,
    told: [],
    problems: [],
    now: 1_000_000,
    moment: 0,
    facts: [],
  };
  const { writers = 4, calls = 8 } = history;
  const tasks = Array.from({ length: writers }, (_, writer) => {
    const kind = writer % 3;
    if (kind === 0) return write(world, `writer ${writer}`, calls);
    return kind === 1 ? relay(world, calls) : produce(world, calls);
  });
  await world.turns.runUntil(Promise.all([...tasks, produce(world, calls), trim(world, calls)]));
  const problems = [...world.problems, ...(await check(world))];
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}

/** A process of the queue, with a clock of its own. */
function open(world: World, producer?: { readonly id: string }): Queue {
  const { random, turns, history } = world;
  const skew = Math.floor(random() * 2 * SKEW_MS) - SKEW_MS;
  const now = (): number => (world.now += Math.floor(random() * 20)) + skew;
  const faults = { random, turns, isUnconditional: history.isUnconditional };
  const means = {
    guards: { ...ENQUEUE_GUARDS, marginMs: MARGIN_MS, ...history.guards },
    maxItemBytes: 2_500,
  };
  return createQueueOn(
    {
      name: QUEUE,
      storage: faultyStorage(recorded(world), faults),
      control: faultyControl(world.control, faults),
      dedupWindowMs: WINDOW_MS,
      lingerMs: random() < 0.3 ? 5 : 0,
      producer,
      runtime: { now, monotonic: now, random, sleep: () => turns.next() },
    },
    means,
  );
}

/** The storage, of which everything that is put is kept besides. */
function recorded({ memory, record }: World): ChainStorage {
  return {
    ...memory,
    async putNew(item, signal) {
      const found = await memory.putNew(item, signal);
      if (found === undefined) await record.putNew({ ...item }, signal);
      return found;
    },
  };
}

/** Trims now and then, by a clock of its own. */
async function trim(world: World, calls: number): Promise<void> {
  const { random, turns, history, control } = world;
  const faults = { random, turns };
  for (let step = 0; step < calls; step++) {
    for (let turn = 0; turn < 50; turn++) await turns.next();
    const skew = Math.floor(random() * 2 * SKEW_MS) - SKEW_MS;
    const { context } = openContext(
      { storage: faultyStorage(world.memory, faults), control: faultyControl(control, faults) },
      {
        name: QUEUE,
        dedupWindowMs: 0,
        runtime: { now: () => world.now + skew, random, sleep: () => turns.next() },
      },
    );
    const outcome = await trimQueue(
      context,
      {},
      async () => Number.POSITIVE_INFINITY,
      history.trimMarginMs ?? MARGIN_MS,
    ).catch((error: Error) => error);
    if (outcome instanceof Error && !isExpected(outcome)) world.problems.push(String(outcome));
  }
}

/** One call, told of afterwards. Undefined: its caller knows nothing of what came of it. */
async function call(
  world: World,
  messages: readonly NewMessage[],
  enqueue: () => Promise<EnqueueResult>,
): Promise<EnqueueResult | Error> {
  const bodies = messages.map(({ body }) => body as Body);
  const began = ++world.moment;
  const outcome = await enqueue().catch((error: Error) => error);
  const result = outcome instanceof Error ? undefined : outcome;
  world.told.push({ bodies, result, began, ended: ++world.moment });
  return outcome;
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof Crash || error instanceof OutcomeUnknownError || String(error).includes("reply was lost")
  );
}

/** Enqueues without ids, several calls at once, and does nothing about what goes wrong. */
async function write(world: World, by: string, calls: number): Promise<void> {
  const { random } = world;
  let queue = open(world);
  let number = 0;
  for (let step = 0; step < calls; step++) {
    const together = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
      const count = 1 + Math.floor(random() * 3);
      const messages = Array.from({ length: count }, () => ({ body: { by, number: ++number } }));
      return call(world, messages, () => queue.enqueue(messages));
    });
    for (const outcome of await Promise.all(together)) {
      if (!(outcome instanceof Error)) continue;
      if (!isExpected(outcome)) world.problems.push(String(outcome));
      if (outcome instanceof Crash) queue = open(world);
    }
  }
}

/** Passes on facts that others may pass on, too: each is to be in the queue once. */
async function relay(world: World, calls: number): Promise<void> {
  const { random, facts } = world;
  const { writers = 4 } = world.history;
  let queue = open(world);
  for (let step = 0; step < calls; step++) {
    world.now += Math.floor((random() * WINDOW_MS) / writers);
    facts.push({ id: `fact ${facts.length}`, at: world.now, isEvent: random() < 0.4 });
    const isYoung = (at: number): boolean => world.now - at < WINDOW_MS / 2;
    const some = facts.filter(({ at, isEvent }) => random() < 0.5 && (isEvent || isYoung(at)));
    const messages = [...some, ...some.filter(() => random() < 0.2)].map(({ id, at, isEvent }) => ({
      body: { by: id, number: 1 },
      messageId: id,
      ...(isEvent ? { since: new Date(at) } : undefined),
    }));
    for (let attempt = 0; messages.length > 0 && attempt < 5; attempt++) {
      const outcome = await call(world, messages, () => queue.enqueue(messages));
      if (!(outcome instanceof Error)) break;
      // What an event of long ago led to may be gone: then it is refused to enqueue it.
      const isLongAgo = some.some(({ at, isEvent }) => isEvent && !isYoung(at));
      if (outcome instanceof QueueTrimmedError && isLongAgo) break;
      if (!isExpected(outcome)) world.problems.push(String(outcome));
      if (outcome instanceof Crash || random() < 0.3) queue = open(world);
      // Only within the window is it promised.
      if (some.some(({ at, isEvent }) => !isEvent && !isYoung(at))) break;
    }
  }
}

/** A process of the producer, whose messages are 1, 2, 3 …; it goes on where the queue says that it is. */
async function produce(world: World, calls: number): Promise<void> {
  const { random } = world;
  const last = calls * 3;
  let queue = open(world, { id: PRODUCER });
  let next: number | undefined;
  for (let step = 0; step < calls * 2; step++) {
    const state = next === undefined ? await queue.producerState().catch((error: Error) => error) : undefined;
    const from = next ?? (state instanceof Error ? 0 : (state?.sequence ?? 0) + 1);
    if (from > last) return;
    const numbers = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => from + index);
    const messages = numbers.map((number) => ({ body: { by: PRODUCER, number } }));
    const outcome =
      state instanceof Error
        ? state
        : await call(world, messages, () => queue.enqueue(messages, { sequence: from }));
    // It goes on where it was, or asks the queue again.
    next = outcome instanceof Error ? next : from + numbers.length;
    if (!(outcome instanceof Error)) {
      if (random() < 0.2) await queue.close().catch(() => undefined);
      continue;
    }
    if (!isExpected(outcome)) world.problems.push(String(outcome));
    if (outcome instanceof Crash || random() < 0.3) {
      queue = open(world, { id: PRODUCER });
      next = undefined;
    }
  }
}

/** What is wrong with what is stored, and with what callers were told. */
async function check(world: World): Promise<string[]> {
  const { record: storage, told } = world;
  const control = createMemoryControlStorage();
  const problems: string[] = [];
  const stored: Message[] = [];
  try {
    const queue = createQueueOn({ name: QUEUE, storage, control }, {});
    for await (const message of queue.read(1)) stored.push(message);
  } catch (error) {
    return [String(error)];
  }
  const at = new Map<string, number[]>();
  for (const [index, { position, body }] of stored.entries()) {
    if (position !== index + 1) problems.push(`position ${position} comes as number ${index + 1}`);
    at.set(keyOf(body), [...(at.get(keyOf(body)) ?? []), position]);
  }
  for (const [key, positions] of at) {
    if (positions.length > 1) problems.push(`${key} is at ${positions.join(", ")}`);
  }
  for (const { bodies, result } of told) {
    if (result === undefined) continue;
    for (const [index, body] of bodies.entries()) {
      const position = result.positions[index] ?? 0;
      const isUnknown = position === 0 && result.duplicates.includes(index);
      if (!isUnknown && keyOf(stored[position - 1]?.body) !== keyOf(body))
        problems.push(`${keyOf(body)} was told to be at ${position}`);
    }
  }
  problems.push(...checkOrder(told, stored), ...checkCalls(told, at));
  return problems;
}

function keyOf(body: unknown): string {
  const { by, number } = (body ?? {}) as Partial<Body>;
  return `${by} ${number}`;
}

/** What is enqueued after another call has ended comes behind its messages; what one has produced keeps its order. */
function checkOrder(told: readonly Told[], stored: readonly Message[]): string[] {
  const problems: string[] = [];
  const fresh = told.flatMap(({ result, began, ended }) => {
    const own = result?.positions.filter((_, index) => !result.duplicates.includes(index)) ?? [];
    return own.length === 0 ? [] : [{ began, ended, lowest: Math.min(...own), highest: Math.max(...own) }];
  });
  for (const one of fresh) {
    if (fresh.some((other) => other.ended < one.began && other.highest > one.lowest))
      problems.push(`position ${one.lowest} is before what was enqueued earlier`);
  }
  const last = new Map<string, number>();
  for (const { body, position } of stored) {
    const { by, number } = body as Body;
    if (number !== (last.get(by) ?? 0) + 1 && by === PRODUCER)
      problems.push(`${by} ${number} at ${position} comes behind ${last.get(by) ?? 0}`);
    if (number < (last.get(by) ?? 0)) problems.push(`${by} ${number} at ${position} is out of order`);
    last.set(by, number);
  }
  return problems;
}

/** Calls without ids are stored one message behind the other, or not at all. */
function checkCalls(told: readonly Told[], at: ReadonlyMap<string, readonly number[]>): string[] {
  return told.flatMap(({ bodies }) => {
    if (!bodies[0]?.by.startsWith("writer")) return [];
    const positions = bodies.map((body) => at.get(keyOf(body))?.[0]);
    const [first] = positions;
    const isWhole = positions.every((position, index) => position === (first && first + index));
    return isWhole ? [] : [`a call is at ${positions.join(", ")}`];
  });
}
