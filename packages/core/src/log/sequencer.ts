import type { Item } from "../capacity/item-size.ts";
import { Bill, type Capacity } from "../capacity/units.ts";
import { appendToChain, type ChainContext, readContext } from "../chain/chain.ts";
import { GroupCommit, type GroupEntry } from "../chain/group-commit.ts";
import { KnownEnds } from "../chain/known-ends.ts";
import { LAST_SLOT, readChain, readOn, SNAPSHOT_SLOT } from "../chain/read-chain.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { CHAIN_GUARDS, type ChainEnd, type ChainItem, EMPTY_CHAIN, readSlots } from "../chain/tiling.ts";
import { newCommitId } from "../commit-id.ts";
import { VersionConflictError } from "../conflict-errors.ts";
import { MAX_ITEM_BYTES } from "../limits.ts";
import { backoffMs, type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import { collectUnits, streamOf } from "./collect-units.ts";
import { LoggedVersions } from "./logged-versions.ts";
import { LOG, type PackedPage, packPages, readPage } from "./page.ts";

/**
 * How much older than the oldest commit of a batch a commit may be to be still looked for, in milliseconds. It has to be
 * far above what clocks may be apart, and DynamoDB refuses requests that are signed minutes off.
 */
export const LOOK_BACK_MARGIN_MS = 600_000;

/** A commit that went into the log behind a later one of its stream. */
export interface LateCommit {
  readonly streamId: string;
  /** Of its first event. */
  readonly version: number;
  readonly position: number;
}

/** What came of a call; of calls that went into one page, it is all counted at the first of them. */
export interface SequenceResult {
  /** How many events went into the log now; others were in it already. */
  readonly appended: number;
  /** Where the log ends, as far as this sequencer knows. */
  readonly position: number;
  /**
   * Commits that had to go behind a later one of their stream, since that was in the log already: what an outage left out
   * was repaired. Not to lose them comes before their order.
   */
  readonly late: readonly LateCommit[];
  readonly capacity: Capacity;
}

/** Puts the commits of all streams into one order, the global log. */
export interface Sequencer {
  /**
   * Appends what is not in the log yet, exactly once, whatever was delivered twice, in another order, to several
   * sequencers at once, or before a crash. Calls that wait for each other go into one page.
   *
   * Takes items of the table as its stream shows them when they are inserted; items of the system's own chains are passed
   * over. When it resolves, all that it was given is in the log; when it rejects, calling it again with the same is safe.
   *
   * Cost: 1 request for a page of up to about 1,000 events, 1 WCU for each KB of it, compressed. The first call of a
   * process reads the pages of the last ten minutes.
   *
   * @throws OutcomeUnknownError when the connection stayed broken; throttling passes through.
   * @throws IntegrityError when the table was changed from outside.
   */
  sequence(
    items: readonly Item[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<SequenceResult>;
}

/** What keeps the log whole, as one value: tests switch each off to see that it is needed. */
export interface SequencerGuards {
  /** How far back from the oldest commit of a batch the log has to be known, in milliseconds. */
  readonly lookBackMs: number;
  /** Whether the commit before each is looked for. */
  readonly takesPredecessors: boolean;
}

export const SEQUENCER_GUARDS: SequencerGuards = {
  lookBackMs: LOOK_BACK_MARGIN_MS,
  takesPredecessors: true,
};

export interface ChainSequencerOptions {
  readonly storage: ChainStorage;
  readonly runtime?: Runtime | undefined;
  readonly guards?: SequencerGuards | undefined;
  readonly maxItemBytes?: number | undefined;
  /** Whether it keeps all that it learns of the log: for old commits, which need all of it again and again. Default false. */
  readonly remembersAll?: boolean | undefined;
}

/** A sequencer over any storage of chains. */
export function createChainSequencer(options: ChainSequencerOptions): Sequencer {
  const log = new SequencedLog(options);
  // Batches of several shards wait for each other; the next page takes all that wait.
  const group = new GroupCommit<Batch, SequenceResult>(async (_, batches) => {
    const result = await log.sequence(batches);
    const others = { ...result, appended: 0, late: [], capacity: new Bill().total() };
    return batches.map((batch) => (batch === batches[0] ? result : others));
  }, Number.POSITIVE_INFINITY);
  return {
    async sequence(items, { signal } = {}) {
      const arrived = items.filter(holdsEvents).map(readSlots);
      return group.add(LOG, { arrived, bytes: 0, signal });
    },
  };
}

/** Whether an item holds events of a stream: those of the system's chains don't, nor a state that is kept apart, nor a mere end. */
export function holdsEvents({ p, s, n }: Item): boolean {
  return !p?.S?.startsWith("$") && s?.N !== String(SNAPSHOT_SLOT) && n?.N !== "0";
}

interface Batch extends GroupEntry {
  readonly arrived: readonly ChainItem[];
}

/** Races for the next slot of the log that may be lost to other sequencers. Each of them brought the log forward. */
const MAX_RACES = 1_000;
const RACE_BACKOFF = { baseMs: 2, maxMs: 100 };

/** By so many batches it goes how far back the log has to be known. */
const REMEMBERED_BATCHES = 64;

/** Pages of the first read when the log is read back. */
const FIRST_PAGES = 4;

class SequencedLog {
  readonly #context: ChainContext;
  readonly #guards: SequencerGuards;
  readonly #maxItemBytes: number;
  readonly #remembersAll: boolean;
  readonly #known = new LoggedVersions();
  /** The log's end, once it was looked at. */
  #end: ChainEnd | undefined;
  /** All pages of this time and later, down to this position, are in `#known`. */
  #knownSince: number = Number.POSITIVE_INFINITY;
  #lowest: number = LAST_SLOT;
  /** Epoch milliseconds of the newest commits of the last batches. */
  readonly #newest: number[] = [];

  constructor(options: ChainSequencerOptions) {
    const { storage, runtime = SYSTEM_RUNTIME, guards = SEQUENCER_GUARDS } = options;
    this.#context = { storage, runtime, guards: CHAIN_GUARDS, knownEnds: new KnownEnds(1) };
    this.#guards = guards;
    this.#remembersAll = options.remembersAll ?? false;
    this.#maxItemBytes = options.maxItemBytes ?? MAX_ITEM_BYTES;
  }

  async sequence(batches: readonly Batch[]): Promise<SequenceResult> {
    const arrived = batches.flatMap((batch) => batch.arrived);
    const bill = new Bill();
    const late: LateCommit[] = [];
    let appended = 0;
    if (arrived.length > 0) {
      const horizon = oldestOf(arrived) - this.#guards.lookBackMs;
      for (let race = 0; ; race++) {
        await this.#reach(horizon, bill);
        const { takesPredecessors } = this.#guards;
        const collection = { arrived, known: this.#known, horizon, takesPredecessors, bill };
        const units = await collectUnits(this.#context, collection);
        const pages = packPages(units, this.#maxItemBytes);
        const done = await this.#append(pages, { bill, late });
        appended += done.events;
        if (done.pages === pages.length) break;
        if (race === MAX_RACES) throw this.#lostAllRaces(bill);
        bill.lostRaces += 1;
        await this.#context.runtime.sleep(backoffMs(race, RACE_BACKOFF, this.#context.runtime.random));
      }
      this.#forget(newestOf(arrived));
    }
    const position = this.#end?.version ?? 0;
    return { appended, position, late, capacity: bill.total() };
  }

  #lostAllRaces(bill: Bill): VersionConflictError {
    const actual = this.#end?.version ?? 0;
    return new VersionConflictError({ streamId: LOG, expected: actual, actual, capacity: bill.total() });
  }

  /** Appends pages until one loses its place to another sequencer's. */
  async #append(
    pages: readonly PackedPage[],
    { bill, late }: { readonly bill: Bill; readonly late: LateCommit[] },
  ): Promise<{ readonly pages: number; readonly events: number }> {
    let events = 0;
    for (const [index, { units, part }] of pages.entries()) {
      const end = this.#end ?? EMPTY_CHAIN;
      const { now } = this.#context.runtime;
      const items = units.flat();
      const t = newestOf(items);
      const result = await appendToChain(this.#context, {
        chain: LOG,
        commit: { id: newCommitId(now()), parts: [part], t },
        expected: end.version,
        ownCommitId: false,
        bill,
      });
      if (result.kind === "conflict") {
        await this.#catchUp(end, result.winner, bill);
        return { pages: index, events };
      }
      const written = result.kind === "written" ? result.end : this.#context.guards.endAfter(result.found);
      this.#noteLate(items, { position: end.version + 1, late });
      for (const item of items) this.#known.add(streamOf(item), item, written.t ?? t);
      this.#end = written;
      events += part.count;
    }
    return { pages: pages.length, events };
  }

  #noteLate(
    items: readonly ChainItem[],
    { position, late }: { readonly position: number; readonly late: LateCommit[] },
  ): void {
    let next = position;
    for (const item of items) {
      const streamId = streamOf(item);
      if (this.#known.highest(streamId) > item.first)
        late.push({ streamId, version: item.first, position: next });
      next += item.last - item.first + 1;
    }
  }

  /** Takes in what other sequencers appended behind an end. */
  async #catchUp(end: ChainEnd, winner: ChainItem | undefined, bill: Bill): Promise<void> {
    if (winner !== undefined) this.#takeIn(winner);
    const next = (winner?.last ?? end.version) + 1;
    for await (const page of readOn(this.#reading(bill), next, { consistency: "strong" })) this.#takeIn(page);
  }

  /** Takes in a page that follows what is known. */
  #takeIn(page: ChainItem): void {
    this.#takeInOlder(page);
    this.#end = this.#context.guards.endAfter(page);
    this.#context.knownEnds.add(LOG, this.#end);
  }

  #takeInOlder(page: ChainItem): void {
    for (const { source } of readPage(page)) this.#known.add(streamOf(source), source, page.t);
  }

  /** Makes sure that all pages are known which may hold a commit of time `horizon` or later. */
  async #reach(horizon: number, bill: Bill): Promise<void> {
    if (horizon >= this.#knownSince) return;
    const window = {
      low: 1,
      lowIsFirst: true,
      high: this.#lowest === LAST_SLOT ? LAST_SLOT : this.#lowest - 1,
      backward: true,
      consistency: "strong",
      firstPageItems: FIRST_PAGES,
    } as const;
    const pages: ChainItem[] = [];
    if (window.high > 0) {
      for await (const page of readChain(this.#reading(bill), window)) {
        if (this.#end === undefined) {
          this.#end = this.#context.guards.endAfter(page);
          this.#context.knownEnds.add(LOG, this.#end);
          this.#lowest = page.last + 1;
        }
        // Times never go back within the log: what is below is older still.
        if (page.t < horizon) break;
        pages.push(page);
      }
    }
    this.#end ??= EMPTY_CHAIN;
    for (const page of pages.reverse()) this.#takeInOlder(page);
    this.#lowest = pages[0]?.first ?? Math.min(this.#lowest, this.#end.version + 1);
    this.#knownSince = horizon;
  }

  /** Lets go of what batches like the last ones, which ended at `newest`, need not know. One that does reads it again. */
  #forget(newest: number): void {
    if (this.#remembersAll) return;
    this.#newest.push(newest);
    if (this.#newest.length > REMEMBERED_BATCHES) this.#newest.shift();
    // Not by the log's own time: a shard may lag behind, and after one commit of a clock far ahead every batch does.
    const since = Math.min(...this.#newest) - 2 * this.#guards.lookBackMs;
    if (since <= this.#knownSince) return;
    this.#known.forgetBefore(since);
    this.#knownSince = since;
    // What it has to read again begins above what was let go, for all it knows.
    this.#lowest = (this.#end?.version ?? 0) + 1;
  }

  #reading(bill: Bill): ReturnType<typeof readContext> {
    return readContext(this.#context, { chain: LOG, bill });
  }
}

function oldestOf(items: readonly ChainItem[]): number {
  return items.reduce((oldest, { t }) => Math.min(oldest, t), Number.POSITIVE_INFINITY);
}

function newestOf(items: readonly ChainItem[]): number {
  return items.reduce((newest, { t }) => Math.max(newest, t), 0);
}
