import { LRUCache } from "lru-cache";
import type { LoadResult } from "./store/read-options.ts";

/** Streams whose state a cache keeps, by default. */
export const DEFAULT_CACHED_STREAMS = 1_000;

/** Commits of each stream whose ids a cache remembers, by default. */
export const DEFAULT_CACHED_COMMIT_IDS = 10_000;

export interface StateCacheOptions {
  /** How many streams to keep; the one that was used least recently makes room. Default 1,000. */
  readonly maxStreams?: number | undefined;
  /**
   * Of how many commits of a stream the ids are remembered, at about 20 bytes each. A command with a `commitId` on a
   * stream of more commits reads the whole stream, as without a cache. Default 10,000.
   */
  readonly maxCommitIds?: number | undefined;
  /**
   * Milliseconds after which a state is loaded anew instead of gone on from. With encryption that is how long the data of
   * somebody who was forgotten may stay in it. Default: 5 minutes for states that encrypted events went into, no limit
   * for others.
   */
  readonly maxAgeMs?: number | undefined;
}

/** States of streams in this process's memory; see `createStateCache`. */
export interface StateCache<State> {
  /** How many streams it holds. */
  readonly size: number;
  /** What it holds of a stream: never newer than what is stored, and perhaps older. */
  peek(
    streamId: string,
  ): Pick<LoadResult<State>, "state" | "version" | "snapshotVersion" | "subjects"> | undefined;
  clear(): void;
}

/**
 * Keeps loaded states in memory, so that the next load of a stream reads only what is new: 1 request and, when there
 * is nothing new, 1 RCU, however long the stream. That read is strongly consistent, so the result is as fresh as
 * without a cache.
 *
 * One cache belongs to one store and one `evolve`: another one is refused with a TypeError. A state is given to
 * everyone who asks, so neither `evolve` nor `decide` nor whoever gets it may change it.
 *
 * @throws RangeError for a limit that is no whole number from 1.
 */
export function createStateCache<State>(options: StateCacheOptions = {}): StateCache<State> {
  return new CachedStates(options);
}

/** Until when states of encrypted events are gone on from, by default. */
const DEFAULT_ENCRYPTED_AGE_MS = 5 * 60 * 1_000;

/** The inside of the store whose states a cache keeps. */
interface CacheOwner {
  readonly runtime: { readonly now: () => number };
}

/** What is known of a stream at a version. */
interface CachedState<State> {
  readonly state: State;
  readonly version: number;
  /** Of the newest snapshot that was seen. */
  readonly snapshotVersion: number;
  /** Whose encrypted data went into the state. */
  readonly subjects: readonly string[];
  /** When the oldest of what the state was folded from was read, in epoch milliseconds. */
  readonly since: number;
  /** The ids of all commits from the first version on; undefined when some are not known. */
  readonly commits: Set<number> | undefined;
}

/** A state that was folded on from an earlier version: from strongly consistent reads or acknowledged appends only. */
export interface Advance<State> {
  /** The version that the folding began after; 0: with the first event. */
  readonly after: number;
  readonly version: number;
  readonly state: State;
  readonly snapshotVersion: number;
  readonly subjects: readonly string[];
  /** The commits folded. */
  readonly commits: readonly CommitFingerprint[];
}

/** What a cache says about a commit: "absent" is certain. */
export type CommitPresence = "absent" | "perhaps" | "stream not cached";

export class CachedStates<State> implements StateCache<State> {
  readonly #streams: LRUCache<string, CachedState<State>>;
  readonly #maxCommitIds: number;
  readonly #givenMaxAgeMs: number | undefined;
  #owner: { readonly store: CacheOwner; readonly evolve: unknown } | undefined;

  constructor(options: StateCacheOptions) {
    const { maxStreams = DEFAULT_CACHED_STREAMS, maxCommitIds = DEFAULT_CACHED_COMMIT_IDS } = options;
    const { maxAgeMs = 1 } = options;
    for (const [name, value] of Object.entries({ maxStreams, maxCommitIds, maxAgeMs })) {
      if (Number.isSafeInteger(value) && value >= 1) continue;
      throw new RangeError(`${name} is ${String(value)}; it has to be a whole number from 1.`);
    }
    // By size and not by number, for which it would take all its room at once.
    this.#streams = new LRUCache({ maxSize: maxStreams, sizeCalculation: () => 1 });
    this.#maxCommitIds = maxCommitIds;
    this.#givenMaxAgeMs = options.maxAgeMs;
  }

