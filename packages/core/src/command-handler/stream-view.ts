import { Bill } from "../capacity/units.ts";
import type { VersionConflictError } from "../conflict-errors.ts";
import type { EventDefinitions, RecordedEventOf } from "../events.ts";
import { type CachedStates, CommitNotes } from "../state-cache.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Fold, LoadResult } from "../store/read-options.ts";
import { type NextSnapshot, snapshotAfter } from "../store/next-snapshot.ts";
import type { HandlerGuards } from "./guards.ts";

/** Where a handler's states come from. */
export interface StateSource<Definitions extends EventDefinitions, State> {
  readonly store: EventStore<Definitions>;
  readonly decider: Fold<State, RecordedEventOf<Definitions>>;
  readonly cache: CachedStates<State> | undefined;
  readonly guards: HandlerGuards;
  /** Whether a load has shown that the cache belongs to this store and decider. */
  claimed: boolean;
}

/** Only what folding takes of a decider. */
function foldOf<State, Event>({ initialState, evolve, snapshot }: Fold<State, Event>): Fold<State, Event> {
  return { initialState, evolve, snapshot };
}

/** Those whose encrypted data is in a state once these events are in it. */
function withSubjectsOf(
  subjects: readonly string[],
  events: readonly { readonly subject?: string | undefined }[],
): readonly string[] {
  const more = events.flatMap(({ subject }) => subject ?? []);
  return more.length === 0 ? subjects : [...new Set([...subjects, ...more])];
}

/** What is known of a stream while commands on it are handled. Only what is stored gets in. */
export class StreamView<Definitions extends EventDefinitions, State> {
  readonly streamId: string;
  bill: Bill = new Bill();
  readonly #source: StateSource<Definitions, State>;
  /** The events of the commits that are watched for; undefined for one that was not met. */
  readonly #watched = new Map<string, RecordedEventOf<Definitions>[] | undefined>();
  #state: State;
  #version = 0;
  #snapshotVersion = 0;
  #subjects: readonly string[] = [];

  constructor(source: StateSource<Definitions, State>, streamId: string) {
    this.#source = source;
    this.streamId = streamId;
    this.#state = source.decider.initialState();
  }

  get state(): State {
    return this.#state;
  }

  get version(): number {
    return this.#version;
  }

  /** What an append takes a snapshot by, of the state after it. */
  nextSnapshot(): NextSnapshot | undefined {
    return snapshotAfter(this.#source.decider, this.#known());
  }

  #known(): Pick<LoadResult<State>, "state" | "version" | "snapshotVersion" | "subjects"> {
    return {
      state: this.#state,
      version: this.#version,
      snapshotVersion: this.#snapshotVersion,
      subjects: this.#subjects,
    };
  }

