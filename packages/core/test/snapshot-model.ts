import { createHash } from "node:crypto";
import type { Item } from "../src/capacity/item-size.ts";
import { LAST_SLOT } from "../src/chain/read-chain.ts";
import type { ChainStorage } from "../src/chain/storage.ts";
import { CHAIN_GUARDS, readSlots } from "../src/chain/tiling.ts";
import { createCommandHandler } from "../src/command-handler/command-handler.ts";
import { createCommitId } from "../src/commit-id.ts";
import { StreamTruncatedError, VersionConflictError } from "../src/conflict-errors.ts";
import { OutcomeUnknownError } from "../src/errors.ts";
import type { RecordedEvent } from "../src/events.ts";
import { createMemoryStorage } from "../src/memory/index.ts";
import type { Runtime } from "../src/runtime.ts";
import { createStateCache } from "../src/state-cache.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import type { Fold } from "../src/store/read-options.ts";
import { faultyStorage, Turns } from "./faulty-storage.ts";
import { Crash, type Random, seededRandom } from "./history.ts";

/**
 * Histories of commands on one stream by processes of two releases, whose folds keep snapshots of their own versions, small
 * ones that ride and large ones that go apart, while somebody truncates. Each event says from which state it was decided,
 * as a digest of all events before it, so what was truncated is still accounted for.
 */

/** What is switched off, to see that the checks notice. */
export type SnapshotSabotage =
  | "a snapshot is stored under a version that is not its state's"
  | "truncated items are deleted"
  | "a snapshot of any version of the fold is taken";

const STREAM = "snapshots|1";
const MAX_ITEM_BYTES = 16_000;
/** Of text that deflate makes a third smaller: more than what rides. */
const LARGE_BYTES = 9_000;

interface State {
  readonly version: number;
  readonly digest: string;
  /** Which release folded it: a state of another shape is of no use. */
  readonly release: string;
  readonly padding: string;
}

function chained(digest: string, event: RecordedEvent): string {
  return createHash("md5").update(digest).update(JSON.stringify(event)).digest("base64");
}

interface Release extends Fold<State, RecordedEvent> {
  readonly decide: (padding: string, state: State) => { readonly type: string; readonly data: object };
}

/** Text that does not compress. */
function noise(random: Random, bytes: number): string {
  return Array.from({ length: Math.ceil(bytes / 8) }, () =>
    random().toString(36).slice(2, 10).padEnd(8, "z"),
  ).join("");
}

function createRelease(
  name: string,
  { padding, sabotage }: { readonly padding: string; readonly sabotage: SnapshotSabotage | undefined },
): Release {
  const takesAny = sabotage === "a snapshot of any version of the fold is taken";
  return {
    initialState: () => ({ version: 0, digest: "", release: name, padding }),
    evolve: ({ digest, release }, event) => ({
      version: event.version,
      // Releases fold differently: the state of the other one is wrong for this one.
      digest: chained(digest, event),
      release,
      padding,
    }),
    decide: (text, { digest, release, version }) => ({
      type: "Decided",
      data: { digest, release, by: name, after: version, text },
    }),
    snapshot: {
      version: name,
      every: 2,
      ...(takesAny && { restore: (saved) => saved as unknown as State }),
    },
  };
}

interface History {
  readonly open: () => EventStore;
  readonly random: Random;
  readonly runtime: Runtime;
  readonly releases: readonly [Release, Release];
  readonly problems: string[];
  /** Events as callers were told of them, and readers saw them, by version. */
  readonly known: Map<number, string>;
  /** States that were loaded or answered. */
  readonly states: State[];
  /** The highest version that a truncation was asked to keep from. */
  truncatedBefore: number;
}

