import { createHash } from "node:crypto";
import { createGuardedCommandHandler, type HandleOptions } from "../src/command-handler/command-handler.ts";
import { HANDLER_GUARDS, type HandlerGuards } from "../src/command-handler/guards.ts";
import { createCommitId } from "../src/commit-id.ts";
import { VersionConflictError } from "../src/conflict-errors.ts";
import { OutcomeUnknownError } from "../src/errors.ts";
import type { RecordedEvent } from "../src/events.ts";
import { createStateCache, type StateCache } from "../src/state-cache.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { Crash } from "./history.ts";
import { createWorld, type World } from "./model.ts";

/**
 * Histories of commands on one stream: several processes, each with a cache and two handlers on it, one with batches
 * and one without, and raw appends beside them. Each event says from which state exactly it was decided.
 */

/** No more numbers than that may ever be in the stream. */
const FULL = 6;

interface State {
  readonly numbers: readonly number[];
  readonly version: number;
  /** A hash of all that the events say, times and ids included. */
  readonly digest: string;
}

const EMPTY: State = { numbers: [], version: 0, digest: "" };

function evolve(state: State, event: RecordedEvent): State {
  const digest = createHash("md5").update(state.digest).update(JSON.stringify(event)).digest("base64");
  const numbers =
    event.type === "Taken" ? [...state.numbers, (event.data as { number: number }).number] : state.numbers;
  return { numbers, version: event.version, digest };
}

class Full extends Error {
  readonly state: State;
  constructor(state: State) {
    super("full");
    this.state = state;
  }
}

interface Command {
  readonly number: number;
  readonly padding: string;
}

const decider = {
  initialState: () => EMPTY,
  evolve,
  decide({ number, padding }: Command, state: State) {
    if (state.numbers.includes(number)) return [];
    if (state.numbers.length >= FULL) throw new Full(state);
    return { type: "Taken", data: { number, digest: state.digest, padding } };
  },
};

interface Process {
  readonly store: EventStore;
  readonly cache: StateCache<State>;
  readonly batched: Handle;
  readonly alone: Handle;
}

type Handle = ReturnType<typeof createGuardedCommandHandler<{}, Command, State>>;

/** What a caller was told in the end. */
type Told = { readonly number: number; readonly acknowledgedBefore: number } & (
  | {
      readonly kind: "done";
      readonly state: State;
      readonly events: readonly RecordedEvent[];
      readonly commitId: string | undefined;
    }
  | { readonly kind: "full"; readonly state: State }
  | { readonly kind: "conflict"; readonly commitId: string | undefined }
);

interface History {
  readonly world: World;
  readonly openProcess: () => Process;
  readonly told: Told[];
  readonly problems: string[];
  /** Up to where it is certain that the stream reached, by what callers were told. */
  acknowledged: number;
  lastNumber: number;
  /** How often a handler was called with each number: what another call stored is no contradiction. */
  readonly calls: Map<number, number>;
}

/** Runs one history of commands; answers what went wrong in it. */
export async function runCommandHistory(
  seed: number,
  off: Partial<HandlerGuards> = {},
): Promise<readonly string[]> {
  const world = createWorld(seed);
  const caches: StateCache<State>[] = [];
  const guards = { ...HANDLER_GUARDS, ...off };
  const openProcess = (): Process => {
    const { runtime, random } = world;
    const store = world.open();
    const cache = createStateCache<State>({ maxCommitIds: 1 + Math.floor(random() * 12) });
    caches.push(cache);
    const options = { store, decider, cache, runtime };
    return {
      store,
      cache,
      batched: createGuardedCommandHandler({ ...options, batch: true }, guards),
      alone: createGuardedCommandHandler(options, guards),
    };
  };
  const history: History = {
    world,
    openProcess,
    told: [],
    problems: [],
    acknowledged: 0,
    lastNumber: 0,
    calls: new Map(),
  };
  const processes = Array.from({ length: 2 + Math.floor(world.random() * 2) }, () => runProcess(history));
  await world.run(Promise.all(processes));
  const problems = await check(history, caches);
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}

async function runProcess(history: History): Promise<void> {
  const { world, openProcess } = history;
  let process = openProcess();
  for (let step = 0; step < 4; step++) {
    try {
      if (world.random() < 0.2) await appendRaw(history, process);
      else await commandAtOnce(history, process);
    } catch (error) {
      if (!(error instanceof Crash)) history.problems.push(String(error));
    }
    if (world.random() < 0.2) process = openProcess();
  }
}

async function appendRaw({ world }: History, { store }: Process): Promise<void> {
  try {
    await store.append(world.streamId, [{ type: "Raw", data: null }]);
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError)) throw error;
  }
}

