import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { collect } from "../src/contract/fixtures.ts";
import { createKeyRing, encryptPersons } from "../src/contract/key-ring.ts";
import { createMemoryBlobs } from "../src/contract/memory-blobs.ts";
import { LAST_SLOT } from "../src/chain/read-chain.ts";
import { CHAIN_GUARDS, type ChainGuards, readSlots } from "../src/chain/tiling.ts";
import { createCommitId } from "../src/commit-id.ts";
import { sdkCalls } from "../src/dynamodb/calls.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
import { leanCalls } from "../src/dynamodb/lean/lean-calls.ts";
import { TuppenceError } from "../src/errors.ts";
import type { RecordedEvent } from "../src/events.ts";
import type { Blobs, BodyOptions } from "../src/store/body-options.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { BEFORE, type Operation, type Place, smallFold } from "./crash-operations.ts";
import { counting, countOf, createAlsoTable } from "./also-table.ts";
import { type Fate, type FaultPlace, injectFaults } from "./faults.ts";
import { Crash } from "./history.ts";
import { connect } from "./test-database.ts";

/** One operation, one fault at one of its requests, and then the same again until it is done; what is stored is judged. */

export const FAULTS = {
  "a crash before it is sent": { fate: "lost before", crashes: true },
  "a crash after it was carried out": { fate: "lost after", crashes: true },
  "its reply lost, the SDK sends it again": { fate: "lost after", crashes: false },
  "its reply lost for good": { fate: "lost after", crashes: false, isFinal: true },
} as const satisfies Record<string, Fault>;

interface Fault {
  readonly fate: Fate;
  /** Whether the process is gone with it. */
  readonly crashes: boolean;
  /** Whether the SDK gives up. */
  readonly isFinal?: boolean | undefined;
}

export interface Case {
  readonly operation: Operation;
  readonly fault: keyof typeof FAULTS;
  /** The request that meets it, from 1. */
  readonly at: number;
  /** Whether somebody else appends to each stream before the operation is repeated. */
  readonly rival: boolean;
  readonly lean: boolean;
  readonly guards?: Partial<ChainGuards> | undefined;
}

export interface Verdict {
  /** Whether the operation came to the request that was to meet the fault. */
  readonly met: boolean;
  readonly problems: readonly string[];
}

const DATABASE = "crasheverywhere";
const PREFIX = "crash";
const quiet = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: Math.random,
  sleep: async () => undefined,
};
const calm = connect(DATABASE);
const calmStorage = createDynamoDBChainStorage(calm, PREFIX);

/** Counts what is sent, and lets one of it meet a fault. */
class Fuse {
  readonly #fault: Fault;
  readonly #at: number;
  #count = 0;
  #isOver = false;
  isDead = false;

  constructor(fault: Fault, at: number) {
    this.#fault = fault;
    this.#at = at;
  }

  get met(): boolean {
    return this.#count >= this.#at;
  }

  /** From here on nothing goes wrong, but for what is wrong already. */
  end(): void {
    this.#isOver = true;
  }