/** Runs one history; answers what went wrong in it. */
export async function runSnapshotHistory(
  seed: number,
  sabotage?: SnapshotSabotage,
): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const turns = new Turns(random);
  const memory = createMemoryStorage();
  const inner = sabotaged(memory, sabotage);
  let now = 1_000;
  const runtime: Runtime = { now: () => (now += 1), monotonic: () => now, random, sleep: () => turns.next() };
  const padding = noise(random, LARGE_BYTES);
  const newRelease = (name: string): Release =>
    createRelease(name, { padding: random() < 0.5 ? padding : "", sabotage });
  const history: History = {
    open: () =>
      createChainEventStore({
        storage: faultyStorage(inner, { random, turns, sabotage: {} }),
        runtime,
        guards: CHAIN_GUARDS,
        maxItemBytes: MAX_ITEM_BYTES,
        knownChains: 1,
      }),
    random,
    runtime,
    releases: [newRelease("old"), newRelease("new")],
    problems: [],
    known: new Map(),
    states: [],
    truncatedBefore: 1,
  };
  const processes = [
    ...Array.from({ length: 2 + Math.floor(random() * 2) }, (_, index) => runProcess(history, index)),
    truncateNowAndThen(history),
  ];
  await turns.runUntil(Promise.all(processes));
  const calm = createChainEventStore({ storage: inner, maxItemBytes: MAX_ITEM_BYTES });
  return (await check(history, memory, calm)).map((problem) => `seed ${seed}: ${problem}`);
}

function sabotaged(memory: ChainStorage, sabotage: SnapshotSabotage | undefined): ChainStorage {
  switch (sabotage) {
    case "a snapshot is stored under a version that is not its state's":
      return {
        ...memory,
        putSnapshot: (item, signal) =>
          memory.putSnapshot({ ...item, v: { N: String(Number(item["v"]?.N) + 1) } }, signal),
      };
    case "truncated items are deleted":
      return {
        ...memory,
        async strip(slot, attributes, signal) {
          await memory.strip(slot, attributes, signal);
          const [item] = await memory.find([slot], signal);
          // The memory's items are its own to keep: one without a state is made to go.
          if (item !== undefined && attributes["z"] === undefined) deleted.add(item);
        },
        query: async (range) => {
          const page = await memory.query(range);
          return { ...page, items: page.items.filter((item) => !deleted.has(item)) };
        },
        putNew: async (item, signal) => overwriteDeleted(await memory.putNew(item, signal), item),
      };
    default:
      return memory;
  }
}

/** Items that are in the memory, and gone for all who look. */
const deleted = new WeakSet<Item>();

function overwriteDeleted(found: Item | undefined, item: Item): Item | undefined {
  if (found === undefined || !deleted.has(found)) return found;
  deleted.delete(found);
  for (const name of Object.keys(found)) delete (found as Record<string, unknown>)[name];
  Object.assign(found, item);
  return undefined;
}

async function runProcess(history: History, index: number): Promise<void> {
  const { random, runtime, releases, problems } = history;
  const release = index % 2 === 0 ? releases[0] : releases[1];
  const openProcess = () => {
    const store = history.open();
    const cache = random() < 0.5 ? createStateCache<State>() : undefined;
    const options = { store, decider: release, cache, runtime };
    const handle = createCommandHandler({ ...options, batch: random() < 0.5 });
    return { store, cache, handle };
  };
  let process = openProcess();
  for (let step = 0; step < 5; step++) {
    try {
      if (random() < 0.25) await loadState(history, process.store, release);
      else await commandAtOnce(history, process.handle);
    } catch (error) {
      if (!isExpected(error)) problems.push(String(error));
      if (error instanceof Crash) process = openProcess();
    }
  }
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof Crash ||
    error instanceof OutcomeUnknownError ||
    error instanceof VersionConflictError ||
    // A release whose snapshots were not taken when the other one truncated has nothing to go on from.
    error instanceof StreamTruncatedError
  );
}

type Handle = ReturnType<typeof createCommandHandler<{}, string, State>>;

