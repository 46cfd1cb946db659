import { Bill, type Capacity } from "../capacity/units.ts";
import { type ChainContext, readContext } from "../chain/chain.ts";
import { KnownEnds } from "../chain/known-ends.ts";
import { itemHolding, LAST_SLOT, lastItemUpTo, readChain } from "../chain/read-chain.ts";
import type { ChainStorage } from "../chain/storage.ts";
import { CHAIN_GUARDS, type ChainItem } from "../chain/tiling.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../runtime.ts";
import { listNames } from "../store/list-streams.ts";
import { streamOf } from "./collect-units.ts";
import { LoggedVersions } from "./logged-versions.ts";
import { LOG, readPage } from "./page.ts";
import { createChainSequencer, holdsEvents, type LateCommit } from "./sequencer.ts";

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
  const audit = new Audit(context, options);
  await audit.readLog();
  const youngest = runtime.now() - graceMs;
  const found = await audit.compareStreams(youngest);
  // What was sequenced while the streams were looked at is not missing.
  await audit.readLog();
  const gone = found.filter((item) => !audit.has(item));
  const missing = gone.filter((item) => item.truncatedBefore === undefined);
  const { appended = 0, capacity } = repair && missing.length > 0 ? await repairLog(context, missing) : {};
  if (capacity !== undefined) audit.bill.add(capacity);
  return {
    positions: audit.positions + appended,
    streams: audit.streams,
    missing: missing.map(versionsOf),
    truncated: gone.filter((item) => item.truncatedBefore !== undefined).map(versionsOf),
    outOfOrder: audit.outOfOrder,
    repeated: audit.repeated,
    repaired: appended,
    capacity: audit.bill.total(),
  };
}

/** Puts commits that are not in the log to its end. The sequencer looks for itself, so that nothing gets there twice. */
async function repairLog(
  { storage, runtime }: ChainContext,
  missing: readonly ChainItem[],
): Promise<{ readonly appended: number; readonly capacity: Capacity }> {
  const sequencer = createChainSequencer({ storage, runtime });
  return sequencer.sequence(missing.map(({ item }) => item));
}

function versionsOf(item: ChainItem): MissingVersions {
  return { streamId: streamOf(item), first: item.first, last: item.last };
}

/** How many streams are looked at between two reports of progress. */
const PROGRESS_STREAMS = 100;

class Audit {
  readonly bill: Bill = new Bill();
  readonly outOfOrder: LateCommit[] = [];
  readonly repeated: LateCommit[] = [];
  positions = 0;
  streams = 0;
  readonly #context: ChainContext;
  readonly #options: AuditOptions;
  readonly #logged = new LoggedVersions();

  constructor(context: ChainContext, options: AuditOptions) {
    this.#context = context;
    this.#options = options;
  }

  has(item: ChainItem): boolean {
    return this.#logged.has(streamOf(item), item);
  }

  /** Takes in what the log has behind what was read of it. */
  async readLog(): Promise<void> {
    const window = { low: this.positions + 1, lowIsFirst: true, high: LAST_SLOT, backward: false } as const;
    const reading = readContext(this.#context, { chain: LOG, bill: this.bill });
    const { signal } = this.#options;
    for await (const page of readChain(reading, { ...window, consistency: "strong", signal })) {
      this.#takeIn(page);
      this.positions = page.last;
      this.#report();
    }
  }

  #takeIn(page: ChainItem): void {
    for (const { source, position } of readPage(page)) {
      const streamId = streamOf(source);
      const place = { streamId, version: source.first, position };
      if (this.#logged.has(streamId, source)) this.repeated.push(place);
      else if (this.#logged.highest(streamId) >= source.first) this.outOfOrder.push(place);
      this.#logged.add(streamId, source, page.t);
    }
  }

  /** The items of all streams that are not in the log and not younger than a time. */
  async compareStreams(youngest: number): Promise<ChainItem[]> {
    const missing: ChainItem[] = [];
    const { signal } = this.#options;
    for await (const streamId of listNames(this.#context.storage, { bill: this.bill, signal })) {
      missing.push(...(await this.#missingOf(streamId, youngest)));
      this.streams += 1;
      if (this.streams % PROGRESS_STREAMS === 0) this.#report();
    }
    this.#report();
    return missing;
  }

  async #missingOf(streamId: string, youngest: number): Promise<ChainItem[]> {
    const reading = readContext(this.#context, { chain: streamId, bill: this.bill });
    const { signal } = this.#options;
    const tail = await lastItemUpTo(reading, LAST_SLOT, signal);
    if (tail === undefined) return [];
    const items: ChainItem[] = [];
    for (const gap of this.#logged.missing(streamId, tail.last)) {
      for (let version = gap.first; version <= gap.last; ) {
        const item = await itemHolding(reading, version, signal);
        // Times never go back within a stream: what follows is younger still.
        if (item.t > youngest) break;
        if (holdsEvents(item.item)) items.push(item);
        version = item.last + 1;
      }
    }
    return items;
  }

  #report(): void {
    this.#options.onProgress?.({ positions: this.positions, streams: this.streams });
  }
}
