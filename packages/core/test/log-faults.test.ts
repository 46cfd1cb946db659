import { describe, expect, it } from "vitest";
import type { Item } from "../src/capacity/item-size.ts";
import { collect, counted, pseudoRandomText } from "../src/contract/fixtures.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
import { createChainSequencer, type Sequencer, SEQUENCER_GUARDS } from "../src/log/sequencer.ts";
import { SYSTEM_RUNTIME } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import { type Fate, type FaultPlace, injectFaults } from "./faults.ts";
import { Crash, type Random, seededRandom } from "./history.ts";
import { connect } from "./test-database.ts";

/** Sequencers whose requests get lost, and who crash, on a real DynamoDB Local: afterwards the log is right. */

const calm = connect("logfaults");
const quiet = { ...SYSTEM_RUNTIME, sleep: async () => undefined };

/** A table of its own, for a log of its own. */
async function openTable(prefix: string) {
  const storage = createDynamoDBChainStorage(calm, prefix);
  await storage.ensureTables();
  const records: Item[] = [];
  const store = createChainEventStore({
    storage: {
      ...storage,
      async putNew(item, signal) {
        records.push(item);
        return storage.putNew(item, signal);
      },
      async transact(transaction, signal) {
        records.push(...transaction.puts);
        return storage.transact(transaction, signal);
      },
    },
    maxItemBytes: 1_500,
  });
  return { store, records };
}

function openSequencer(prefix: string, client = calm, lookBackMs = SEQUENCER_GUARDS.lookBackMs): Sequencer {
  const storage = createDynamoDBChainStorage(client, prefix);
  return createChainSequencer({ storage, runtime: quiet, guards: { ...SEQUENCER_GUARDS, lookBackMs } });
}

/** Appends of all kinds; answers their records. */
async function write(table: Awaited<ReturnType<typeof openTable>>, name: string): Promise<Item[]> {
  const { store, records } = table;
  await store.append(`${name}|1`, counted(1, 2));
  await store.transact([1, 2].map((id) => ({ streamId: `${name}|${id}`, events: counted(1) })));
  await store.append(
    `${name}|2`,
    [1, 2].map((seed) => ({ type: "Large", data: pseudoRandomText(seed, 1_000) })),
  );
  await store.append(`${name}|2`, counted(4));
  return records.splice(0);
}

/** What is wrong with the log: each stream has to be in it once, whole and in order, at positions without a gap. */
async function problemsOf(prefix: string): Promise<string[]> {
  const store = createChainEventStore({ storage: createDynamoDBChainStorage(calm, prefix) });
  const problems: string[] = [];
  const next = new Map<string, number>();
  let position = 0;
  for (const event of await collect(store.readAll({ consistency: "strong" }))) {
    if (event.position !== ++position)
      problems.push(`position ${event.position} comes where ${position} should`);
    const version = next.get(event.streamId) ?? 1;
    if (event.version !== version)
      problems.push(`${event.streamId} ${event.version} comes where ${version} should`);
    next.set(event.streamId, event.version + 1);
  }
  for (const streamId of await collect(store.listStreams(undefined))) {
    const events = streamId.startsWith("$") ? [] : await collect(store.read(streamId));
    const logged = (next.get(streamId) ?? 1) - 1;
    if (logged < events.length)
      problems.push(`${streamId} ends at ${logged} in the log, not at ${events.length}`);
  }
  return problems;
}

/** What meets the request of a number, from 1. */
interface Fault {
  readonly place: FaultPlace;
  readonly fate: Fate;
  readonly crashes: boolean;
  readonly at: number;
}

/** A client that meets a fault at one request, and says whether it came to it. */
function fused({ place, fate, crashes, at }: Fault) {
  const client = connect("logfaults", { maxAttempts: 3 });
  const fuse = { requests: 0, isDead: false };
  injectFaults(client, place, () => {
    if (fuse.isDead) return new Crash();
    if (++fuse.requests !== at) return "pass";
    fuse.isDead = crashes;
    return fate;
  });
  return { client, fuse };
}

const FAULTS: readonly (readonly [string, Omit<Fault, "at">])[] = [
  ["a crash before it is sent", { place: "outside the SDK's retries", fate: "lost before", crashes: true }],
  [
    "a crash after it was carried out",
    { place: "outside the SDK's retries", fate: "lost after", crashes: true },
  ],
  [
    "its reply lost, sent again by the SDK",
    { place: "inside the SDK's retries", fate: "lost after", crashes: false },
  ],
  ["its reply lost for good", { place: "outside the SDK's retries", fate: "lost after", crashes: false }],
];

