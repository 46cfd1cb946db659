import { LRUCache } from "lru-cache";
import pMap from "p-map";
import { documentsOf, slotOf } from "../builds/names.ts";
import type { AnyEvent, DocumentProjection } from "../definition/projection.ts";
import { type DocumentRecord, NO_DOCUMENT } from "../documents/document.ts";
import { documentKeys } from "../documents/document-keys.ts";
import { type DocumentFold, foldDocument } from "../documents/fold-document.ts";
import { InvalidDocumentError } from "../errors.ts";
import type { DocumentPut, DocumentStorage } from "../storage/projection-storage.ts";
import { firstOf, withLessBeside } from "./apply-in-halves.ts";
import { tryUntilDone } from "@tuppence/core/failures";
import {
  type Applied,
  type Applier,
  attemptsOf,
  changesUpTo,
  type EventBatch,
  type FailedEvent,
  type SlotContext,
} from "./slot-context.ts";

/** Documents of a slot that are kept in memory, as text: those used last. */
const CACHED_DOCUMENTS = 5_000;

/** Documents of a slot that are put at a time. */
const PUTS_AT_ONCE = 32;

/** Of a transaction's 100 actions one is for the position. */
const MAX_TRANSACTION_PUTS = 99;

/** Characters of documents in one transaction at most, which takes 4 MB; most characters are one byte. */
const MAX_TRANSACTION_CHARACTERS = 1_000_000;

/** The events of a batch by the documents that they go into. */
interface RoutedBatch {
  readonly byKey: ReadonlyMap<string, readonly AnyEvent[]>;
  /** The first event of which the documents are not known; those behind it are not among them. */
  readonly failed: FailedEvent | undefined;
}

interface FoldedBatch {
  readonly puts: readonly DocumentPut[];
  readonly failed: FailedEvent | undefined;
}