async function commandAtOnce(history: History, handle: Handle): Promise<void> {
  const { random, states, known, problems } = history;
  const commands = Array.from({ length: 1 + Math.floor(random() * 3) }, async () => {
    const commitId = random() < 0.4 ? createCommitId() : undefined;
    const text = "p".repeat(Math.floor(random() * 900));
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        const { state, version, events } = await handle(STREAM, text, { commitId });
        if (state.version !== version) problems.push(`version ${version} with the state of ${state.version}`);
        states.push(state);
        for (const event of events) note(known, event, problems);
        return;
      } catch (error) {
        if (!(error instanceof OutcomeUnknownError) || commitId === undefined) throw error;
      }
    }
  });
  const failed = (await Promise.allSettled(commands)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}

function note(known: Map<number, string>, event: RecordedEvent, problems: string[]): void {
  const text = JSON.stringify(event);
  if ((known.get(event.version) ?? text) !== text) problems.push(`version ${event.version} is two events`);
  known.set(event.version, text);
}

async function loadState({ states }: History, store: EventStore, release: Release): Promise<void> {
  states.push((await store.load(STREAM, release)).state);
}

/** Reads all there is, and takes some of it away; so every event is known that a truncation takes. */
async function truncateNowAndThen(history: History): Promise<void> {
  const { random, releases, known, problems, runtime } = history;
  for (let step = 0; step < 4; step++) {
    await runtime.sleep(1);
    const store = history.open();
    try {
      let version = 0;
      for await (const event of store.read(STREAM)) {
        note(known, event, problems);
        version = event.version;
      }
      const before = 1 + Math.floor(random() * version);
      history.truncatedBefore = Math.max(history.truncatedBefore, before);
      const release = random() < 0.5 ? releases[0] : releases[1];
      const { firstVersion } = await store.truncate(STREAM, release, { before });
      if (firstVersion > history.truncatedBefore)
        problems.push(`truncated up to ${firstVersion}, not ${before}`);
    } catch (error) {
      if (!isExpected(error)) problems.push(String(error));
    }
  }
}

async function check(history: History, storage: ChainStorage, calm: EventStore): Promise<string[]> {
  const { known, states, truncatedBefore, releases } = history;
  const problems = [...history.problems];
  const window = { from: 1, to: LAST_SLOT, backward: false, consistency: "strong" } as const;
  const { items } = await storage.query({ chain: STREAM, ...window });
  let next = 1;
  for (const item of items.filter((each) => !deleted.has(each)).map(readSlots)) {
    if (item.first !== next) problems.push(`slot ${item.first} instead of ${next}`);
    next = item.last + 1;
    const isGone = item.item["e"] === undefined;
    if (isGone && item.last >= truncatedBefore) problems.push(`version ${item.last} is lost`);
  }
  try {
    for await (const event of calm.read(STREAM)) note(known, event, problems);
  } catch (error) {
    return [...problems, String(error)];
  }
  /** The digest after each version. */
  const digests = [""];
  for (let version = 1; version < next; version++) {
    const text = known.get(version);
    if (text === undefined) return [...problems, `version ${version} is not known`];
    const event = JSON.parse(text) as RecordedEvent;
    const { digest, release, by } = event.data as { digest: string; release: string; by: string };
    const before = digests.at(-1) ?? "";
    if (digest !== before || release !== by) problems.push(`version ${version} was decided on a wrong state`);
    digests.push(chained(before, event));
  }
  let isLoaded = false;
  for (const release of releases) {
    try {
      const { state, version } = await calm.load(STREAM, release);
      isLoaded = true;
      states.push(state);
      if (version !== next - 1) problems.push(`loaded up to ${version} of ${next - 1}`);
      if (state.release !== release.snapshot?.version) problems.push(`loaded the state of ${state.release}`);
    } catch (error) {
      if (!(error instanceof StreamTruncatedError)) problems.push(String(error));
    }
  }
  // Whoever truncated left a state of its own.
  if (!isLoaded) problems.push("no release can load the stream");
  for (const { version, digest } of states)
    if (digests[version] !== digest) problems.push(`a state of version ${version} that never was`);
  return problems;
}