/** Meets a fault at each request of sequencing a batch, and answers how many there were and what went wrong. */
async function interruptEverywhere(
  prefix: string,
  {
    fault,
    rival,
    lookBackMs,
  }: { readonly fault: Omit<Fault, "at">; readonly rival: boolean; readonly lookBackMs?: number },
): Promise<{ readonly places: number; readonly problems: readonly string[] }> {
  const table = await openTable(prefix);
  for (let at = 1; at < 30; at++) {
    // The first part of the transaction never arrives, nor the first item of the large commit.
    const all = await write(table, `s${at}`);
    const records = [...all.slice(0, 1), ...all.slice(2, 3), ...all.slice(4)];
    const { client, fuse } = fused({ ...fault, at });
    const sequencer = openSequencer(prefix, client, lookBackMs);
    const failure = await sequencer.sequence(records).then(
      () => undefined,
      (error: unknown) => error,
    );
    const met = fuse.requests >= at;
    if (!met && failure !== undefined) throw failure;
    if (rival)
      await openSequencer(prefix, calm, lookBackMs).sequence([
        ...records.slice(1),
        ...(await write(table, `r${at}`)),
      ]);
    const repeater = fuse.isDead ? openSequencer(prefix, calm, lookBackMs) : sequencer;
    await repeater.sequence(all.toReversed());
    if (!met) return { places: at - 1, problems: await problemsOf(prefix) };
  }
  throw new Error("It does not end.");
}

describe("a batch that is sequenced, interrupted at each of its requests", () => {
  for (const [index, [name, fault]] of FAULTS.entries()) {
    it.each(fault.crashes ? [false, true] : [false])(
      `${name}: each event is in the log once, in order (with a rival: %s)`,
      async (rival) => {
        const { places, problems } = await interruptEverywhere(`everywhere${index}${rival}`, {
          fault,
          rival,
        });
        expect(problems).toEqual([]);
        // The log, one or two pages of it; what did not arrive: a part and an item; and the page.
        expect([4, 5]).toContain(places);
      },
    );
  }
});

/** A client whose requests get lost, or crash the process, by chance. */
function unreliable(random: Random) {
  const client = connect("logfaults", { maxAttempts: 10 });
  const place = random() < 0.5 ? "inside the SDK's retries" : "outside the SDK's retries";
  injectFaults(client, place, (operation) => {
    const fate = random();
    if (fate < 0.06) return new Crash();
    if (operation === "Query" && place === "outside the SDK's retries") return "pass";
    if (fate < 0.14) return "lost before";
    return fate < 0.3 ? "lost after" : "pass";
  });
  return client;
}

/** Two sequencers at once on the same records, which come twice, in other batches and out of order. */
async function runHistory(seed: number, lookBackMs?: number): Promise<string[]> {
  const random = seededRandom(seed);
  const prefix = `history${seed}${lookBackMs ?? ""}`;
  const table = await openTable(prefix);
  const records: Item[] = [];
  for (const name of ["a", "b", "c"]) records.push(...(await write(table, name)));
  const work = async (): Promise<void> => {
    let sequencer = openSequencer(prefix, unreliable(random), lookBackMs);
    let done = 0;
    while (done < records.length) {
      const until = done + 1 + Math.floor(random() * 6);
      const from = Math.max(0, done - Math.floor(random() * 4));
      const batch = records.slice(from, until).toSorted(() => random() - 0.5);
      try {
        await sequencer.sequence(batch);
        done = until;
      } catch {
        sequencer = openSequencer(prefix, unreliable(random), lookBackMs);
      }
    }
  };
  await Promise.all([work(), work()]);
  return (await problemsOf(prefix)).map((problem) => `seed ${seed}: ${problem}`);
}

describe("two sequencers at once, with faults by chance", () => {
  it("put each event into the log once, in order", async () => {
    const problems: string[] = [];
    for (let seed = 1; seed <= 3; seed++) problems.push(...(await runHistory(seed)));
    expect(problems).toEqual([]);
  });

  it("that is noticed when the log is not looked back at", async () => {
    expect(await runHistory(1, -1e9)).not.toEqual([]);
  });
});
