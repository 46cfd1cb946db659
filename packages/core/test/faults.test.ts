import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";
import { collect, pseudoRandomText } from "../src/contract/fixtures.ts";
import { sdkCalls } from "../src/dynamodb/calls.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
import { leanCalls } from "../src/dynamodb/lean/lean-calls.ts";
import { createCommandHandler, createEventStore, meterCapacity } from "../src/index.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import { type Fate, type FaultPlace, injectFaults } from "./faults.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { checkTransactions, runTransactions } from "./transact-model.ts";
import { checkHistory, Crash, runProcesses, seededRandom } from "./history.ts";
import { connect } from "./test-database.ts";

/** Faults in the real client's middleware, on a real DynamoDB Local. */

const PREFIX = "faults";
const quiet = { sleep: async () => undefined };
const calm = connect("faults");
const openCalm = (): ReturnType<typeof createEventStore> =>
  createEventStore({ client: calm, tablePrefix: PREFIX });

beforeAll(() => openCalm().ensureTables());

/** A client on which the first calls of an operation meet these fates, and the rest pass. */
function faulty(place: FaultPlace, operation: string, fates: readonly Fate[]): DynamoDBClient {
  const client = connect("faults", { maxAttempts: 3 });
  const left = [...fates];
  injectFaults(client, place, (called) => (called === operation ? left.shift() : undefined) ?? "pass");
  return client;
}

const ONE = [{ type: "Happened", data: { what: "something" } }];
const LARGE = Array.from({ length: 4 }, (_, seed) => ({
  type: "Large",
  data: pseudoRandomText(seed, 200_000),
}));

/** Each test through the SDK's commands and through lean requests, which have their own places for faults. */
const WAYS = ["SDK commands", "lean requests"] as const;
const PLACES: readonly FaultPlace[] = ["inside the SDK's retries", "outside the SDK's retries"];
const WAYS_AND_PLACES = WAYS.flatMap((way) => PLACES.map((place) => [way, place] as const));

describe.each(WAYS_AND_PLACES)("%s, %s", (way, place) => {
  const leanRequests = way === "lean requests";

  for (const [what, operation, events] of [
    ["an append", "PutItem", ONE],
    ["an append of several items", "TransactWriteItems", LARGE],
  ] as const) {
    for (const expectedVersion of ["any", "noStream", 0] as const) {
      it(`${what} (${expectedVersion}) whose reply is lost succeeds, and is stored once`, async () => {
        const streamId = `lost|${way}-${place}-${operation}-${expectedVersion}`;
        const client = faulty(place, operation, ["lost after", "lost after"]);
        const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet, leanRequests });
        const result = await store.append(streamId, events, { expectedVersion });
        expect(result).toMatchObject({
          firstVersion: 1,
          duplicate: false,
          version: events.length,
          commitId: result.events[0]?.eventId.split("/")[0],
        });
        expect(await collect(openCalm().read(streamId))).toEqual(result.events);
      });
    }
  }

  it("an append that never arrives is sent again", async () => {
    const streamId = `never|${way}-${place}`;
    const client = faulty(place, "PutItem", ["lost before", "lost before"]);
    await createEventStore({ client, tablePrefix: PREFIX, runtime: quiet, leanRequests }).append(
      streamId,
      ONE,
    );
    expect(await collect(openCalm().read(streamId))).toHaveLength(1);
  });

  it("an append that stays without a reply says so, and can be asked for with its commit id", async () => {
    const streamId = `unknown|${way}-${place}`;
    const fates: Fate[] = Array.from({ length: 12 }, () => "lost after");
    const store = createEventStore({
      client: faulty(place, "PutItem", fates),
      tablePrefix: PREFIX,
      runtime: quiet,
      leanRequests,
    });
    const failure = await store.append(streamId, ONE).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "outcomeUnknown", streamId, retryable: true });
    const { commitId } = failure as { commitId: string };
    const again = await openCalm().append(streamId, ONE, { commitId });
    expect(again).toMatchObject({ duplicate: true, version: 1, commitId });
  });

  it("appends that share a put and stay without a reply can each be asked for", async () => {
    const streamId = `unknown-group|${way}-${place}`;
    const fates: Fate[] = ["pass", ...Array.from({ length: 12 }, (): Fate => "lost before")];
    const store = createEventStore({
      client: faulty(place, "PutItem", fates),
      tablePrefix: PREFIX,
      runtime: quiet,
      leanRequests,
    });
    const [first, ...others] = await Promise.allSettled(
      Array.from({ length: 4 }, (_, number) => store.append(streamId, [{ type: "Numbered", data: number }])),
    );
    expect(first?.status).toBe("fulfilled");
    for (const [index, other] of others.entries()) {
      const { commitId } = (other as PromiseRejectedResult).reason as { commitId: string };
      const again = await openCalm().append(streamId, [{ type: "Numbered", data: index + 1 }], { commitId });
      expect(again).toMatchObject({ duplicate: false, version: index + 2, commitId });
    }
    const stored = await collect(openCalm().read(streamId));
    expect(stored.map((event) => event.data)).toEqual([0, 1, 2, 3]);
  });

  it("a transaction whose reply is lost is stored once", async () => {
    const streams = ["one", "two"].map((name) => `lost-transaction|${way}-${place}-${name}`);
    const client = faulty(place, "TransactWriteItems", ["lost after", "lost before", "lost after"]);
    const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet, leanRequests });
    const { duplicate, appends } = await store.transact(
      streams.map((streamId) => ({ streamId, events: ONE })),
    );
    expect(duplicate).toBe(false);
    for (const [index, streamId] of streams.entries()) {
      expect(await collect(openCalm().read(streamId))).toEqual(appends[index]?.events);
    }
  });

  it("a transaction that stays without a reply says so, and can be asked for with its commit id", async () => {
    for (const [expectedVersion, fate] of [
      ["any", "lost after"],
      ["noStream", "lost after"],
      ["any", "lost before"],
      ["noStream", "lost before"],
    ] as const) {
      const streams = ["one", "two"].map(
        (name) => `unknown-${expectedVersion}-${fate}|${way}-${place}-${name}`,
      );
      const writes = streams.map((streamId) => ({ streamId, events: ONE, expectedVersion }));
      const fates: Fate[] = Array.from({ length: 12 }, () => fate);
      const client = faulty(place, "TransactWriteItems", fates);
      const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet, leanRequests });
      const failure = await store.transact(writes).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "outcomeUnknown", retryable: true });
      const { commitId } = failure as { commitId: string };
      if (fate === "lost after") await openCalm().append(streams[0] ?? "", ONE, { close: true });
      const again = await openCalm().transact(writes, { commitId });
      expect(again).toMatchObject({ duplicate: fate === "lost after", commitId });
      for (const streamId of streams) {
        const stored = await collect(openCalm().read(streamId, { limit: 1 }));
        expect(stored[0]?.eventId.startsWith(commitId)).toBe(true);
      }
    }
  });

  it("a command whose reply is lost is carried out once", async () => {
    const streamId = `command|${way}-${place}`;
    const store = createEventStore({
      client: faulty(place, "PutItem", ["lost after"]),
      tablePrefix: PREFIX,
      runtime: quiet,
      leanRequests,
    });
    const decide = (_: null, count: number) => ({ type: "Counted", data: { count } });
    const decider = { initialState: () => 0, evolve: (count: number) => count + 1, decide };
    const result = await createCommandHandler({ store, decider })(streamId, null);
    expect(result).toMatchObject({ state: 1, version: 1 });
    expect(await collect(openCalm().read(streamId))).toEqual(result.events);
  });
});

