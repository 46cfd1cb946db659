import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";
import { collect, pseudoRandomText } from "../src/contract/fixtures.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
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

describe.each<FaultPlace>(["inside the SDK's retries", "outside the SDK's retries"])("%s", (place) => {
  for (const [what, operation, events] of [
    ["an append", "PutItem", ONE],
    ["an append of several items", "TransactWriteItems", LARGE],
  ] as const) {
    for (const expectedVersion of ["any", "noStream", 0] as const) {
      it(`${what} (${expectedVersion}) whose reply is lost succeeds, and is stored once`, async () => {
        const streamId = `lost|${place}-${operation}-${expectedVersion}`;
        const client = faulty(place, operation, ["lost after", "lost after"]);
        const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet });
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
    const streamId = `never|${place}`;
    const client = faulty(place, "PutItem", ["lost before", "lost before"]);
    await createEventStore({ client, tablePrefix: PREFIX, runtime: quiet }).append(streamId, ONE);
    expect(await collect(openCalm().read(streamId))).toHaveLength(1);
  });

  it("an append that stays without a reply says so, and can be asked for with its commit id", async () => {
    const streamId = `unknown|${place}`;
    const fates: Fate[] = Array.from({ length: 12 }, () => "lost after");
    const store = createEventStore({
      client: faulty(place, "PutItem", fates),
      tablePrefix: PREFIX,
      runtime: quiet,
    });
    const failure = await store.append(streamId, ONE).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "outcomeUnknown", streamId, retryable: true });
    const { commitId } = failure as { commitId: string };
    const again = await openCalm().append(streamId, ONE, { commitId });
    expect(again).toMatchObject({ duplicate: true, version: 1, commitId });
  });

  it("appends that share a put and stay without a reply can each be asked for", async () => {
    const streamId = `unknown-group|${place}`;
    const fates: Fate[] = ["pass", ...Array.from({ length: 12 }, (): Fate => "lost before")];
    const store = createEventStore({
      client: faulty(place, "PutItem", fates),
      tablePrefix: PREFIX,
      runtime: quiet,
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
    const streams = ["one", "two"].map((name) => `lost-transaction|${place}-${name}`);
    const client = faulty(place, "TransactWriteItems", ["lost after", "lost before", "lost after"]);
    const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet });
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
      const streams = ["one", "two"].map((name) => `unknown-${expectedVersion}-${fate}|${place}-${name}`);
      const writes = streams.map((streamId) => ({ streamId, events: ONE, expectedVersion }));
      const fates: Fate[] = Array.from({ length: 12 }, () => fate);
      const client = faulty(place, "TransactWriteItems", fates);
      const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet });
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
    const streamId = `command|${place}`;
    const store = createEventStore({
      client: faulty(place, "PutItem", ["lost after"]),
      tablePrefix: PREFIX,
      runtime: quiet,
    });
    const decide = (_: null, count: number) => ({ type: "Counted", data: { count } });
    const decider = { initialState: () => 0, evolve: (count: number) => count + 1, decide };
    const result = await createCommandHandler({ store, decider })(streamId, null);
    expect(result).toMatchObject({ state: 1, version: 1 });
    expect(await collect(openCalm().read(streamId))).toEqual(result.events);
  });
});

it("an append that may be stored is not reported as merely throttled", async () => {
  const streamId = "throttled|late";
  const client = faulty("outside the SDK's retries", "PutItem", ["lost after", "throttled"]);
  const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet });
  const failure = await store.append(streamId, ONE).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: "outcomeUnknown",
    cause: { name: "ProvisionedThroughputExceededException" },
  });
  const { commitId } = failure as { commitId: string };
  expect(await openCalm().append(streamId, ONE, { commitId })).toMatchObject({ duplicate: true, version: 1 });
});

it("throttling and what comes before a request pass through untouched", async () => {
  const throttled = faulty("outside the SDK's retries", "PutItem", ["throttled"]);
  const refused = createEventStore({ client: throttled, tablePrefix: PREFIX }).append("throttled|1", ONE);
  await expect(refused).rejects.toMatchObject({ name: "ProvisionedThroughputExceededException" });
  const credentials = Object.assign(new Error("no credentials"), { name: "CredentialsProviderError" });
  const client = connect("faults", { credentials: () => Promise.reject(credentials) });
  const meter = meterCapacity(client);
  await expect(createEventStore({ client, tablePrefix: PREFIX }).append("throttled|1", ONE)).rejects.toBe(
    credentials,
  );
  expect(meter.calls).toEqual([]);
  expect(await collect(openCalm().read("throttled|1"))).toEqual([]);
});

it("no gap, overlap, loss or duplicate in histories with crashes, lost replies and throttling", async () => {
  const problems: string[] = [];
  for (let seed = 1; seed <= 60; seed++) problems.push(...(await runHistoryOnDynamoDB(seed)));
  expect(problems).toEqual([]);
});

it("no transaction half written, lost, doubled or against its checks, with crashes and lost replies", async () => {
  const problems: string[] = [];
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const client = connect("faults");
    const prefix = (streamId: string): string => `${streamId}-${seed}`;
    const open = (): EventStore =>
      createEventStore({ client: unreliable(random), tablePrefix: PREFIX, runtime: quiet });
    const told = await runTransactions({ open: () => renamed(open(), prefix), random });
    const calmStore = renamed(createEventStore({ client, tablePrefix: PREFIX }), prefix);
    const found = await checkTransactions(calmStore, told);
    problems.push(...found.map((problem) => `seed ${seed}: ${problem}`));
  }
  expect(problems).toEqual([]);
});

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
function unreliable(random: () => number): DynamoDBClient {
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
  return client;
}

async function runHistoryOnDynamoDB(seed: number): Promise<string[]> {
  const streamId = `history|${seed}`;
  const random = seededRandom(seed);
  const runtime = { now: () => Date.now(), random, sleep: async () => undefined };
  const open = (): ReturnType<typeof createEventStore> => {
    const client = unreliable(random);
    return createChainEventStore({
      storage: createDynamoDBChainStorage(client, PREFIX),
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
