import type { Runtime } from "@tuppence/core";
import type { LeaseState } from "@tuppence/core/leases";
import { discoverStreams } from "./discover.ts";
import { oldestFirst, type ReadingPlan, type Shard, type ShardRef, type StreamView } from "./lineage.ts";
import { isFinishedLease, leaseOfShard, SHARD_END, shardOfLease } from "./shard-lease.ts";
import type { StreamsApi } from "./streams-api.ts";
import type { WorkerEvent } from "./worker-event.ts";
import type { WorkerGuards } from "./worker-guards.ts";

/** How long a listing of shards is good for, in ms, as long as no shard is finished. */
const LISTING_MS = 30_000;
/** The same while a listing lacks children of finished shards, or parents. */
const EAGER_LISTING_MS = 1_000;
/** How long, in ms, a parent that no listing shows is waited for before it is read all the same. */
const HIDDEN_MS = 60_000;
/** How long, in ms, a disabled stream is looked at before its shards count as all: listings lag behind. */
const SETTLED_MS = 10_000;

export interface ShardMapContext {
  readonly api: StreamsApi;
  readonly tableName: string;
  readonly runtime: Runtime;
  readonly guards: WorkerGuards;
  readonly listLeases: () => Promise<readonly LeaseState[]>;
  readonly emit: (event: WorkerEvent) => void;
}

/** The shards of a table as last seen, and which of them may be read. */
export class ShardMap {
  readonly #context: ShardMapContext;
  #streams: readonly StreamView[] = [];
  #leases: ReadonlyMap<string, LeaseState> = new Map();
  /** Finished by this worker: a list of leases may be older. */
  readonly #finishedHere = new Set<string>();
  #plan: ReadingPlan = { readable: [], waiting: [] };
  #listedAt = Number.NEGATIVE_INFINITY;
  #finishedWhenListed = -1;
  /** When each disabled stream was seen to be so first. */
  #disabledSince = new Map<string, number>();
  /** When each hidden shard was seen first. */
  #hiddenSince = new Map<string, number>();
  #newestStreamArn: string | undefined;
  #wasWithoutStream = false;

  constructor(context: ShardMapContext) {
    this.#context = context;
  }

  get plan(): ReadingPlan {
    return this.#plan;
  }

  noteFinished(shard: ShardRef): void {
    this.#finishedHere.add(leaseOfShard(shard));
  }

