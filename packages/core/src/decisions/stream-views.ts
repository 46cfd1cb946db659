import { Bill } from "../capacity/units.ts";
import type { StreamConflict, TransactConflictError } from "../conflict-errors.ts";
import type { EventDefinitions, RecordedEvent, RecordedEventOf } from "../events.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Fold } from "../store/read-options.ts";
import type { TransactCheck } from "../store/write-options.ts";
import type { Decision } from "./decision.ts";

/** The decision was met in a stream: there is nothing to decide. */
export class AlreadyStored extends Error {
  constructor() {
    super("The decision is stored already.");
  }
}

type AnyFold<Definitions extends EventDefinitions> = Fold<unknown, RecordedEventOf<Definitions>>;

/** A state that was folded up to a version. */
interface View<Definitions extends EventDefinitions> {
  readonly fold: AnyFold<Definitions>;
  state: unknown;
  version: number;
}

/** What an attempt to decide has read so far. */
interface Reading<Definitions extends EventDefinitions> {
  /** The version of each stream; all that is read of the stream in this attempt is as of it. */
  readonly versions: Map<string, Promise<number>>;
  readonly states: {
    readonly streamId: string;
    readonly fold: AnyFold<Definitions>;
    readonly state: Promise<unknown>;
  }[];
  isOpen: boolean;
}

/**
 * The streams that a decision reads, over all its attempts: an attempt sees each stream at one version, and goes on from
 * what the attempt before had folded.
 */
