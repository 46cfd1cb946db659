import type { _Record, AttributeValue } from "@aws-sdk/client-dynamodb-streams";
import type { IteratorStart, RecordsPage, ShardListPage, StreamsApi } from "../src/worker/streams-api.ts";

/**
 * DynamoDB Streams of one table in memory, with what DynamoDB Local does not do: splits, throttles, pages that end early or
 * are empty, iterators that expire, records that are trimmed, listings that lag behind, parts of a transaction that arrive
 * apart. All of it follows from the random numbers and the clock that it is given.
 */

export interface StreamsModelOptions {
  readonly random: () => number;
  /** Epoch ms. */
  readonly now: () => number;
  readonly tableName?: string;
  /** Shards of a listing's page. */
  readonly shardsPerPage?: number;
}

/** How likely what goes wrong is, for each call. All 0: the service at its best. */
export interface StreamsFaults {
  readonly throttle: number;
  readonly failure: number;
  readonly lostReply: number;
  readonly expiredIterator: number;
  readonly emptyPage: number;
  readonly shortPage: number;
  /** That a shard is missing in a listing that may show its children: pages are of different moments. */
  readonly unlistedShard: number;
}

export const NO_FAULTS: StreamsFaults = {
  throttle: 0,
  failure: 0,
  lostReply: 0,
  expiredIterator: 0,
  emptyPage: 0,
  shortPage: 0,
  unlistedShard: 0,
};

/** What is written: the change of one item. `images` may be large. */
export interface ModelChange {
  readonly keys: Readonly<Record<string, AttributeValue>>;
  readonly newImage?: Readonly<Record<string, AttributeValue>>;
  readonly change?: "INSERT" | "MODIFY" | "REMOVE";
  readonly sizeBytes?: number;
}

export interface ModelShard {
  readonly shardId: string;
  readonly parent: ModelShard | undefined;
  /** Of the hashes of its items. */
  readonly from: number;
  readonly to: number;
  readonly startsAt: bigint;
  readonly records: _Record[];
  isOpen: boolean;
  /** How many of the records, from the first, are not kept any more. */
  trimmed: number;
  /** Whether it is gone altogether. */
  isGone: boolean;
  /** When a listing shows it, and shows it as closed. */
  readonly listedAt: number;
}

export interface ModelStream {
  readonly streamArn: string;
  readonly shards: ModelShard[];
  isEnabled: boolean;
  isGone: boolean;
}

const MAX_PAGE_BYTES = 1024 * 1024;
const ITERATOR_MS = 15 * 60_000;
const MAX_CALLS_PER_SECOND = 10;

export class StreamsModel implements StreamsApi {
  readonly streams: ModelStream[] = [];
  faults: StreamsFaults = NO_FAULTS;
  /** Requests for records, to be counted. */
  recordsCalls = 0;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #tableName: string;
  readonly #shardsPerPage: number;
  /** Changes whose records come later, in their order. */
  #pending: { readonly key: string; readonly dueAt: number; readonly change: ModelChange }[] = [];
  /** Few digits, which become more. */
  #lastNumber = 90n;
  #lastShard = 0;
  readonly #calls = new Map<string, number[]>();

  constructor({ random, now, tableName = "table", shardsPerPage = 3 }: StreamsModelOptions) {
    this.#random = random;
    this.#now = now;
    this.#tableName = tableName;
    this.#shardsPerPage = shardsPerPage;
  }

  // What the table's owner and the service do.

  enable(shards = 1): ModelStream {
    this.disable();
    const label = `2026-01-01T00:00:${String(this.streams.length).padStart(2, "0")}.000`;
    const streamArn = `arn:aws:dynamodb:eu-west-1:000000000000:table/${this.#tableName}/stream/${label}`;
    const stream: ModelStream = { streamArn, shards: [], isEnabled: true, isGone: false };
    this.streams.push(stream);
    for (let i = 0; i < shards; i++) {
      stream.shards.push(this.#newShard({ parent: undefined, from: i / shards, to: (i + 1) / shards }));
    }
    return stream;
  }

  disable(): void {
    const stream = this.#current();
    if (stream === undefined) return;
    this.publishAll();
    for (const shard of stream.shards) shard.isOpen = false;
    stream.isEnabled = false;
  }

  /** Writes an item; its record is there at once, unless an earlier one of the same item is not. */
  write(change: ModelChange): void {
    this.#publishDue();
    const key = keyText(change);
    if (this.#pending.some((each) => each.key === key)) this.#pending.push({ key, dueAt: 0, change });
    else this.#publish(change);
  }

  /** Writes items at once; their records come apart, up to `spreadMs` later and in any order. */
  writeTransaction(changes: readonly ModelChange[], spreadMs = 500): void {
    this.#publishDue();
    for (const change of changes) {
      this.#pending.push({
        key: keyText(change),
        dueAt: this.#now() + this.#random() * spreadMs,
        change,
      });
    }
  }

