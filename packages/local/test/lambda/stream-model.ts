import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import type { Shard } from "../../src/lambda/shard-lineage.ts";
import type { RecordPage, ShardPosition, StreamSource } from "../../src/lambda/stream-source.ts";
import { insertOf } from "./records.ts";

interface ModelShard {
  readonly id: string;
  readonly parentId: string | undefined;
  closed: boolean;
  /** How many of its records are trimmed. */
  trimmed: number;
  readonly records: _Record[];
}

/** A stream in memory that does what DynamoDB Local cannot be made to do: roll over, split, trim, expire iterators. */
export class StreamModel implements StreamSource {
  readonly streamArn = "arn:aws:dynamodb:eu-central-1:123456789012:table/items/stream/1";
  readonly pageSize: number;
  /** While true, each iterator is good for nothing any more. */
  expired = false;
  #shards: ModelShard[] = [];
  #sequenceNumber = 0;
  #made = 0;

  constructor(pageSize = 1_000) {
    this.pageSize = pageSize;
    this.#add(undefined);
  }

  /** Writes a record for the item to an open shard, by default the newest; returns its sequence number. */
  write(id: string, options: { readonly shard?: string; readonly at?: Date } = {}): string {
    const open = this.#shards.filter((each) => !each.closed);
    const shard = open.find((each) => each.id === options.shard) ?? open.at(-1);
    if (shard === undefined) throw new Error("No shard is open");
    this.#sequenceNumber += 1;
    shard.records.push(insertOf(id, this.#sequenceNumber, options.at));
    return String(this.#sequenceNumber);
  }

  /** Closes the open shards; each gets this many children, whose ids come back. */
  rollOver(children = 1): readonly string[] {
    const parents = this.#shards.filter((shard) => !shard.closed);
    for (const parent of parents) parent.closed = true;
    return parents.flatMap(({ id }) => Array.from({ length: children }, () => this.#add(id)));
  }

  /** Drops this many of a shard's oldest records, and with the last record the closed shard. */
  trim(shardId: string, records: number): void {
    const shard = this.#get(shardId);
    shard.trimmed = records;
    if (shard.closed && shard.trimmed >= shard.records.length) {
      this.#shards = this.#shards.filter((each) => each !== shard);
    }
  }

  get shardIds(): readonly string[] {
    return this.#shards.map(({ id }) => id);
  }

  async listShards(): Promise<readonly Shard[]> {
    return this.#shards.map(({ id, parentId, closed }) => ({ id, parentId, closed }));
  }

  async openIterator(shardId: string, position: ShardPosition): Promise<string> {
    const { records, trimmed } = this.#get(shardId);
    this.expired = false;
    if (position === "TRIM_HORIZON") return `${shardId}:${trimmed}`;
    if (position === "LATEST") return `${shardId}:${records.length}`;
    const after = records.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === position.after);
    if (after + 1 < trimmed) throw named("TrimmedDataAccessException");
    return `${shardId}:${after + 1}`;
  }

  async read(iterator: string): Promise<RecordPage> {
    if (this.expired) throw named("ExpiredIteratorException");
    const [shardId = "", from = ""] = iterator.split(":");
    const { records, trimmed, closed } = this.#get(shardId);
    if (Number(from) < trimmed) throw named("TrimmedDataAccessException");
    const to = Math.min(Number(from) + this.pageSize, records.length);
    const ended = closed && to === records.length;
    return {
      records: records.slice(Number(from), to),
      nextIterator: ended ? undefined : `${shardId}:${to}`,
    };
  }

  close(): void {
    this.#shards = [];
  }

  #add(parentId: string | undefined): string {
    const id = `shard-${(this.#made += 1)}`;
    this.#shards.push({ id, parentId, closed: false, trimmed: 0, records: [] });
    return id;
  }

  #get(shardId: string): ModelShard {
    const shard = this.#shards.find(({ id }) => id === shardId);
    if (shard === undefined) throw named("ResourceNotFoundException");
    return shard;
  }
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