export class StreamViews<Definitions extends EventDefinitions> {
  readonly #store: EventStore<Definitions>;
  readonly #options: {
    readonly commitId: string | undefined;
    readonly signal: AbortSignal | undefined;
    readonly bill: Bill;
  };
  readonly #views = new Map<string, View<Definitions>[]>();
  /** Where streams are, as far as the last attempt knows: for the next one to build on without another read. */
  readonly #known = new Map<string, number>();
  #reading: Reading<Definitions> = { versions: new Map(), states: [], isOpen: false };
  /** The versions of the last attempt, once all its reads are done. */
  #read = new Map<string, number>();
  /** An event of the decision's own id, once one was met. */
  own: { readonly streamId: string; readonly version: number } | undefined;

  constructor(
    store: EventStore<Definitions>,
    options: {
      readonly commitId: string | undefined;
      readonly signal: AbortSignal | undefined;
      readonly bill: Bill;
    },
  ) {
    this.#store = store;
    this.#options = options;
  }

  /** Begins an attempt. */
  open(): Decision<Definitions> {
    if (this.own !== undefined) throw new AlreadyStored();
    const reading: Reading<Definitions> = { versions: new Map(), states: [], isOpen: true };
    this.#reading = reading;
    this.#read = new Map();
    const ask = <Answer>(question: () => Promise<Answer>): Promise<Answer> => {
      if (!reading.isOpen) throw new TypeError("A decision can't read once it has decided.");
      const answer = question();
      // A decision may fail before it waits for all that it asked for; `settled` sees to them.
      answer.catch(() => undefined);
      return answer;
    };
    return {
      load: async <State>(streamId: string, fold: Fold<State, RecordedEventOf<Definitions>>) =>
        ask(() => this.#stateOf(reading, streamId, fold as AnyFold<Definitions>)) as Promise<State>,
      versionOf: async (streamId) => ask(() => this.#versionOf(reading, streamId)),
    };
  }

  /**
   * Ends the attempt's reads and waits for those under way. One that failed fails the attempt, whatever was made of it:
   * nothing is decided without it.
   */
  async settled(): Promise<void> {
    const reading = this.#reading;
    reading.isOpen = false;
    const reads = [...reading.versions.values(), ...reading.states.map(({ state }) => state)];
    const failed = (await Promise.allSettled(reads)).find(({ status }) => status === "rejected");
    if (this.own !== undefined) throw new AlreadyStored();
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
    for (const [streamId, version] of reading.versions) this.#read.set(streamId, await version);
  }

  /** Where each stream that was read has to be. */
  conditions(): TransactCheck[] {
    return [...this.#read].map(([streamId, expectedVersion]) => ({ streamId, expectedVersion }));
  }

  versionRead(streamId: string): number | undefined {
    return this.#read.get(streamId);
  }

  /** Whether all events of the stream were looked at. */
  isLoaded(streamId: string): boolean {
    return this.#reading.states.some((each) => each.streamId === streamId);
  }

  /** Takes in what a conflict brought back. Answers whether a stream that was read has moved, so that there is more to decide on. */
  learn({ conflicts }: TransactConflictError): boolean {
    const moved = conflicts.filter(({ streamId, actual }) => {
      const version = this.#read.get(streamId);
      return version !== undefined && version !== actual;
    });
    for (const conflict of moved) this.#goOn(conflict);
    return moved.length > 0;
  }

  /** Every stream may have moved. */
  forgetVersions(): void {
    this.#known.clear();
  }

  /** Reads on in every stream that was loaded, to meet the decision's own events if they are there now. */
  async searchAgain(): Promise<void> {
    for (const { streamId, fold } of this.#reading.states) {
      await this.#readOn(this.#viewOf(streamId, fold), streamId);
    }
    if (this.own !== undefined) throw new AlreadyStored();
  }

  /** Folds the commit that took the place of ours, so that it need not be read. */
  #goOn({ streamId, actual, winningCommit: winner }: StreamConflict): void {
    this.#known.delete(streamId);
    if (winner === undefined) return;
    for (const event of winner.events) this.#meet(event);
    for (const view of this.#views.get(streamId) ?? []) {
      if (view.version !== winner.firstVersion - 1) continue;
      for (const event of winner.events) view.state = view.fold.evolve(view.state, event);
      view.version = winner.version;
    }
    // Where more has followed, the stream is read.
    if (winner.version === actual) this.#known.set(streamId, actual);
  }

  /** The state in this attempt; asked for again, it is the same. */
  #stateOf(reading: Reading<Definitions>, streamId: string, fold: AnyFold<Definitions>): Promise<unknown> {
    const asked = reading.states.find((each) => each.streamId === streamId && isSame(each.fold, fold));
    if (asked !== undefined) return asked.state;
    const view = this.#viewOf(streamId, fold);
    const pinned = reading.versions.get(streamId) ?? this.#knownVersion(streamId);
    const version = (pinned ?? Promise.resolve(undefined)).then((to) => this.#readOn(view, streamId, to));
    const state = version.then(() => view.state);
    reading.versions.set(streamId, pinned ?? version);
    reading.states.push({ streamId, fold, state });
    return state;
  }

  #versionOf(reading: Reading<Definitions>, streamId: string): Promise<number> {
    const version =
      reading.versions.get(streamId) ?? this.#knownVersion(streamId) ?? this.#lastVersion(streamId);
    reading.versions.set(streamId, version);
    return version;
  }

  #knownVersion(streamId: string): Promise<number> | undefined {
    const version = this.#known.get(streamId);
    return version === undefined ? undefined : Promise.resolve(version);
  }

  async #lastVersion(streamId: string): Promise<number> {
    const bill = new Bill();
    // Stores bill a read on what its caller brings along.
    const options = { direction: "backward", limit: 1, signal: this.#options.signal, bill } as const;
    let version = 0;
    for await (const event of this.#store.read(streamId, options)) {
      version = event.version;
      this.#meet(event);
    }
    this.#options.bill.add(bill);
    if (this.own !== undefined) throw new AlreadyStored();
    this.#known.set(streamId, version);
    return version;
  }

  /** The view of a stream through a fold, as far as earlier attempts got with it. */
  #viewOf(streamId: string, fold: AnyFold<Definitions>): View<Definitions> {
    const views = this.#views.get(streamId) ?? [];
    this.#views.set(streamId, views);
    let view = views.find((each) => isSame(each.fold, fold));
    if (view === undefined) {
      view = { fold, state: fold.initialState(), version: 0 };
      views.push(view);
    }
    return view;
  }

  /** Folds what comes after a view, up to a version or to the end of the stream. */
  async #readOn(view: View<Definitions>, streamId: string, toVersion?: number): Promise<number> {
    if (toVersion !== undefined && view.version >= toVersion) return view.version;
    const { fold, state, version } = view;
    const { commitId, signal, bill } = this.#options;
    const meeting: AnyFold<Definitions> = {
      ...fold,
      evolve: (folded, event) => {
        this.#meet(event);
        return fold.evolve(folded, event);
      },
    };
    // With no commit to be met, the newest snapshot is a start as good as any.
    const from = version === 0 && commitId === undefined ? undefined : { state, version };
    const loaded = await this.#store.load(streamId, meeting, { from, toVersion, signal });
    bill.add(loaded.capacity);
    if (commitId !== undefined && loaded.foldedAfter > version) await this.#findTruncated(streamId, commitId);
    if (this.own !== undefined) throw new AlreadyStored();
    view.state = loaded.state;
    view.version = loaded.version;
    this.#known.set(streamId, loaded.version);
    return loaded.version;
  }

  /** Events were truncated that the decision's own may have been among: its id is still there. */
  async #findTruncated(streamId: string, commitId: string): Promise<void> {
    const commit = await this.#store.findCommit(streamId, commitId, { signal: this.#options.signal });
    if (commit !== undefined) this.own ??= { streamId, version: commit.firstVersion };
  }

  #meet({ eventId, streamId, version }: RecordedEvent): void {
    const { commitId } = this.#options;
    if (commitId !== undefined && eventId.startsWith(`${commitId}/`)) this.own ??= { streamId, version };
  }
}

function isSame<State, Event>(one: Fold<State, Event>, other: Fold<State, Event>): boolean {
  return one.evolve === other.evolve && one.initialState === other.initialState;
}
