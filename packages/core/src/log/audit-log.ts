import { itemSize } from "../capacity/item-size.ts";
import { Bill, type Capacity } from "../capacity/units.ts";
import { type ChainContext, readContext } from "../chain/chain.ts";
import { KnownEnds } from "../chain/known-ends.ts";
import { LAST_SLOT, lastItemUpTo, readChain, readOn } from "../chain/read-chain.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { CHAIN_GUARDS, type ChainItem } from "../chain/tiling.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import { listNames } from "../store/list-streams.ts";
import { streamOf } from "./collect-units.ts";
import { LoggedVersions } from "./logged-versions.ts";
import { LOG, readPage } from "./page.ts";
import { createChainSequencer, holdsEvents, type LateCommit, type Sequencer } from "./sequencer.ts";

/** How old a commit has to be by default before its absence counts, in milliseconds: ten minutes. */
export const DEFAULT_AUDIT_GRACE_MS = 600_000;

export interface AuditOptions {
  /** Whether what is missing is put into the log, at its end. Default false: it is only reported. */
  readonly repair?: boolean | undefined;
  /**
   * Commits that are younger than so many milliseconds are left to the sequencer, which may be about to take them. Default
   * 600,000. By the clock of this machine; a repair of what the sequencer takes as well changes nothing.
   */
  readonly graceMs?: number | undefined;
  /** Is told from time to time how far the audit is. */
  readonly onProgress?:
    | ((progress: { readonly positions: number; readonly streams: number }) => void)
    | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Versions of a stream, both ends inclusive. */
export interface MissingVersions {
  readonly streamId: string;
  readonly first: number;
  readonly last: number;
}

export interface AuditReport {
  /** Events in the log. */
  readonly positions: number;
  /** Streams that were compared. */
  readonly streams: number;
  /** What is in the table and not in the log, of commits that are older than the grace. */
  readonly missing: readonly MissingVersions[];
  /** Versions that are not in the log and were truncated: there is nothing left of them to put there. */
  readonly truncated: readonly MissingVersions[];
  /** Events that are in the log behind a later one of their stream. */
  readonly outOfOrder: readonly LateCommit[];
  /** Events that are in the log more than once. Nothing that this library does brings that about. */
  readonly repeated: readonly LateCommit[];
  /** Events that were put into the log now; 0 without `repair`. */
  readonly repaired: number;
  readonly capacity: Capacity;
}

/** Compares a storage's streams with its log. */
export async function auditChainLog(
  {
    storage,
    runtime = SYSTEM_RUNTIME,
  }: { readonly storage: ChainStorage; readonly runtime?: Runtime | undefined },
  options: AuditOptions = {},
): Promise<AuditReport> {
  const { repair = false, graceMs = DEFAULT_AUDIT_GRACE_MS } = options;
  if (!(graceMs >= 0)) throw new RangeError(`graceMs is ${graceMs}; it has to be a number from 0.`);
  const context = { storage, runtime, guards: CHAIN_GUARDS, knownEnds: new KnownEnds(1) };
  const sequencer = repair ? createChainSequencer({ storage, runtime, remembersAll: true }) : undefined;
  const audit = new Audit(context, { ...options, sequencer });
  await audit.readLog();
  await audit.compareStreams(runtime.now() - graceMs);
  return audit.report();
}

/** How many streams are looked at between two reports of progress. */
const PROGRESS_STREAMS = 100;

/** How much of what is missing is held in memory at a time, in bytes as it is stored. */
const CHUNK_BYTES = 2 * 1024 * 1024;

class Audit {
  readonly #bill = new Bill();
  readonly #context: ChainContext;
  readonly #options: AuditOptions & { readonly sequencer: Sequencer | undefined };
  readonly #logged = new LoggedVersions();
  readonly #missing: MissingVersions[] = [];
  readonly #truncated: MissingVersions[] = [];
  readonly #outOfOrder: LateCommit[] = [];
  readonly #repeated: LateCommit[] = [];
  /** Up to here the log was read. */
  #position = 0;
  #streams = 0;
  #repaired = 0;
  #waiting: ChainItem[] = [];
  #waitingBytes = 0;

