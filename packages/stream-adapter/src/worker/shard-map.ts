import type { Runtime } from "@tuppence/core";
import type { LeaseState } from "@tuppence/core/leases";
import { discoverStreams } from "./discover.ts";
import { oldestFirst, type ReadingPlan, type ShardRef, type StreamView } from "./lineage.ts";
import { isFinishedLease, leaseOfShard, SHARD_END, shardOfLease } from "./shard-lease.ts";
import type { StreamsApi } from "./streams-api.ts";
import type { WorkerEvent } from "./worker-event.ts";
import type { WorkerGuards } from "./worker-guards.ts";

/** How long a listing of shards is good for, in ms, as long as no shard is finished. */
const LISTING_MS = 30_000;
/** The same while shards are finished whose children are not listed yet. */
const EAGER_LISTING_MS = 1_000;

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
    this.#plan = guards.plan(this.#streams, this.#isFinished);
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
    return ageMs < 0 || ageMs >= (this.#lacksChildren() ? EAGER_LISTING_MS : LISTING_MS);
  }

  #countFinished(): number {
    const finished = [...this.#leases.values()].filter(isFinishedLease).map(({ resource }) => resource);
    return new Set([...finished, ...this.#finishedHere]).size;
  }

  #lacksChildren(): boolean {
    return this.#streams.some(({ streamArn, isDisabled, shards }) => {
      if (isDisabled) return false;
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
    const seen = this.#streams.flatMap(({ streamArn, shards }) =>
      [...shards.keys()].map((shardId) => ({ streamArn, shardId })),
    );
    const leased = [...this.#leases.keys()].map(shardOfLease);
    const unfinished = [...seen, ...leased].filter((shard) => !this.#isFinished(shard));
    const isFinished = this.#isFinished;
    this.#streams = await discoverStreams(api, tableName, { unfinished, isFinished });
    this.#finishedWhenListed = finishedWhenListed;
    this.#listedAt = listedAt;
    this.#tellOfStreams();
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
