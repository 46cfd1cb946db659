import { Bill } from "../capacity/units.ts";
import type { VersionConflictError } from "../errors.ts";
import type { EventDefinitions, RecordedEventOf } from "../events.ts";
import { type CachedStates, CommitNotes } from "../state-cache.ts";
import type { EventStore, Fold } from "../store/event-store.ts";
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

/** What is known of a stream while commands on it are handled. Only what is stored gets in. */
export class StreamView<Definitions extends EventDefinitions, State> {
  readonly streamId: string;
  bill: Bill = new Bill();
  readonly #source: StateSource<Definitions, State>;
  /** The events of the commits that are watched for, as far as they were met. */
  readonly #watched = new Map<string, RecordedEventOf<Definitions>[]>();
  #state: State;
  #version = 0;

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

  /** Looks out for a commit in all that is loaded and folded from now on. */
  watch(commitId: string): void {
    if (!this.#watched.has(commitId)) this.#watched.set(commitId, []);
  }

  unwatch(commitId: string): void {
    this.#watched.delete(commitId);
  }

  /** The events of a commit that is watched for; none when it was not met. */
  eventsOf(commitId: string | undefined): readonly RecordedEventOf<Definitions>[] {
    return (commitId === undefined ? undefined : this.#watched.get(commitId)) ?? [];
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
    const after = this.#version;
    const notes = new CommitNotes();
    const { state, version, capacity } = await store.load(
      this.streamId,
      { initialState: decider.initialState, evolve: (folded, event) => this.#meet(folded, event, notes) },
      { from: { state: this.#state, version: after }, signal },
    );
    this.bill.add(capacity);
    this.#advance({ after, state, version, notes });
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

  /** Folds stored events that follow on what is known. */
  fold(events: readonly RecordedEventOf<Definitions>[]): void {
    const after = this.#version;
    const notes = new CommitNotes();
    let state = this.#state;
    for (const event of events) state = this.#meet(state, event, notes);
    this.#advance({ after, state, version: events.at(-1)?.version ?? after, notes });
  }

  /** Takes over a state that was folded from stored events which follow on what is known. */
  adopt(
    to: { readonly state: State; readonly version: number },
    events: readonly RecordedEventOf<Definitions>[],
  ): void {
    const notes = new CommitNotes();
    for (const event of events) notes.note(event.eventId);
    this.#advance({ after: this.#version, state: to.state, version: to.version, notes });
  }

  #meet(state: State, event: RecordedEventOf<Definitions>, notes: CommitNotes): State {
    const { cache, decider } = this.#source;
    if (this.#watched.size > 0)
      this.#watched.get(event.eventId.slice(0, event.eventId.indexOf("/")))?.push(event);
    if (cache !== undefined) notes.note(event.eventId);
    return decider.evolve(state, event);
  }

  #advance(to: {
    readonly after: number;
    readonly state: State;
    readonly version: number;
    readonly notes: CommitNotes;
  }): void {
    const { after, state, version, notes } = to;
    this.#state = state;
    this.#version = version;
    this.#source.cache?.advance(this.streamId, { after, state, version, commits: notes.commits });
  }

  async #loadCached(cache: CachedStates<State>, signal: AbortSignal | undefined): Promise<void> {
    const { store, decider } = this.#source;
    const { state, version, capacity } = await store.load(this.streamId, decider, { cache, signal });
    this.#source.claimed = true;
    this.bill.add(capacity);
    this.#state = state;
    this.#version = version;
  }

  async #loadWhole(signal: AbortSignal | undefined): Promise<void> {
    this.#state = this.#source.decider.initialState();
    this.#version = 0;
    for (const events of this.#watched.values()) events.length = 0;
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
