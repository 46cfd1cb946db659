import type { Delivery } from "./deliver-batch.ts";
import { Lane } from "./lane.ts";
import { type StreamEventRecord, streamEventRecord } from "./stream-event.ts";
import type { RecordPage, ShardPosition, StreamSource } from "./stream-source.ts";

/** How a read went: `busy` means that there was something, `blocked` that nothing could be read now. */
export type ReadOutcome = "busy" | "blocked" | "quiet" | "finished";

export interface ShardReaderOptions {
  readonly source: StreamSource;
  readonly delivery: Delivery;
  readonly shardId: string;
  readonly position: "TRIM_HORIZON" | "LATEST";
  readonly onError: (error: unknown) => void;
}

/** Reads one shard and spreads its records over its lanes, each item's in one. */
export class ShardReader {
  readonly #options: ShardReaderOptions;
  readonly #lanes: readonly Lane[];
  #position: ShardPosition;
  #lastRead = -1n;
  #iterator: string | undefined;
  #ended = false;

  constructor(options: ShardReaderOptions) {
    this.#options = options;
    this.#position = options.position;
    const { delivery, shardId, onError } = options;
    this.#lanes = Array.from(
      { length: delivery.settings.parallelizationFactor },
      () => new Lane(delivery, shardId, onError),
    );
  }

  get idle(): boolean {
    return this.#lanes.every((lane) => lane.idle);
  }

  /** Fixes where it begins, so that LATEST means now. */
  async open(): Promise<void> {
    this.#iterator ??= await this.#options.source.openIterator(this.#options.shardId, this.#position);
  }

  /** Reads one page, if there is room for it. */
  async read(): Promise<ReadOutcome> {
    if (this.#ended) return this.idle ? "finished" : "blocked";
    if (!this.#lanes.every((lane) => lane.hasRoom)) return "blocked";
    const page = await this.#readPage();
    if (page === undefined) return "blocked";
    for (const record of page.records) {
      this.#take(streamEventRecord(record, this.#options.source.streamArn));
    }
    this.#iterator = page.nextIterator;
    if (page.nextIterator === undefined) {
      this.#ended = true;
      for (const lane of this.#lanes) lane.flush();
      return "busy";
    }
    return page.records.length > 0 ? "busy" : "quiet";
  }

  async ended(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.ended()));
  }

  /** Undefined when the iterator was none any more: the next read begins anew, after the last record. */
  async #readPage(): Promise<RecordPage | undefined> {
    try {
      await this.open();
      return await this.#options.source.read(this.#iterator ?? "");
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      if (name !== "ExpiredIteratorException" && name !== "TrimmedDataAccessException") throw error;
      this.#iterator = undefined;
      if (name === "TrimmedDataAccessException") {
        this.#position = "TRIM_HORIZON";
        this.#options.delivery.stats.gaps += 1;
      } else if (this.#position === "LATEST") {
        this.#options.delivery.stats.gaps += 1;
      }
      return undefined;
    }
  }

  #take(record: StreamEventRecord): void {
    const { delivery } = this.#options;
    const sequenceNumber = record.dynamodb.SequenceNumber;
    // Reading from the trim horizon again may bring what was read before.
    if (BigInt(sequenceNumber) <= this.#lastRead) return;
    this.#lastRead = BigInt(sequenceNumber);
    this.#position = { after: sequenceNumber };
    const json = JSON.stringify(record);
    if (!delivery.settings.matches(JSON.parse(json))) {
      delivery.stats.filtered += 1;
      return;
    }
    const lane = this.#lanes[laneOf(record, this.#lanes.length)];
    lane?.push({ record, json, bytes: Buffer.byteLength(json) });
  }
}

/** The lane of a record's item: always the same, so that an item's records stay in order. */
function laneOf({ dynamodb }: StreamEventRecord, lanes: number): number {
  const names = Object.keys(dynamodb.Keys ?? {}).toSorted((left, right) => (left < right ? -1 : 1));
  const key = JSON.stringify(names.map((name) => dynamodb.Keys?.[name]));
  let hash = 0;
  for (let at = 0; at < key.length; at += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  return (hash >>> 0) % lanes;
}