  /** Looks at the leases, and at the shards when their listing may be out of date. */
  async refresh(): Promise<ReadingPlan> {
    const { guards } = this.#context;
    const leases = await this.listLeases();
    this.#leases = new Map(leases.map((lease) => [lease.resource, lease]));
    for (const { resource, position } of leases) {
      if (position === SHARD_END) this.#finishedHere.delete(resource);
    }
    if (this.#isListingOld()) await this.#list();
    const settled = this.#streams.map((stream) => ({
      ...stream,
      isDisabled: stream.isDisabled && this.#isSettled(stream.streamArn),
    }));
    this.#plan = guards.plan(settled, this.#isFinished);
    return this.#plan;
  }

  /** The leases of this table's shards. */
  async listLeases(): Promise<readonly LeaseState[]> {
    return this.#context.listLeases();
  }

  readonly #isFinished = (shard: ShardRef): boolean => {
    const resource = leaseOfShard(shard);
    const lease = this.#leases.get(resource);
    return this.#finishedHere.has(resource) || (lease !== undefined && isFinishedLease(lease));
  };

  /** A listing from before a shard was finished may lack its children; without them a stream would look done. */
  #isListingOld(): boolean {
    if (this.#countFinished() !== this.#finishedWhenListed) return true;
    const ageMs = this.#context.runtime.now() - this.#listedAt;
    return ageMs < 0 || ageMs >= (this.#isIncomplete() ? EAGER_LISTING_MS : LISTING_MS);
  }

  #countFinished(): number {
    const finished = [...this.#leases.values()].filter(isFinishedLease).map(({ resource }) => resource);
    return new Set([...finished, ...this.#finishedHere]).size;
  }

  #isIncomplete(): boolean {
    return this.#streams.some(({ streamArn, isDisabled, shards }) => {
      if ([...shards.values()].some(({ isHidden }) => isHidden)) return true;
      if (isDisabled) return !this.#isSettled(streamArn);
      const parents = new Set([...shards.values()].map(({ parentShardId }) => parentShardId));
      return [...shards.keys()].some(
        (shardId) => !parents.has(shardId) && this.#isFinished({ streamArn, shardId }),
      );
    });
  }

  async #list(): Promise<void> {
    const { api, tableName, runtime } = this.#context;
    const finishedWhenListed = this.#countFinished();
    const listedAt = runtime.now();
    const unfinished = this.#unfinished();
    const isFinished = this.#isFinished;
    this.#streams = await discoverStreams(api, tableName, { unfinished, isFinished });
    this.#noteHidden(listedAt);
    this.#noteDisabled(listedAt);
    this.#finishedWhenListed = finishedWhenListed;
    this.#listedAt = listedAt;
    this.#tellOfStreams();
  }

  /** Shards that stay known whatever a listing lacks: those it showed before, and those the group has begun to read. */
  #unfinished(): Map<string, Shard[]> {
    const unfinished = new Map<string, Shard[]>();
    const add = (streamArn: string, shard: Shard): void => {
      if (this.#isFinished({ streamArn, shardId: shard.shardId })) return;
      unfinished.set(streamArn, [...(unfinished.get(streamArn) ?? []), shard]);
    };
    for (const { streamArn, shards } of this.#streams) {
      for (const shard of shards.values()) if (!shard.isHidden) add(streamArn, shard);
    }
    for (const { resource, position } of this.#leases.values()) {
      const { streamArn, shardId } = shardOfLease(resource);
      // Without a position it matters where the shard begins, which a listing tells.
      add(streamArn, { shardId, isHidden: position === undefined });
    }
    return unfinished;
  }

  /** A shard that stays hidden can't be waited for for ever; what it has is read, at worst before its own parents. */
  #noteHidden(now: number): void {
    const since = this.#hiddenSince;
    this.#hiddenSince = new Map();
    for (const { streamArn, shards } of this.#streams) {
      for (const { shardId, isHidden } of shards.values()) {
        if (!isHidden) continue;
        const resource = leaseOfShard({ streamArn, shardId });
        this.#hiddenSince.set(resource, since.get(resource) ?? now);
      }
    }
    this.#streams = this.#streams.map((stream) => {
      const shards = [...stream.shards].map(([shardId, shard]): [string, Shard] => {
        const at = this.#hiddenSince.get(leaseOfShard({ streamArn: stream.streamArn, shardId }));
        return [shardId, at !== undefined && now - at >= HIDDEN_MS ? { shardId } : shard];
      });
      return { ...stream, shards: new Map(shards) };
    });
  }

  #noteDisabled(now: number): void {
    const since = this.#disabledSince;
    const disabled = this.#streams.filter(({ isDisabled }) => isDisabled);
    this.#disabledSince = new Map(disabled.map(({ streamArn }) => [streamArn, since.get(streamArn) ?? now]));
  }

  /** Whether the listing of a disabled stream shows all that it had. */
  #isSettled(streamArn: string): boolean {
    const since = this.#disabledSince.get(streamArn);
    return since !== undefined && this.#listedAt - since >= SETTLED_MS;
  }

  #tellOfStreams(): void {
    const { emit, tableName } = this.#context;
    const newest = oldestFirst(this.#streams).at(-1);
    if (newest === undefined) {
      if (!this.#wasWithoutStream) emit({ type: "noStream", tableName });
      this.#wasWithoutStream = true;
      return;
    }
    this.#wasWithoutStream = false;
    const { streamArn: newStreamArn } = newest;
    const oldStreamArn = this.#newestStreamArn;
    this.#newestStreamArn = newStreamArn;
    if (oldStreamArn === undefined || oldStreamArn === newStreamArn) return;
    emit({ type: "streamReplaced", oldStreamArn, newStreamArn });
  }
}
