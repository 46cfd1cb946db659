import { type BatchLength, batchLength } from "./batch-length.ts";
import { type Delivery, deliverBatch, type Entry } from "./deliver-batch.ts";

/** Records of one shard that go to the function one batch after the other. */
export class Lane {
  readonly #delivery: Delivery;
  readonly #shardId: string;
  readonly #onError: (error: unknown) => void;
  readonly #queue: Entry[] = [];
  #running: Promise<void> | undefined;
  /** Aborted to end the gathering of a batch before its window does. */
  #gathering: AbortController | undefined;
  #flushing = false;

  constructor(delivery: Delivery, shardId: string, onError: (error: unknown) => void) {
    this.#delivery = delivery;
    this.#shardId = shardId;
    this.#onError = onError;
  }

  /** Whether nothing waits or is under way. */
  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Whether to read more: not while a whole batch is waiting. */
  get hasRoom(): boolean {
    return !this.#next().full;
  }

  push(entry: Entry): void {
    this.#queue.push(entry);
    if (this.#gathering !== undefined && !this.hasRoom) this.#gathering.abort();
    this.#running ??= this.#run().catch(this.#onError);
  }

  /** No record comes any more: whatever waits is a batch. */
  flush(): void {
    this.#flushing = true;
    this.#gathering?.abort();
  }

  /** Resolves when what is under way has ended. */
  async ended(): Promise<void> {
    this.#gathering?.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Records that were read together come in one after the other, within this turn.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#delivery.stopping.aborted) {
      await this.#gather();
      if (this.#delivery.stopping.aborted) break;
      const entries = this.#queue.splice(0, this.#next().records);
      await deliverBatch(this.#delivery, this.#shardId, entries);
    }
    this.#running = undefined;
  }

  async #gather(): Promise<void> {
    const { settings, runtime, stopping } = this.#delivery;
    if (settings.maximumBatchingWindowMs === 0 || this.#flushing || !this.hasRoom) return;
    this.#gathering = new AbortController();
    const over = AbortSignal.any([this.#gathering.signal, stopping]);
    await runtime.sleep(settings.maximumBatchingWindowMs, over);
    this.#gathering = undefined;
  }

  #next(): BatchLength {
    return batchLength(this.#queue, this.#delivery.settings.batchSize);
  }
}
