import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";
import { collect } from "../src/contract/fixtures.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
import { createEventStore, decideAcross, type EventStore, meterCapacity } from "../src/index.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import { runDecisions } from "./decisions-model.ts";
import { type Fate, type FaultPlace, injectFaults } from "./faults.ts";
import { Crash, seededRandom } from "./history.ts";
import { connect } from "./test-database.ts";
import { checkTransactions } from "./transact-model.ts";

/** Faults in the real client's middleware, on a real DynamoDB Local, below decisions over several streams. */

const PREFIX = "decisions";
const PLACES = ["inside the SDK's retries", "outside the SDK's retries"] as const;
const calm = connect("decisionfaults");
const openCalm = (): EventStore => createEventStore({ client: calm, tablePrefix: PREFIX });
const quiet = { random: Math.random, sleep: async () => undefined };
const counting = { initialState: () => 0, evolve: (count: number) => count + 1 };

beforeAll(() => openCalm().ensureTables());

function take(store: EventStore, streams: readonly string[], commitId?: string) {
  return decideAcross(
    store,
    async ({ load }) => {
      const counts = await Promise.all(streams.map((streamId) => load(streamId, counting)));
      if (counts.some((count) => count > 0)) throw new Error("taken");
      return streams.map((streamId) => ({ streamId, events: [{ type: "Taken", data: null }] }));
    },
    { commitId, runtime: quiet },
  );
}

describe.each<FaultPlace>(PLACES)("%s", (place) => {
  const faulty = (fates: readonly Fate[]): EventStore => {
    const client = connect("decisionfaults", { maxAttempts: 3 });
    const left = [...fates];
    injectFaults(
      client,
      place,
      (operation) => (operation === "TransactWriteItems" ? left.shift() : undefined) ?? "pass",
    );
    return createEventStore({ client, tablePrefix: PREFIX, runtime: quiet });
  };

  it("a decision whose reply is lost is stored once, and not refused because of itself", async () => {
    const streams = ["one", "two"].map((name) => `lost|${place} ${name}`);
    const { duplicate, attempts, appends } = await take(faulty(["lost after", "lost after"]), streams);
    expect({ duplicate, attempts }).toEqual({ duplicate: false, attempts: 1 });
    for (const [index, streamId] of streams.entries())
      expect(await collect(openCalm().read(streamId))).toEqual(appends[index]?.events);
  });

  it("a decision that stays without a reply says so, and its repetition has the first result", async () => {
    for (const fate of ["lost after", "lost before"] as const) {
      const streams = ["one", "two"].map((name) => `unknown|${place} ${fate} ${name}`);
      const failure = await take(faulty(Array.from({ length: 12 }, () => fate)), streams).catch(
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({ code: "outcomeUnknown", retryable: true });
      const { commitId } = failure as { commitId: string };
      const again = await take(openCalm(), streams, commitId);
      expect(again).toMatchObject({ duplicate: fate === "lost after", commitId });
      expect(again.appends.map(({ streamId }) => streamId)).toEqual(streams);
      await expect(take(openCalm(), streams)).rejects.toThrow("taken");
    }
  });
});

it("a look at many streams at once that loses its reply is repeated", async () => {
  const client = connect("decisionfaults", { maxAttempts: 1 });
  const fates: Fate[] = ["lost before", "lost after"];
  injectFaults(
    client,
    "outside the SDK's retries",
    (operation) => (operation === "TransactGetItems" ? fates.shift() : undefined) ?? "pass",
  );
  const meter = meterCapacity(client);
  const store = createEventStore({ client, tablePrefix: PREFIX, runtime: quiet });
  const streams = ["look|one", "look|two"];
  await openCalm().append("look|one", [{ type: "Taken", data: null }]);
  await expect(take(store, streams)).rejects.toThrow("taken");
  expect(meter.calls.map(({ operation }) => operation)).toEqual([
    "Query",
    "Query",
    ...Array(2).fill("TransactGetItems"),
  ]);
});

/** The protocol has its hundreds on the memory storage. More with `HISTORIES=…`. */
const SEEDS = Number(process.env["HISTORIES"] ?? 12);

it(`every decision and refusal has its place in one order, with crashes and lost replies, in ${SEEDS} histories`, {
  timeout: 300_000,
}, async () => {
  const problems: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const nameOf = (streamId: string): string => `${streamId}-${seed}`;
    const runtime = { ...quiet, now: () => Date.now(), monotonic: () => performance.now(), random };
    const open = (): EventStore =>
      createChainEventStore({
        storage: createDynamoDBChainStorage(unreliable(random), PREFIX),
        runtime,
        maxItemBytes: 900,
      });
    const told = await runDecisions({ open, random, runtime, nameOf });
    const store = openCalm();
    const renamed = { ...store, read: (streamId: string) => store.read(nameOf(streamId)) };
    problems.push(...(await checkTransactions(renamed, told)).map((problem) => `seed ${seed}: ${problem}`));
  }
  expect(problems).toEqual([]);
});

/** A client whose requests get lost or crash the process by chance. */
function unreliable(random: () => number): DynamoDBClient {
  const client = connect("decisionfaults", { maxAttempts: 10 });
  const place = random() < 0.5 ? PLACES[0] : PLACES[1];
  injectFaults(client, place, (operation) => {
    const fate = random();
    if (fate < 0.04) return new Crash();
    // What the SDK gives up reading is the caller's to read again.
    if (operation === "Query" && place === PLACES[1]) return "pass";
    if (fate < 0.1) return "lost before";
    return fate < 0.25 ? "lost after" : "pass";
  });
  return client;
}