/** A few commands at once, some of them twice, some a little later than the others. */
async function commandAtOnce(history: History, process: Process): Promise<void> {
  const { random, runtime } = history.world;
  const commands = Array.from({ length: 1 + Math.floor(random() * 4) }, async () => {
    // Numbers of others are there already, or not: then there is nothing to decide.
    const number = random() < 0.25 ? Math.ceil(random() * history.lastNumber) || 1 : ++history.lastNumber;
    const commitId = random() < 0.5 ? createCommitId() : undefined;
    const padding = "p".repeat(Math.floor(random() * 120));
    // The same for all that are one request.
    const expectedVersion = random() < 0.1 ? history.acknowledged : undefined;
    const sending = { number, padding, commitId, expectedVersion };
    if (random() < 0.3) await runtime.sleep(1);
    const twice = commitId !== undefined && random() < 0.3;
    await Promise.all([send(history, process, sending), ...(twice ? [send(history, process, sending)] : [])]);
  });
  await Promise.all(commands);
}

async function send(
  history: History,
  process: Process,
  sending: Command & Pick<HandleOptions, "commitId" | "expectedVersion">,
): Promise<void> {
  const { random, streamId } = history.world;
  const { commitId, expectedVersion, ...command } = sending;
  const { number } = command;
  let sender = process;
  for (let attempt = 0; attempt < 5; attempt++) {
    const acknowledgedBefore = history.acknowledged;
    const handle = random() < 0.7 ? sender.batched : sender.alone;
    history.calls.set(number, (history.calls.get(number) ?? 0) + 1);
    try {
      const { state, version, events } = await handle(streamId, command, { commitId, expectedVersion });
      if (state.version !== version)
        history.problems.push(`version ${version} with the state of ${state.version}`);
      history.acknowledged = Math.max(history.acknowledged, version);
      history.told.push({ kind: "done", number, acknowledgedBefore, state, events, commitId });
      // With an id, a repetition after success has to find the same.
      if (commitId === undefined || random() < 0.7) return;
    } catch (error) {
      if (error instanceof Full) {
        history.told.push({ kind: "full", number, acknowledgedBefore, state: error.state });
        return;
      }
      if (error instanceof VersionConflictError) {
        history.told.push({ kind: "conflict", number, acknowledgedBefore, commitId });
        return;
      }
      if (!(error instanceof Crash || error instanceof OutcomeUnknownError)) throw error;
      if (commitId === undefined) return;
      if (random() < 0.5) sender = history.openProcess();
    }
  }
}

async function check(history: History, caches: readonly StateCache<State>[]): Promise<string[]> {
  const { world, told } = history;
  const problems = [...history.problems];
  /** The state after each version. */
  const states: State[] = [EMPTY];
  const stored: RecordedEvent[] = [];
  for await (const event of world.calmStore.read(world.streamId)) {
    const before = states.at(-1) ?? EMPTY;
    if (event.type === "Taken") {
      const { digest, number } = event.data as { digest: string; number: number };
      if (digest !== before.digest) problems.push(`version ${event.version} was decided on another state`);
      if (before.numbers.includes(number)) problems.push(`number ${number} is stored twice`);
    }
    stored.push(event);
    states.push(evolve(before, event));
  }
  const last = states.at(-1) ?? EMPTY;
  if (last.numbers.length > FULL) problems.push(`${last.numbers.length} numbers of ${FULL}`);
  const isTrue = (state: State): boolean => states[state.version]?.digest === state.digest;
  for (const cache of caches) {
    const kept = cache.peek(world.streamId);
    if (kept !== undefined && (kept.version !== kept.state.version || !isTrue(kept.state)))
      problems.push(`a cache has a version ${kept.version} that never was`);
  }
  for (const one of told) problems.push(...checkTold(one, { stored, isTrue, last, calls: history.calls }));
  return problems;
}

function checkTold(
  one: Told,
  {
    stored,
    isTrue,
    last,
    calls,
  }: {
    readonly stored: readonly RecordedEvent[];
    readonly isTrue: (state: State) => boolean;
    readonly last: State;
    readonly calls: ReadonlyMap<number, number>;
  },
): string[] {
  const { number, kind, acknowledgedBefore } = one;
  if (kind === "conflict") {
    const { commitId } = one;
    const isStored =
      commitId === undefined
        ? calls.get(number) === 1 && last.numbers.includes(number)
        : stored.some(({ eventId }) => eventId.startsWith(commitId));
    return isStored ? [`${number}: refused by a conflict, but stored`] : [];
  }
  const { state } = one;
  const problems: string[] = [];
  if (!isTrue(state)) problems.push(`${number}: ${kind} on a version ${state.version} that never was`);
  if (state.version < acknowledgedBefore)
    problems.push(`${number}: ${kind} at version ${state.version}, ${acknowledgedBefore} was there before`);
  if (kind === "full") return problems;
  if (!state.numbers.includes(number)) problems.push(`${number}: done, but not in the state`);
  // Whoever sends a command again is told its events, whatever the state allows by now.
  const own = stored.filter(({ eventId }) => one.commitId !== undefined && eventId.startsWith(one.commitId));
  if (own.length > one.events.length) problems.push(`${number}: stored, but not recognised`);
  for (const event of one.events) {
    if (JSON.stringify(stored[event.version - 1]) !== JSON.stringify(event))
      problems.push(`${number}: told another event than version ${event.version} is`);
  }
  return problems;
}
