/** What a queue's writer knows of the items at its end. */

/** An item as far as it matters for what may be written after it. */
export interface KnownItem {
  readonly first: number;
  readonly last: number;
  /** Epoch milliseconds; never goes back from item to item. */
  readonly t: number;
  /** By the order of its messages; undefined: without one. */
  readonly messageIds: readonly (string | undefined)[];
}

/**
 * The ids of all messages in the items from `lowest` to the queue's end, without a gap. Whoever writes after that end, and takes in
 * what was written in between whenever another was faster, knows of every item that is before its own.
 */
export class KnownMessages {
  /** In order, each right behind the one before. */
  #items: KnownItem[] = [];
  /** Of items that were let go, at the front of `#items`. */
  #gone = 0;
  /** Of each id the latest position. */
  readonly #positions = new Map<string, number>();
  #since: number = Number.POSITIVE_INFINITY;

  /** All items of this time (epoch milliseconds) and later are known. */
  get since(): number {
    return this.#since;
  }

  /** The first slot of the lowest item that is known; undefined: none is. */
  get lowest(): number | undefined {
    return this.#items[this.#gone]?.first;
  }

  /** How many ids are remembered. */
  get size(): number {
    return this.#positions.size;
  }

  /** Takes in the item behind all that are known. */
  add(item: KnownItem): void {
    this.#items.push(item);
    for (const [index, id] of item.messageIds.entries()) {
      if (id !== undefined) this.#positions.set(id, item.first + index);
    }
  }

  /** Takes in items right before all that are known, in order: all there are of time `since` and later. */
  addOlder(items: readonly KnownItem[], since: number): void {
    this.#items = [...items, ...this.#items.slice(this.#gone)];
    this.#gone = 0;
    this.#since = Math.min(this.#since, since);
    for (const { first, messageIds } of items) {
      for (const [index, id] of messageIds.entries()) {
        if (id === undefined || Number(this.#positions.get(id)) > first + index) continue;
        this.#positions.set(id, first + index);
      }
    }
  }

  /** The position of the latest message with an id, in an item of time `since` or later. */
  find(messageId: string, since: number): number | undefined {
    const position = this.#positions.get(messageId);
    return position !== undefined && this.#timeOf(position) >= since ? position : undefined;
  }

  /** Lets go of items before a time. */
  forgetBefore(time: number): void {
    if (time <= this.#since) return;
    this.#since = time;
    for (;;) {
      const item = this.#items[this.#gone];
      if (item === undefined || item.t >= time) break;
      for (const id of item.messageIds) {
        // A later message may have the same id.
        if (id !== undefined && Number(this.#positions.get(id)) <= item.last) this.#positions.delete(id);
      }
      this.#gone += 1;
    }
    if (this.#gone * 2 > this.#items.length) {
      this.#items.splice(0, this.#gone);
      this.#gone = 0;
    }
  }

  #timeOf(position: number): number {
    let low = this.#gone;
    let high = this.#items.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#items[middle] as KnownItem).first <= position) low = middle;
      else high = middle - 1;
    }
    return this.#items[low]?.t ?? Number.NEGATIVE_INFINITY;
  }
}