  constructor(context: ChainContext, options: AuditOptions & { readonly sequencer: Sequencer | undefined }) {
    this.#context = context;
    this.#options = options;
  }

  report(): AuditReport {
    return {
      positions: this.#position,
      streams: this.#streams,
      missing: this.#missing,
      truncated: this.#truncated,
      outOfOrder: this.#outOfOrder,
      repeated: this.#repeated,
      repaired: this.#repaired,
      capacity: this.#bill.total(),
    };
  }

  /** Takes in what the log has behind what was read of it. */
  async readLog(): Promise<void> {
    const reading = readContext(this.#context, { chain: LOG, bill: this.#bill });
    const { signal } = this.#options;
    for await (const page of readOn(reading, this.#position + 1, { consistency: "strong", signal })) {
      this.#takeIn(page);
      this.#position = page.last;
      this.#tellProgress();
    }
  }

  #takeIn(page: ChainItem): void {
    for (const { source, position } of readPage(page)) {
      const streamId = streamOf(source);
      const place = { streamId, version: source.first, position };
      if (this.#logged.has(streamId, source)) this.#repeated.push(place);
      else if (this.#logged.highest(streamId) >= source.first) this.#outOfOrder.push(place);
      this.#logged.add(streamId, source, page.t);
    }
  }

  /** Looks for items of all streams that are not in the log and not younger than a time. */
  async compareStreams(youngest: number): Promise<void> {
    const { signal } = this.#options;
    for await (const streamId of listNames(this.#context.storage, { bill: this.#bill, signal })) {
      await this.#compareStream(streamId, youngest);
      this.#streams += 1;
      if (this.#streams % PROGRESS_STREAMS === 0) this.#tellProgress();
    }
    await this.#settle();
    this.#tellProgress();
  }

  async #compareStream(streamId: string, youngest: number): Promise<void> {
    const reading = readContext(this.#context, { chain: streamId, bill: this.#bill });
    const { signal } = this.#options;
    const tail = await lastItemUpTo(reading, LAST_SLOT, signal);
    for (const { first, last } of this.#logged.missing(streamId, tail?.last ?? 0)) {
      const window = { low: first, high: last, backward: false, consistency: "strong", signal } as const;
      for await (const item of readChain(reading, window)) {
        // Times never go back within a stream: what follows is younger still.
        if (item.t > youngest) return;
        if (holdsEvents(item.item)) await this.#suspect(item);
      }
    }
  }

  async #suspect(item: ChainItem): Promise<void> {
    this.#waiting.push(item);
    this.#waitingBytes += itemSize(item.item);
    if (this.#waitingBytes >= CHUNK_BYTES) await this.#settle();
  }

  /** Notes, and repairs if asked to, what is really missing: some of it may have been sequenced meanwhile. */
  async #settle(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (waiting.length === 0) return;
    await this.readLog();
    const gone = waiting.filter((item) => !this.#logged.has(streamOf(item), item));
    for (const item of gone) {
      note(item.truncatedBefore === undefined ? this.#missing : this.#truncated, item);
    }
    const lost = gone.filter((item) => item.truncatedBefore === undefined);
    const { sequencer, signal } = this.#options;
    if (sequencer === undefined || lost.length === 0) return;
    // It looks for itself what the log has, so that nothing gets there twice.
    const { appended, capacity } = await sequencer.sequence(
      lost.map(({ item }) => item),
      { signal },
    );
    this.#repaired += appended;
    this.#bill.add(capacity);
    // What was put behind later events is no news.
    const before = this.#outOfOrder.length;
    await this.readLog();
    this.#outOfOrder.length = before;
  }

  #tellProgress(): void {
    this.#options.onProgress?.({ positions: this.#position, streams: this.#streams });
  }
}

/** Adds an item's versions, to the range that they continue if there is one. */
function note(ranges: MissingVersions[], item: ChainItem): void {
  const streamId = streamOf(item);
  const previous = ranges.at(-1);
  const { first, last } = item;
  if (previous?.streamId === streamId && previous.last === first - 1) {
    ranges[ranges.length - 1] = { ...previous, last };
  } else {
    ranges.push({ streamId, first, last });
  }
}