  /** Looks out for a commit in all that is loaded and folded from now on. */
  watch(commitId: string): void {
    if (!this.#watched.has(commitId)) this.#watched.set(commitId, undefined);
  }

  unwatch(commitId: string): void {
    this.#watched.delete(commitId);
  }

  /** The events of a commit that is watched for, none if they were truncated; undefined when it was not met. */
  eventsOf(commitId: string | undefined): readonly RecordedEventOf<Definitions>[] | undefined {
    return commitId === undefined ? undefined : this.#watched.get(commitId);
  }

  /**
   * Loads the stream, from the cache on where that is certain to miss no commit that is watched for. Afterwards every
   * such commit among the versions loaded has been met.
   */
  async load(signal: AbortSignal | undefined): Promise<void> {
    const { cache } = this.#source;
    if (cache === undefined) return this.catchUp(signal);
    if (this.#presence(cache) !== "perhaps" || !this.#source.claimed) {
      await this.#loadCached(cache, signal);
      if (this.#presence(cache) === "absent") return;
    }
    return this.#loadWhole(signal);
  }

  /** Watches for commits, and meets those of them that are among the versions known already. */
  async search(commitIds: readonly string[]): Promise<void> {
    const { cache } = this.#source;
    for (const commitId of commitIds) this.watch(commitId);
    if (cache === undefined || this.#presence(cache) !== "absent") await this.#loadWhole(undefined);
  }

  /** Folds what the stream holds after the version reached so far. */
  async catchUp(signal: AbortSignal | undefined): Promise<void> {
    const { store, decider } = this.#source;
    const notes = new CommitNotes();
    const before = this.#known();
    // With no commit to be met, the newest snapshot is a start as good as any.
    const from = before.version === 0 && this.#watched.size === 0 ? undefined : before;
    const loaded = await store.load(
      this.streamId,
      { ...foldOf(decider), evolve: (folded, event) => this.#meet(folded, event, notes) },
      { from, signal },
    );
    this.bill.add(loaded.capacity);
    const { foldedAfter: after } = loaded;
    this.#advance({ ...loaded, after, notes });
    if (after > before.version && from !== undefined) await this.#findTruncated(signal);
  }

  /** Events were truncated that a commit which is watched for may have been among: its id is still there. */
  async #findTruncated(signal: AbortSignal | undefined): Promise<void> {
    for (const [commitId, events] of this.#watched) {
      if (events !== undefined) continue;
      const commit = await this.#source.store.findCommit(this.streamId, commitId, { signal });
      if (commit !== undefined) this.#watched.set(commitId, [...commit.events]);
    }
  }

  /** Folds the commit that a conflict brought back, if it follows on what is known. */
  foldWinner({ winningCommit: winner }: VersionConflictError): boolean {
    if (winner?.firstVersion !== this.#version + 1) return false;
    this.fold(winner.events);
    return true;
  }

  /** What reading and conflicts consumed since the last time. */
  takeBill(): Bill {
    const bill = this.bill;
    this.bill = new Bill();
    return bill;
  }

  /** Folds stored events that follow on what is known, and that a snapshot was perhaps stored with. */
  fold(
    events: readonly RecordedEventOf<Definitions>[],
    snapshotVersion: number = this.#snapshotVersion,
  ): void {
    const after = this.#version;
    const notes = new CommitNotes();
    let state = this.#state;
    for (const event of events) state = this.#meet(state, event, notes);
    const version = events.at(-1)?.version ?? after;
    const subjects = withSubjectsOf(this.#subjects, events);
    this.#advance({ after, state, version, snapshotVersion, subjects, notes });
  }

  /** Takes over a state that was folded from stored events which follow on what is known. */
  adopt(
    to: { readonly state: State; readonly version: number; readonly snapshotVersion?: number | undefined },
    events: readonly RecordedEventOf<Definitions>[],
  ): void {
    const notes = new CommitNotes();
    for (const event of events) notes.note(event.eventId);
    const { snapshotVersion = this.#snapshotVersion } = to;
    const subjects = withSubjectsOf(this.#subjects, events);
    this.#advance({ ...to, after: this.#version, snapshotVersion, subjects, notes });
  }

  #meet(state: State, event: RecordedEventOf<Definitions>, notes: CommitNotes): State {
    const { cache, decider } = this.#source;
    if (this.#watched.size > 0) this.#watch(event);
    if (cache !== undefined) notes.note(event.eventId);
    return decider.evolve(state, event);
  }

  #watch(event: RecordedEventOf<Definitions>): void {
    const commitId = event.eventId.slice(0, event.eventId.indexOf("/"));
    if (!this.#watched.has(commitId)) return;
    const events = this.#watched.get(commitId);
    if (events === undefined) this.#watched.set(commitId, [event]);
    else events.push(event);
  }

  #advance(to: {
    readonly after: number;
    readonly state: State;
    readonly version: number;
    readonly snapshotVersion: number;
    readonly subjects: readonly string[];
    readonly notes: CommitNotes;
  }): void {
    const { after, state, version, snapshotVersion, subjects, notes } = to;
    this.#state = state;
    this.#version = version;
    this.#snapshotVersion = snapshotVersion;
    this.#subjects = subjects;
    const { commits } = notes;
    const advance = { after, state, version, snapshotVersion, subjects, commits };
    this.#source.cache?.advance(this.streamId, advance);
  }

  async #loadCached(cache: CachedStates<State>, signal: AbortSignal | undefined): Promise<void> {
    const { store, decider } = this.#source;
    const loaded = await store.load(this.streamId, foldOf(decider), { cache, signal });
    this.#source.claimed = true;
    this.bill.add(loaded.capacity);
    this.#state = loaded.state;
    this.#version = loaded.version;
    this.#snapshotVersion = loaded.snapshotVersion;
    this.#subjects = loaded.subjects;
  }

  async #loadWhole(signal: AbortSignal | undefined): Promise<void> {
    this.#state = this.#source.decider.initialState();
    this.#version = 0;
    this.#snapshotVersion = 0;
    this.#subjects = [];
    for (const commitId of this.#watched.keys()) this.#watched.set(commitId, undefined);
    return this.catchUp(signal);
  }

  /** Whether commits that are watched for may be in the part of the stream that the cache holds the state of. */
  #presence(cache: CachedStates<State>): "absent" | "perhaps" | "stream not cached" {
    if (!this.#source.guards.searchesBehindCache) return "absent";
    for (const commitId of this.#watched.keys()) {
      const presence = cache.presenceOf(commitId, this.streamId, this.#version);
      if (presence !== "absent") return presence;
    }
    return "absent";
  }
}
