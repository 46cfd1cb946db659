import { setMaxListeners } from "node:events";
import type { Delivery, MappingStats } from "./deliver-batch.ts";
import type { MappingSettings } from "./mapping-settings.ts";
import { type Runtime, SYSTEM_RUNTIME } from "./runtime.ts";
import { readableShards, type Shard } from "./shard-lineage.ts";
import { type ReadOutcome, ShardReader } from "./shard-reader.ts";
import type { StreamSource } from "./stream-source.ts";

/** How long to wait when there was nothing to read, in milliseconds. Lambda waits 250: it polls four times a second. */
const POLL_INTERVAL_MS = 50;

/** A mapping that runs. */
export interface EventSourceMapping extends AsyncDisposable {
  /** Resolves when the mapping has stopped; rejects when it ended by itself, because the stream cannot be read. */
  readonly done: Promise<void>;
  /** What has happened so far. */
  readonly stats: MappingStats;
  /**
   * Resolves when every record that was written before this call is done, filtered out or given up.
   *
   * @throws what `done` rejects with, or an Error when the mapping has been stopped
   */
  whenCaughtUp(): Promise<void>;
  /** Stops reading, and resolves when the invocations under way have ended. It keeps no checkpoint. */
  stop(): Promise<void>;
}

/** Starts to read a stream and to drive the function. */
export async function runEventSourceMapping(
  source: StreamSource,
  settings: MappingSettings,
  runtime: Runtime = SYSTEM_RUNTIME,
): Promise<EventSourceMapping> {
  const mapping = new RunningMapping(source, settings, runtime);
  await mapping.open();
  mapping.run();
  return mapping;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class RunningMapping implements EventSourceMapping {
  readonly #source: StreamSource;
  readonly #stopping = new AbortController();
  readonly #delivery: Delivery;
  readonly #readers = new Map<string, ShardReader>();
  #finished = new Set<string>();
  readonly #waiters: Waiter[] = [];
  #failure: { readonly error: unknown } | undefined;
  #over = false;
  #done: Promise<void> = Promise.resolve();

  constructor(source: StreamSource, settings: MappingSettings, runtime: Runtime) {
    this.#source = source;
    // Each lane of each shard waits with it: more than Node takes for a leak.
    setMaxListeners(0, this.#stopping.signal);
    // arn:aws:dynamodb:<region>:<account>:table/…
    const [, , , region = "", account = ""] = source.streamArn.split(":");
    this.#delivery = {
      settings,
      runtime,
      functionArn: `arn:aws:lambda:${region}:${account}:function:${settings.function.name}`,
      stats: { invocations: 0, failures: 0, delivered: 0, filtered: 0, discarded: 0, gaps: 0 },
      stopping: this.#stopping.signal,
    };
  }

  get done(): Promise<void> {
    return this.#done;
  }

  get stats(): MappingStats {
    return { ...this.#delivery.stats };
  }

  /** With LATEST, fixes the places after which records count, before anything else is written. */
  async open(): Promise<void> {
    if (this.#delivery.settings.startingPosition === "TRIM_HORIZON") return;
    const shards = await this.#source.listShards();
    for (const shard of shards) if (shard.closed) this.#finished.add(shard.id);
    const open = shards.filter((shard) => !shard.closed);
    await Promise.all(open.map((shard) => this.#reader(shard, "LATEST").open()));
  }

  run(): void {
    this.#done = this.#run();
  }

  whenCaughtUp(): Promise<void> {
    if (this.#failure !== undefined || this.#over || this.#stopping.signal.aborted) {
      return Promise.reject(this.#reasonOfEnd());
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) {
        // Who asks later needs a round of their own.
        const waiting = this.#waiters.length;
        const outcome = await this.#round();
        // Lanes that were stopped look idle, whatever they have left undone.
        if (this.#stopping.signal.aborted) break;
        if (outcome === "quiet") for (const { resolve } of this.#waiters.splice(0, waiting)) resolve();
        if (outcome !== "busy") {
          await this.#delivery.runtime.sleep(POLL_INTERVAL_MS, this.#stopping.signal);
        }
      }
    } catch (error) {
      this.#fail(error);
    }
    await Promise.all(Array.from(this.#readers.values(), (reader) => reader.ended()));
    this.#source.close();
    this.#over = true;
    for (const { reject } of this.#waiters.splice(0)) reject(this.#reasonOfEnd());
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Reads each shard once; `quiet` when nothing is left to do anywhere. */
  async #round(): Promise<ReadOutcome> {
    const shards = await this.#source.listShards();
    const listed = new Set(shards.map((shard) => shard.id));
    this.#finished = new Set(Array.from(this.#finished).filter((id) => listed.has(id)));
    const outcomes = await Promise.all(
      readableShards(shards, this.#finished).map((shard) => this.#readShard(shard)),
    );
    if (outcomes.includes("busy")) return "busy";
    for (const [id, reader] of this.#readers) if (!listed.has(id) && reader.idle) this.#readers.delete(id);
    const idle = Array.from(this.#readers.values()).every((reader) => reader.idle);
    return idle && outcomes.every((outcome) => outcome === "quiet") ? "quiet" : "blocked";
  }

  async #readShard(shard: Shard): Promise<ReadOutcome> {
    const outcome = await this.#reader(shard, "TRIM_HORIZON").read();
    if (outcome !== "finished") return outcome;
    this.#finished.add(shard.id);
    this.#readers.delete(shard.id);
    // Its children can be read now.
    return "busy";
  }

  #reader({ id }: Shard, position: "TRIM_HORIZON" | "LATEST"): ShardReader {
    const known = this.#readers.get(id);
    if (known !== undefined) return known;
    const reader = new ShardReader({
      source: this.#source,
      delivery: this.#delivery,
      shardId: id,
      position,
      onError: (error) => this.#fail(error),
    });
    this.#readers.set(id, reader);
    return reader;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stopping.abort();
  }

  #reasonOfEnd(): unknown {
    return this.#failure === undefined
      ? new Error("The event source mapping was stopped")
      : this.#failure.error;
  }
}