it.each(WAYS)(
  "another transaction on the same items is waited for, a version conflict is not hidden (%s)",
  async (way) => {
    const leanRequests = way === "lean requests";
    const client = connect("faults");
    let sends = 0;
    injectFaults(client, "outside the SDK's retries", (operation) => {
      if (operation !== "TransactWriteItems" || ++sends > 7) return "pass";
      return Object.assign(new Error("Transaction cancelled"), {
        name: "TransactionCanceledException",
        CancellationReasons: [{ Code: "TransactionConflict" }, { Code: "None" }],
        $metadata: { httpStatusCode: 400 },
      });
    });
    const pauses: number[] = [];
    const sleep = async (ms: number): Promise<void> => void pauses.push(ms);
    const runtime = { sleep, random: () => 0.5 };
    const store = createEventStore({ client, tablePrefix: PREFIX, runtime, leanRequests });
    const writes = ["one", "two"].map((name) => ({ streamId: `kept-away|${way}-${name}`, events: ONE }));
    const { appends } = await store.transact(writes.map((write) => ({ ...write, expectedVersion: 0 })));
    expect(appends.map((each) => each.version)).toEqual([1, 1]);
    // Full jitter on a pause that doubles, up to half a second.
    expect(pauses).toEqual([10, 20, 40, 80, 160, 250, 250]);
    sends = 7;
    await openCalm().append(`kept-away|${way}-two`, ONE);
    const refused = store.transact(writes.map((write) => ({ ...write, expectedVersion: 1 })));
    await expect(refused).rejects.toMatchObject({
      code: "transactConflict",
      conflicts: [{ streamId: `kept-away|${way}-two`, expected: 1, actual: 2 }],
    });
  },
);

it.each(WAYS)("an append that may be stored is not reported as merely throttled (%s)", async (way) => {
  const leanRequests = way === "lean requests";
  const streamId = `throttled|late-${way}`;
  const client = faulty("outside the SDK's retries", "PutItem", ["lost after", "throttled"]);
  const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet, leanRequests });
  const failure = await store.append(streamId, ONE).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: "outcomeUnknown",
    cause: { name: "ProvisionedThroughputExceededException" },
  });
  const { commitId } = failure as { commitId: string };
  expect(await openCalm().append(streamId, ONE, { commitId })).toMatchObject({ duplicate: true, version: 1 });
});