/** Folds events into documents. A document in memory may be out of date: its put is refused then, and brings the newer one. */
export class DocumentApplier implements Applier {
  readonly #context: SlotContext;
  readonly #projection: DocumentProjection;
  readonly #fold: DocumentFold;
  readonly #documents: DocumentStorage;
  readonly #partition: string;
  // By size and not by number, for which it would take all its room at once.
  readonly #cache = new LRUCache<string, DocumentRecord>({
    maxSize: CACHED_DOCUMENTS,
    sizeCalculation: () => 1,
  });

  constructor(context: SlotContext, projection: DocumentProjection) {
    const { projection: name, build, slot } = context.slot;
    this.#context = context;
    this.#projection = projection;
    this.#documents = context.storage.documents;
    this.#partition = documentsOf(name, build, slot);
    this.#fold = {
      projection,
      guards: context.guards,
      checkSize: (key, record) => this.#documents.checkSize({ partition: this.#partition, key, record }),
    };
  }

  async apply(batch: EventBatch): Promise<Applied> {
    return this.#projection.mode === "guard" ? this.#applyGuarded(batch) : this.#applyTogether(batch);
  }

  async #applyGuarded(batch: EventBatch): Promise<Applied> {
    const folded = await this.#foldBatch(batch.events, batch.parked);
    const failures = await pMap(
      folded.puts,
      (put) => this.#put(put, { ...batch, events: folded.byKey.get(put.key) ?? [] }),
      { concurrency: PUTS_AT_ONCE },
    );
    const failed = [folded.failed, ...failures].reduce(earlier, undefined);
    return { upTo: failed ? failed.event.position - 1 : batch.upTo, isMoved: false, failed };
  }

  /** Puts a document; where another is there by now, folds what that one lacks. */
  async #put(first: DocumentPut, batch: EventBatch): Promise<FailedEvent | undefined> {
    // The signal saves work; what is written late is right, too.
    const { lost } = this.#context.lease;
    let put = first;
    let failed: FailedEvent | undefined;
    for (;;) {
      const sent = put;
      const outcome = await tryUntilDone(attemptsOf(this.#context, 1), () => this.#documents.put(sent, lost));
      if (outcome.applied) {
        this.#cache.set(first.key, sent.record);
        return failed;
      }
      const before = outcome.found ?? NO_DOCUMENT;
      this.#cache.set(first.key, before);
      const folded = await foldDocument(this.#fold, { key: first.key, before }, batch);
      ({ failed } = folded);
      if (folded.after === undefined) return failed;
      put = { partition: this.#partition, key: first.key, record: folded.after };
    }
  }

  /** All documents of the batch, or of as much of it as a transaction takes, together with the position. */
  async #applyTogether(batch: EventBatch): Promise<Applied> {
    const { position } = this.#context;
    for (;;) {
      const folded = await this.#foldBatch(batch.events, batch.parked);
      const upTo = folded.failed ? folded.failed.event.position - 1 : batch.upTo;
      const control = changesUpTo(batch.changes, upTo);
      if (!fitsTransaction(folded.puts, control.length)) return this.#applyLess(batch);
      if (folded.puts.length === 0) return { upTo, isMoved: false, failed: folded.failed };
      const to = Math.max(upTo, position.done);
      const refused = await position.move({ to, control, documents: folded.puts });
      if (refused === undefined) {
        for (const { key, record } of folded.puts) this.#cache.set(key, record);
        return { upTo, isMoved: true, failed: folded.failed };
      }
      // What a replay takes away is gone: an earlier send of it was made.
      if (refused.documents.length === 0) return { upTo, isMoved: true };
      for (const index of refused.documents) this.#cache.delete(folded.puts[index]?.key ?? "");
    }
  }

  async #foldBatch(
    events: readonly AnyEvent[],
    parked: ReadonlySet<string>,
  ): Promise<FoldedBatch & Pick<RoutedBatch, "byKey">> {
    const { byKey, failed: unrouted } = this.#route(events);
    const found = await this.#load([...byKey.keys()]);
    let failed = unrouted;
    const puts = new Map<string, DocumentPut>();
    const foldOne = async (key: string): Promise<void> => {
      const own = (byKey.get(key) ?? []).filter(({ position }) => position < endOf(failed));
      const before = found.get(key) ?? NO_DOCUMENT;
      const folded = await foldDocument(this.#fold, { key, before }, { events: own, parked });
      failed = earlier(failed, folded.failed);
      if (folded.after) puts.set(key, { partition: this.#partition, key, record: folded.after });
      else puts.delete(key);
    };
    let end: number;
    let again: readonly string[] = [...byKey.keys()];
    do {
      end = endOf(failed);
      for (const key of again) await foldOne(key);
      // Those that went further than the first failure are folded once more, up to it.
      again = [...byKey].flatMap(([key, own]) =>
        own.some(({ position }) => position >= endOf(failed)) && endOf(failed) < end ? [key] : [],
      );
    } while (again.length > 0);
    return { byKey: cutBefore(byKey, endOf(failed)), puts: [...puts.values()], failed };
  }

  /** A key function is pure, and tried once. */
  #route(events: readonly AnyEvent[]): RoutedBatch {
    const byKey = new Map<string, AnyEvent[]>();
    for (const event of events) {
      try {
        for (const key of this.#keysOf(event)) {
          const own = byKey.get(key);
          if (own) own.push(event);
          else byKey.set(key, [event]);
        }
      } catch (error) {
        return { byKey, failed: { event, error, attempts: 1 } };
      }
    }
    return { byKey, failed: undefined };
  }

  #keysOf(event: AnyEvent): readonly string[] {
    const { slot } = this.#context.slot;
    return documentKeys(this.#projection, event).filter((key) => slotOf(key, this.#context.slots) === slot);
  }

  async #load(keys: readonly string[]): Promise<ReadonlyMap<string, DocumentRecord>> {
    const found = new Map<string, DocumentRecord>();
    const missing: string[] = [];
    for (const key of keys) {
      const cached = this.#cache.get(key);
      if (cached === undefined) missing.push(key);
      else found.set(key, cached);
    }
    if (missing.length === 0) return found;
    const { lost: signal } = this.#context.lease;
    // One that is out of date costs a refused put, not a wrong document.
    const loaded = await tryUntilDone(attemptsOf(this.#context, 1), () =>
      this.#documents.getMany(this.#partition, missing, { consistency: "eventual", signal }),
    );
    for (const [key, record] of loaded) {
      found.set(key, record);
      this.#cache.set(key, record);
    }
    return found;
  }

  /** The first half of what is too much for one transaction. */
  async #applyLess(batch: EventBatch): Promise<Applied> {
    const less = withLessBeside(batch);
    if (less !== undefined) return "events" in less ? this.#applyTogether(less) : less;
    const [first] = batch.events;
    if (first === undefined || batch.events.length === 1) {
      const error = new InvalidDocumentError(
        String(first?.position),
        "one event goes into more documents than a transaction takes",
      );
      return first === undefined
        ? { upTo: batch.after, isMoved: false }
        : { upTo: first.position - 1, isMoved: false, failed: { event: first, error, attempts: 1 } };
    }
    return this.#applyTogether(firstOf(batch, batch.events.length >>> 1));
  }
}

function fitsTransaction(puts: readonly DocumentPut[], changes: number): boolean {
  const characters = puts.reduce((total, { record }) => total + (record.state?.length ?? 0), 0);
  return puts.length + changes <= MAX_TRANSACTION_PUTS && characters <= MAX_TRANSACTION_CHARACTERS;
}

function earlier(one: FailedEvent | undefined, other: FailedEvent | undefined): FailedEvent | undefined {
  return endOf(other) < endOf(one) ? other : (one ?? other);
}

function endOf(failed: FailedEvent | undefined): number {
  return failed?.event.position ?? Number.POSITIVE_INFINITY;
}

function cutBefore(
  byKey: ReadonlyMap<string, readonly AnyEvent[]>,
  end: number,
): ReadonlyMap<string, readonly AnyEvent[]> {
  if (end === Number.POSITIVE_INFINITY) return byKey;
  return new Map([...byKey].map(([key, own]) => [key, own.filter(({ position }) => position < end)]));
}
