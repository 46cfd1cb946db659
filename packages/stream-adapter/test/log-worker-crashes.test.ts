import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createEventStore } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { createLogWorker } from "../src/index.ts";
import { collect, nothingWritten, pageEnds, type Place, placeOf, problemsOf, write } from "./log-traffic.ts";

const PROGRAM = fileURLToPath(new URL("log-worker-process.mjs", import.meta.url));
const WORKERS = 3;
const EVENTS = 20_000;
const BLOWS = 5;

/** Another with `SEED=…`. */
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const config = (await startDynamoDBLocal({ log: false })).clientConfig("logcrashes");

const options = {
  tablePrefix: "crashes",
  batchSize: 50,
  maxIdleMs: 200,
  leaseDurationMs: 1_000,
};

/** A worker in a process of its own. */
interface WorkerProcess {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly errors: string[];
}

function startWorker(): WorkerProcess {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ config, ...options })], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const started: WorkerProcess = { child, lines: [], errors: [] };
  createInterface({ input: child.stdout }).on("line", (line) => started.lines.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => started.errors.push(line));
  return started;
}

async function kill({ child }: WorkerProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** Hits workers whenever the log has come some way: right after a page was put, and before its position is stored. */
class Blows {
  readonly all: WorkerProcess[] = [];
  readonly #running: WorkerProcess[];
  readonly #random: () => number;
  readonly #at: number[];
  #frozen: WorkerProcess | undefined;
  dealt = 0;

  constructor(random: () => number) {
    this.#random = random;
    this.#running = Array.from({ length: WORKERS }, () => this.#start());
    const part = EVENTS / (BLOWS + 1);
    this.#at = Array.from({ length: BLOWS }, (_, index) => (index + 0.5 + random()) * part);
  }

  async reached(position: number): Promise<void> {
    if (position < (this.#at[0] ?? Number.POSITIVE_INFINITY)) return;
    this.#at.shift();
    this.dealt += 1;
    // The one that was asleep goes on with leases that others have now.
    this.#frozen?.child.kill("SIGCONT");
    this.#frozen = undefined;
    const index = this.#random() < 0.8 ? this.#busiest() : Math.floor(this.#random() * WORKERS);
    const hit = this.#running[index];
    if (hit === undefined) return;
    if (this.#random() < 0.35) {
      hit.child.kill("SIGSTOP");
      this.#frozen = hit;
    } else {
      await kill(hit);
      this.#running[index] = this.#start();
    }
  }

  /** Lets the one that is asleep go on, and waits until it knows that it lost what it had. */
  async wakeFrozen(): Promise<void> {
    const { child, lines } = this.#frozen ?? {};
    if (child === undefined || lines === undefined) return;
    const before = lines.length;
    child.kill("SIGCONT");
    if (lines.lastIndexOf("shardStarted") > lastLoss(lines)) {
      await vi.waitUntil(() => lines.slice(before).includes("leaseLost"), { timeout: 60_000 });
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map(kill));
  }

  #start(): WorkerProcess {
    const started = startWorker();
    this.all.push(started);
    return started;
  }

  /** Who has the shard, as far as one can see from outside. */
  #busiest(): number {
    return Math.max(
      0,
      this.#running.findLastIndex(({ lines }) => lines.lastIndexOf("shardStarted") > lastLoss(lines)),
    );
  }
}

function lastLoss(lines: readonly string[]): number {
  return lines.findLastIndex((line) => line === "leaseLost" || line === "shardReleased");
}

describe("log workers", () => {
  it("that are killed and frozen again and again bring every event into the log once", {
    timeout: 600_000,
  }, async () => {
    console.info(`Workers are killed and frozen by SEED=${seed}`);
    const client = new DynamoDBClient(config);
    const store = createEventStore({ client, tablePrefix: options.tablePrefix });
    await store.ensureTables();
    const streams = new DynamoDBStreamsClient(config);
    await createLogWorker({ client, streams, ...options }).ensureTables();
    const blows = new Blows(seededRandom(seed));
    onTestFinished(() => blows.end());
    const written = nothingWritten();
    const failed = new AbortController();
    let isWritten = false;
    const traffic = { events: EVENTS, streams: 100, eventsPerCommit: 20, random: seededRandom(seed + 1) };
    const writing = writeAll();
    async function writeAll(): Promise<void> {
      try {
        await write(store, traffic, written);
        isWritten = true;
      } catch (error) {
        failed.abort(error);
      }
    }
    const seen: Place[] = [];
    for await (const { events, position } of store.subscribeAll({
      pollIntervalMs: 10,
      signal: failed.signal,
    })) {
      seen.push(...events.map(placeOf));
      await blows.reached(position);
      if (isWritten && position >= written.events) break;
    }
    await writing;
    failed.signal.throwIfAborted();
    // The one that sleeps still, if any, has its say, too.
    await blows.wakeFrozen();
    const log = await collect(store.readAll({ consistency: "strong" }));
    expect(problemsOf(log, written, await pageEnds(client, options.tablePrefix))).toEqual([]);
    expect(seen).toEqual(log);
    expect(blows.dealt).toBe(BLOWS);
    const lines = blows.all.flatMap((each) => each.lines);
    // Whoever took over began where the one before had got to.
    expect(lines.filter((line) => line === "shardStarted").length).toBeGreaterThan(2);
    expect(lines.filter((line) => /^(late|gap|failed|blocked)/.test(line))).toEqual([]);
  });
});