  /** The fate of the next request. */
  readonly next = (): Fate | Error => {
    if (this.isDead) return new Crash();
    if (this.#isOver) return "pass";
    this.#count += 1;
    if (this.#count !== this.#at) return "pass";
    this.isDead = this.#fault.crashes;
    return this.#fault.fate;
  };

  readonly guard = (blobs: Blobs): Blobs => ({
    ...blobs,
    put: async (name, body) => {
      const fate = this.next();
      if (fate instanceof Error) throw fate;
      if (fate !== "lost before") await blobs.put(name, body);
      if (fate !== "pass") throw new Error("socket hang up");
    },
  });
}

/** A client whose requests go through the fuse of the case under way: one for all cases, as clients take long to make. */
interface Line {
  readonly client: DynamoDBClient;
  fuse: Fuse | undefined;
}

function openLine(where: FaultPlace): Line {
  const line: Line = { client: connect(DATABASE, { maxAttempts: 3 }), fuse: undefined };
  injectFaults(line.client, where, () => line.fuse?.next() ?? "pass");
  return line;
}

const lines: Readonly<Record<FaultPlace, Line>> = {
  "inside the SDK's retries": openLine("inside the SDK's retries"),
  "outside the SDK's retries": openLine("outside the SDK's retries"),
};

interface Hooks extends BodyOptions {
  readonly blobs: Blobs;
}

function openStore(client: DynamoDBClient, { operation, guards, lean }: Case, hooks: Hooks): EventStore {
  return createChainEventStore({
    storage: createDynamoDBChainStorage(client, PREFIX, lean ? leanCalls(client) : sdkCalls(client)),
    runtime: quiet,
    guards: { ...CHAIN_GUARDS, ...guards },
    maxItemBytes: operation.maxItemBytes,
    ...hooks,
  });
}

/** How many cases there were: each has streams of its own. */
let cases = 0;

/** Runs one case; answers what went wrong in it. Only one at a time. */
export async function runCase(one: Case): Promise<Verdict> {
  const { operation, at } = one;
  const fault: Fault = FAULTS[one.fault];
  const name = ++cases;
  const commitIds = new Map<number, string>();
  const place: Place = {
    nameOf: (stream) => `${stream}|${name}`,
    commitId(number) {
      const id = commitIds.get(number) ?? createCommitId();
      commitIds.set(number, id);
      return id;
    },
    counting: counting(String(name)),
  };
  const hooks: Hooks = { blobs: createMemoryBlobs(), encryption: encryptPersons(createKeyRing()) };
  const calmStore = openStore(calm, { ...one, lean: true, guards: undefined }, hooks);
  await begin(operation, place, calmStore);

  const fuse = new Fuse(fault, at);
  const sdkRetries = !fault.crashes && !fault.isFinal;
  const where: FaultPlace = sdkRetries ? "inside the SDK's retries" : "outside the SDK's retries";
  const line = lines[where];
  line.fuse = fuse;
  const store = openStore(line.client, one, { ...hooks, blobs: fuse.guard(hooks.blobs) });
  const first = await attempt(() => operation.run(store, place));
  fuse.end();
  // What a process answers that is gone, nobody hears.
  const heard = fuse.isDead ? undefined : first.events;
  const problems: string[] = [];
  if (!fuse.met && first.error !== undefined) problems.push(`undisturbed, it failed: ${first.error.message}`);

  const rivals = one.rival ? await appendRivals(operation, place, calmStore) : 0;
  const repeater = fuse.isDead ? openStore(calm, one, hooks) : store;
  const again = await attempt(() => operation.run(repeater, place));
  const refused = again.error instanceof TuppenceError && REFUSALS.includes(again.error.code);
  if (again.error !== undefined && !(one.rival && operation.mayConflict && refused))
    problems.push(`repeated, it failed: ${again.error.message}`);
  const checked = { ...one, place, rivals, store: calmStore, isRefused: refused };
  problems.push(...(await check(checked, [heard, again.events])));
  return { met: fuse.met, problems };
}

const REFUSALS: readonly string[] = ["versionConflict", "transactConflict", "streamClosed"];

async function attempt(
  run: () => Promise<readonly RecordedEvent[]>,
): Promise<{ readonly events?: readonly RecordedEvent[]; readonly error?: Error }> {
  try {
    return { events: await run() };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error("not an error was thrown", { cause: error }) };
  }
}

async function begin(operation: Operation, { nameOf }: Place, store: EventStore): Promise<void> {
  const beginning = (operation.begun ?? Object.keys(operation.adds)).map(async (stream) => {
    for (let version = 0; version < BEFORE; version++)
      await store.append(nameOf(stream), [{ type: "Before", data: null }], { expectedVersion: version });
  });
  await Promise.all(beginning);
}

/** Somebody else's appends; where a stream is closed there are none. */
async function appendRivals(operation: Operation, { nameOf }: Place, store: EventStore): Promise<number> {
  if (operation.isAlone) return 0;
  let appended = 0;
  for (const stream of Object.keys(operation.adds)) {
    const { error } = await attempt(
      async () => (await store.append(nameOf(stream), [{ type: "Rival", data: null }])).events,
    );
    if (error === undefined) appended += 1;
    else if (!(error instanceof TuppenceError && error.code === "streamClosed")) throw error;
  }
  return appended;
}

interface Checked extends Case {
  readonly place: Place;
  readonly store: EventStore;
  readonly rivals: number;
  readonly isRefused: boolean;
}

/** The tables that cases need. */
export async function createTables(): Promise<void> {
  await Promise.all([calmStorage.ensureTables(), createAlsoTable(calm)]);
}

async function check(
  one: Checked,
  answers: readonly (readonly RecordedEvent[] | undefined)[],
): Promise<string[]> {
  const { operation, place, store } = one;
  const problems: string[] = [];
  const stored: RecordedEvent[] = [];
  const counts: number[] = [];
  for (const [stream, adds] of Object.entries(operation.adds)) {
    const streamId = place.nameOf(stream);
    problems.push(...(await checkTiles(streamId, operation)));
    const events = await collect(store.read(streamId));
    stored.push(...events);
    const own = events.filter(({ type }) => type === "Own").map(({ data }) => numberOf(data));
    counts.push(own.length);
    const whole = Array.from({ length: adds }, (_, index) => index + 1);
    const wanted = one.isRefused ? [] : whole;
    if (own.toSorted((a, b) => a - b).join() !== wanted.join())
      problems.push(`${stream} holds ${own.join() || "none"} instead of ${wanted.join() || "none"}`);
    problems.push(...(await checkLoad(store, events, { streamId, operation })));
    if (operation.closes?.includes(stream) && !one.isRefused) {
      const { error } = await attempt(async () => (await store.append(streamId, [NEVER])).events);
      if (!(error instanceof TuppenceError && error.code === "streamClosed"))
        problems.push(`${stream} is not closed`);
    }
  }
  const made = await countOf(calm, place.counting);
  const toBeMade = operation.counts && !one.isRefused ? 1 : 0;
  if (made !== toBeMade) problems.push(`the other write is made ${made} times`);
  if (stored.filter(({ type }) => type === "Rival").length !== one.rivals)
    problems.push("another's append is lost");
  if (new Set(stored.map(({ eventId, streamId }) => eventId + streamId)).size !== stored.length)
    problems.push("two events have one id");
  for (const told of answers.flatMap((events) => events ?? [])) {
    const same = stored.some((event) => JSON.stringify(event) === JSON.stringify(told));
    if (!same) problems.push(`told of an event that is not stored so: ${JSON.stringify(told)}`);
  }
  return problems;
}

const NEVER = { type: "Never", data: null };

function numberOf(data: unknown): number {
  return (data as { readonly number: number }).number;
}

/** Reads the raw items: they tile the versions, and items of one commit are all there. */
async function checkTiles(streamId: string, { firstVersion = 1 }: Operation): Promise<string[]> {
  const window = { from: 1, to: LAST_SLOT, backward: false, consistency: "strong" } as const;
  const { items } = await calmStorage.query({ chain: streamId, ...window });
  const problems: string[] = [];
  let next = 1;
  let commitLast = 0;
  for (const item of items.map(readSlots)) {
    if (item.first !== next) problems.push(`${streamId}: slot ${item.first} instead of ${next}`);
    next = item.last + 1;
    commitLast = item.commitLast;
    const isGone = item.truncatedBefore !== undefined && item.item["e"] === undefined;
    if (isGone !== item.last < firstVersion) problems.push(`${streamId}: slot ${item.first} half truncated`);
  }
  if (commitLast !== next - 1) problems.push(`${streamId}: ends within a commit`);
  return problems;
}

/** The state by the newest snapshot is the one that follows from the events. */
async function checkLoad(
  store: EventStore,
  events: readonly RecordedEvent[],
  { streamId, operation }: { readonly streamId: string; readonly operation: Operation },
): Promise<string[]> {
  const { firstVersion = 1, fold = smallFold } = operation;
  const { state, version } = await store.load(streamId, fold);
  const seen = events.map((event) => JSON.stringify(event));
  // What was truncated is in the state alone.
  const gone = firstVersion - 1;
  return state.seen.length === version && state.seen.slice(gone).join() === seen.join()
    ? []
    : [`${streamId}: loaded ${state.seen.join()} at version ${version}, read ${seen.join()}`];
}