  /** Closes an open shard; one child takes its place, or two. */
  splitShard(children: 1 | 2): void {
    const stream = this.#current();
    const open = stream?.shards.filter(({ isOpen }) => isOpen) ?? [];
    const parent = open[Math.floor(this.#random() * open.length)];
    if (stream === undefined || parent === undefined) return;
    this.#publishDue();
    parent.isOpen = false;
    const middle = (parent.from + parent.to) / 2;
    const bounds = children === 1 ? [parent.from, parent.to] : [parent.from, middle, parent.to];
    for (const [index, to] of bounds.slice(1).entries()) {
      stream.shards.push(this.#newShard({ parent, from: bounds[index] ?? 0, to }));
    }
  }

  /** Closes all open shards, as DynamoDB does every few hours. */
  rollOver(): void {
    const count = this.#current()?.shards.filter(({ isOpen }) => isOpen).length ?? 0;
    for (let i = 0; i < count; i++) this.splitShard(1);
  }

  /** Trims the oldest records of a shard; one that is closed and empty goes, once its parent has gone. */
  trim(shard: ModelShard, records: number): void {
    shard.trimmed = Math.min(shard.records.length, shard.trimmed + records);
    const isEmpty = !shard.isOpen && shard.trimmed === shard.records.length;
    if (isEmpty && (shard.parent === undefined || shard.parent.isGone)) shard.isGone = true;
  }

  /** Removes a disabled stream with all that it had. */
  forget(stream: ModelStream): void {
    for (const shard of stream.shards) {
      shard.trimmed = shard.records.length;
      shard.isGone = true;
    }
    stream.isGone = true;
  }

  publishAll(): void {
    for (const { change } of this.#pending.splice(0)) this.#publish(change);
  }

  // What consumers call.

  async listStreams(): ReturnType<StreamsApi["listStreams"]> {
    this.#goWrong("listStreams");
    const streamArns = this.streams.filter(({ isGone }) => !isGone).map(({ streamArn }) => streamArn);
    return { streamArns: streamArns.reverse(), lastStreamArn: undefined };
  }

  async describeStream({
    streamArn,
    afterShardId,
  }: {
    readonly streamArn: string;
    readonly afterShardId: string | undefined;
  }): Promise<ShardListPage> {
    this.#goWrong("describeStream");
    const stream = this.#stream(streamArn);
    const visible = stream.shards.filter(
      (shard) =>
        !shard.isGone &&
        shard.listedAt <= this.#now() &&
        !(stream.shards.some(({ parent }) => parent === shard) && this.#happens("unlistedShard")),
    );
    const rest = visible.filter(({ shardId }) => afterShardId === undefined || shardId > afterShardId);
    const page = rest.slice(0, this.#shardsPerPage);
    return {
      isDisabled: !stream.isEnabled,
      lastShardId: rest.length > page.length ? page.at(-1)?.shardId : undefined,
      shards: page.map(({ shardId, parent, startsAt }) => ({
        shardId,
        parentShardId: parent?.shardId,
        startingSequenceNumber: String(startsAt),
      })),
    };
  }

  async getShardIterator({
    streamArn,
    shardId,
    start,
  }: {
    readonly streamArn: string;
    readonly shardId: string;
    readonly start: IteratorStart | { readonly type: "LATEST" };
  }): Promise<string> {
    this.#goWrong("getShardIterator");
    const shard = this.#shard(streamArn, shardId);
    return iteratorText({ streamArn, shardId, next: firstIndex(shard, start), createdAt: this.#now() });
  }

  async getRecords({
    iterator,
    limit,
  }: {
    readonly iterator: string;
    readonly limit: number;
  }): Promise<RecordsPage> {
    const { streamArn, shardId, next, createdAt } = JSON.parse(iterator) as IteratorState;
    this.recordsCalls += 1;
    this.#countCall(shardId);
    this.#goWrong("getRecords");
    this.#publishDue();
    const isExpired = this.#now() - createdAt > ITERATOR_MS || this.#happens("expiredIterator");
    if (isExpired) throw awsError("ExpiredIteratorException");
    const shard = this.#shard(streamArn, shardId);
    const from = next ?? shard.trimmed;
    if (from < shard.trimmed) throw awsError("TrimmedDataAccessException");
    const length = this.#happens("emptyPage") ? 0 : this.#pageLength(shard, from, limit);
    const to = from + length;
    // A closed shard may take another, empty page to end.
    const isLast = !shard.isOpen && to === shard.records.length && (length === 0 || this.#random() < 0.5);
    return {
      records: shard.records.slice(from, to),
      nextIterator: isLast
        ? undefined
        : iteratorText({ streamArn, shardId, next: to, createdAt: this.#now() }),
    };
  }

  #pageLength(shard: ModelShard, from: number, limit: number): number {
    const most = this.#happens("shortPage") ? 1 + Math.floor(this.#random() * 3) : limit;
    let bytes = 0;
    let length = 0;
    for (const record of shard.records.slice(from, from + most)) {
      bytes += record.dynamodb?.SizeBytes ?? 0;
      if (length > 0 && bytes > MAX_PAGE_BYTES) break;
      length += 1;
    }
    return length;
  }

  #newShard(shard: Pick<ModelShard, "parent" | "from" | "to">): ModelShard {
    this.#lastShard += 1;
    return {
      ...shard,
      shardId: `shardId-${String(this.#lastShard).padStart(20, "0")}`,
      startsAt: ++this.#lastNumber,
      records: [],
      isOpen: true,
      trimmed: 0,
      isGone: false,
      listedAt: this.#now() + (shard.parent && this.#random() < 0.3 ? this.#random() * 3_000 : 0),
    };
  }

  #publishDue(): void {
    const waitingKeys = new Set<string>();
    this.#pending = this.#pending.filter((each) => {
      const isDue = each.dueAt <= this.#now() && !waitingKeys.has(each.key);
      if (isDue) this.#publish(each.change);
      else waitingKeys.add(each.key);
      return !isDue;
    });
  }

  #publish(change: ModelChange): void {
    const hash = hashOf(keyText(change));
    const shard = this.#current()?.shards.find(({ isOpen, from, to }) => isOpen && hash >= from && hash < to);
    // A table without a stream: nobody will hear of it.
    if (shard === undefined) return;
    this.#lastNumber += 1n + BigInt(Math.floor(this.#random() * 5));
    shard.records.push({
      eventID: `event-${this.#lastNumber}`,
      eventName: change.change ?? "INSERT",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: "eu-west-1",
      dynamodb: {
        // Exact to the second, as the service's.
        ApproximateCreationDateTime: new Date(Math.floor(this.#now() / 1_000) * 1_000),
        Keys: { ...change.keys },
        ...(change.newImage && { NewImage: { ...change.newImage } }),
        SequenceNumber: String(this.#lastNumber),
        SizeBytes: change.sizeBytes ?? 100,
        StreamViewType: "NEW_IMAGE",
      },
    });
  }

  #current(): ModelStream | undefined {
    const stream = this.streams.at(-1);
    return stream?.isEnabled ? stream : undefined;
  }

  #stream(streamArn: string): ModelStream {
    const stream = this.streams.find((each) => each.streamArn === streamArn);
    if (stream === undefined || stream.isGone) throw awsError("ResourceNotFoundException");
    return stream;
  }

  #shard(streamArn: string, shardId: string): ModelShard {
    const shard = this.#stream(streamArn).shards.find((each) => each.shardId === shardId);
    if (shard === undefined || shard.isGone) throw awsError("ResourceNotFoundException");
    return shard;
  }

  #happens(fault: keyof StreamsFaults): boolean {
    return this.#random() < this.faults[fault];
  }

  #goWrong(operation: string): void {
    if (this.#happens("throttle")) {
      throw awsError(
        operation === "getRecords" ? "ProvisionedThroughputExceededException" : "LimitExceededException",
      );
    }
    if (this.#happens("failure")) throw awsError("InternalServerError", 500);
    if (this.#happens("lostReply")) throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  }

  /** Two readers of a shard, five calls a second each. */
  #countCall(shardId: string): void {
    const calls = (this.#calls.get(shardId) ?? []).filter((at) => at > this.#now() - 1_000);
    this.#calls.set(shardId, calls);
    if (calls.length >= MAX_CALLS_PER_SECOND) throw awsError("LimitExceededException");
    calls.push(this.#now());
  }
}

interface IteratorState {
  readonly streamArn: string;
  readonly shardId: string;
  /** Index of the next record; undefined for the oldest that is kept. */
  readonly next: number | undefined;
  readonly createdAt: number;
}

function iteratorText(state: IteratorState): string {
  return JSON.stringify(state);
}

function firstIndex(
  shard: ModelShard,
  start: IteratorStart | { readonly type: "LATEST" },
): number | undefined {
  if (start.type === "TRIM_HORIZON") return undefined;
  if (start.type === "LATEST") return shard.records.length;
  const number = BigInt(start.sequenceNumber);
  const isAfter = start.type === "AFTER_SEQUENCE_NUMBER";
  const found = shard.records.findIndex(({ dynamodb }) => {
    const other = BigInt(dynamodb?.SequenceNumber ?? 0);
    return isAfter ? other > number : other >= number;
  });
  const next = found === -1 ? shard.records.length : found;
  if (next < shard.trimmed) throw awsError("TrimmedDataAccessException");
  return next;
}

function awsError(name: string, status = 400): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}

function keyText({ keys }: ModelChange): string {
  return JSON.stringify(keys);
}

/** FNV-1a, from 0 up to, not including, 1. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
}