  get size(): number {
    return this.#streams.size;
  }

  peek(
    streamId: string,
  ): Pick<LoadResult<State>, "state" | "version" | "snapshotVersion" | "subjects"> | undefined {
    const kept = this.#get(streamId);
    if (kept === undefined) return undefined;
    const { state, version, snapshotVersion, subjects } = kept;
    return { state, version, snapshotVersion, subjects };
  }

  #get(streamId: string): CachedState<State> | undefined {
    const kept = this.#streams.get(streamId);
    const isTooOld = kept !== undefined && this.#now() - kept.since > this.#maxAgeMs(kept);
    if (isTooOld) this.#streams.delete(streamId);
    return isTooOld ? undefined : kept;
  }

  #maxAgeMs({ subjects }: CachedState<State>): number {
    const unlessEncrypted = subjects.length === 0 ? Number.POSITIVE_INFINITY : DEFAULT_ENCRYPTED_AGE_MS;
    return this.#givenMaxAgeMs ?? unlessEncrypted;
  }

  #now(): number {
    return this.#owner?.store.runtime.now() ?? 0;
  }

  clear(): void {
    this.#streams.clear();
  }

  /** @throws TypeError when the cache belongs to another store or another `evolve`. */
  claim(store: CacheOwner, evolve: unknown): void {
    this.#owner ??= { store, evolve };
    if (this.#owner.store !== store) {
      throw new TypeError("A state cache belongs to one store, and this one holds states of another.");
    }
    if (this.#owner.evolve !== evolve) {
      throw new TypeError(
        "A state cache belongs to one evolve function, and this one holds states of another; " +
          "make the function once, not anew for each load.",
      );
    }
  }

  advance(streamId: string, advance: Advance<State>): void {
    const { after, version, state, snapshotVersion, subjects, commits } = advance;
    const kept = this.#streams.peek(streamId);
    // Whoever read first may come last: what is kept never goes back.
    if (kept !== undefined && kept.version > version) return;
    const known = after === 0 ? new Set<number>() : kept && after <= kept.version ? kept.commits : undefined;
    if (known !== undefined) for (const commit of commits) known.add(commit);
    const remembered = known !== undefined && known.size <= this.#maxCommitIds ? known : undefined;
    // A state that goes on from what was kept is as old as that.
    const since = kept !== undefined && after > 0 ? kept.since : this.#now();
    const next = { state, version, snapshotVersion, subjects, since, commits: remembered };
    this.#streams.set(streamId, next);
  }

  /** Whether a commit may be among a stream's versions up to `version`. */
  presenceOf(commitId: string, streamId: string, version: number): CommitPresence {
    const kept = this.#get(streamId);
    if (kept === undefined) return "stream not cached";
    const covers = kept.commits !== undefined && kept.version >= version;
    return covers && !kept.commits.has(fingerprintOf(commitId)) ? "absent" : "perhaps";
  }
}

/** @throws TypeError for what `createStateCache` did not make. */
export function cachedStates<State>(cache: StateCache<State>): CachedStates<State> {
  if (cache instanceof CachedStates) return cache as CachedStates<State>;
  throw new TypeError("cache is no state cache; createStateCache() makes one.");
}

/** 30 bits of a commit id. Two ids with the same ones cost a search, never an answer that is wrong. */
export type CommitFingerprint = number;

const ID_LENGTH = 26;

/** The fingerprint of a commit id, or of the commit that an event id begins with. */
function fingerprintOf(id: string): CommitFingerprint {
  // FNV-1a; 30 bits are what V8 keeps in a set without a heap number for each.
  let hash = 0x811c9dc5;
  for (let at = 0; at < ID_LENGTH; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return hash >>> 2;
}

/** Notes the commits of events that are folded one after the other. */
export class CommitNotes {
  commits: CommitFingerprint[] = [];
  #last = "";

  note(eventId: string): void {
    if (this.#last !== "" && eventId.startsWith(this.#last)) return;
    this.#last = eventId.slice(0, ID_LENGTH + 1);
    this.commits.push(fingerprintOf(eventId));
  }
}