it.each(WAYS)("throttling and what comes before a request pass through untouched (%s)", async (way) => {
  const leanRequests = way === "lean requests";
  const throttled = faulty("outside the SDK's retries", "PutItem", ["throttled"]);
  const open = (client: DynamoDBClient) => createEventStore({ client, tablePrefix: PREFIX, leanRequests });
  const refused = open(throttled).append("throttled|1", ONE);
  await expect(refused).rejects.toMatchObject({ name: "ProvisionedThroughputExceededException" });
  const credentials = Object.assign(new Error("no credentials"), { name: "CredentialsProviderError" });
  const client = connect("faults", { credentials: () => Promise.reject(credentials) });
  const meter = meterCapacity(client);
  await expect(open(client).append("throttled|1", ONE)).rejects.toBe(credentials);
  expect(meter.calls).toEqual([]);
  expect(await collect(openCalm().read("throttled|1"))).toEqual([]);
});

/** Of each way: the protocol has its thousands on the memory storage. More with `HISTORIES=…`. */
const SEEDS = Number(process.env["HISTORIES"] ?? 15);

it.each(WAYS)(
  `no gap, overlap, loss or duplicate in ${SEEDS} faulted histories (%s)`,
  { timeout: 300_000 },
  async (way) => {
    const problems: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) problems.push(...(await runHistoryOnDynamoDB(way, seed)));
    expect(problems).toEqual([]);
  },
);

it.each(WAYS)(
  `no transaction half written, lost, doubled or against its checks in ${SEEDS} faulted histories (%s)`,
  { timeout: 300_000 },
  async (way) => {
    const problems: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const prefix = (streamId: string): string => `${streamId}-${way}-${seed}`;
      const open = (): EventStore =>
        createEventStore({ ...unreliable(way, random), tablePrefix: PREFIX, runtime: quiet });
      const told = await runTransactions({ open: () => renamed(open(), prefix), random });
      const found = await checkTransactions(renamed(openCalm(), prefix), told);
      problems.push(...found.map((problem) => `seed ${seed}: ${problem}`));
    }
    expect(problems).toEqual([]);
  },
);

/** The same store, with streams of other names. */
function renamed(store: EventStore, prefix: (streamId: string) => string): EventStore {
  const rename = <T extends { readonly streamId: string }>(each: T): T => ({
    ...each,
    streamId: prefix(each.streamId),
  });
  return {
    ...store,
    read: (streamId, options) => store.read(prefix(streamId), options),
    load: (streamId, fold, options) => store.load(prefix(streamId), fold, options),
    transact: (writes, options) =>
      store.transact(writes.map(rename), { ...options, checks: options?.checks?.map(rename) }),
  };
}

/** A client whose requests get lost or crash the process by chance. */
function unreliable(
  way: (typeof WAYS)[number],
  random: () => number,
): { readonly client: DynamoDBClient; readonly leanRequests: boolean } {
  const client = connect("faults", { maxAttempts: 10 });
  const place = random() < 0.5 ? "inside the SDK's retries" : "outside the SDK's retries";
  injectFaults(client, place, (operation) => {
    const fate = random();
    if (fate < 0.04) return new Crash();
    // What the SDK gives up reading is the caller's to read again.
    if (operation === "Query" && place === "outside the SDK's retries") return "pass";
    if (fate < 0.1) return "lost before";
    return fate < 0.25 ? "lost after" : "pass";
  });
  return { client, leanRequests: way === "lean requests" };
}

async function runHistoryOnDynamoDB(way: (typeof WAYS)[number], seed: number): Promise<string[]> {
  const streamId = `history|${way}-${seed}`;
  const random = seededRandom(seed);
  const runtime = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random,
    sleep: async () => undefined,
  };
  const open = (): ReturnType<typeof createEventStore> => {
    const { client, leanRequests } = unreliable(way, random);
    const calls = leanRequests ? leanCalls(client) : sdkCalls(client);
    return createChainEventStore({
      storage: createDynamoDBChainStorage(client, PREFIX, calls),
      runtime,
      maxItemBytes: 700,
    });
  };
  const history = await runProcesses({ streamId, open, runtime, random });
  const storage = createDynamoDBChainStorage(calm, PREFIX);
  const window = {
    chain: streamId,
    from: 1,
    to: Number.MAX_SAFE_INTEGER,
    backward: false,
    consistency: "strong",
  } as const;
  const { items } = await storage.query(window);
  const problems = await checkHistory(history, items, openCalm().read(streamId));
  return problems.map((problem) => `seed ${seed}: ${problem}`);
}
