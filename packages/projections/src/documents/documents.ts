import type { Consistency } from "@tuppence/core";
import type { DocumentProjection } from "../definition/projection.ts";
import type { Token } from "../wait/token.ts";
import { waitForDocument } from "../wait/wait-for-document.ts";
import { type ReadPlace, waitPlace } from "../wait/wait-place.ts";
import type { ProjectionWaitOptions } from "../wait/wait-until.ts";
import { listDocuments } from "./list-documents.ts";
import { checkVersion, readRecords, stateOf } from "./live-documents.ts";

export interface GetDocumentsOptions {
  /** `"eventual"` (default) costs half of `"strong"`, and may be a moment behind. */
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GetDocumentOptions extends GetDocumentsOptions, ProjectionWaitOptions {
  /** Waits until this is in the document, as `waitFor` does. Default: gives what is there. */
  readonly after?: Token | undefined;
}

export interface ListDocumentsOptions extends GetDocumentsOptions {
  /** Only documents whose keys begin with it. Default: all. */
  readonly prefix?: string | undefined;
  /** Begin behind this key: the last one of an earlier list. Default: with the first. */
  readonly after?: string | undefined;
  /** At most so many. Default: all. */
  readonly limit?: number | undefined;
}

/** A document with its key. */
export interface KeyedDocument<State> {
  readonly key: string;
  readonly document: State;
}

/**
 * The documents of a projection, as its live build has them. Every method rejects with
 * - ProjectionMissingError when no worker has made the projection known yet; waits wait for that, too, as long as for all else;
 * - ProjectionVersionError when another version of it is live, and what that stores does not fit the definition's schema, or
 *   there is none;
 * - TableMissingError when a table is not there.
 *
 * Which build is live is read anew when it was last seen more than 1,000 ms ago: 1 RCU.
 */
export interface Documents<State> {
  /**
   * A document; undefined when there is none.
   *
   * Cost: 1 request, 0.5 RCU for each 4 KB, strongly consistent 1.
   *
   * @throws what `waitFor` throws, with `after`.
   */
  get(key: string, options?: GetDocumentOptions): Promise<State | undefined>;
  /**
   * Many documents; those that are not there are left out.
   *
   * Cost: 1 request for each 100 keys and slot, read units as with `get`.
   */
  getMany(keys: readonly string[], options?: GetDocumentsOptions): Promise<ReadonlyMap<string, State>>;
  /**
   * Documents in the order of their keys' UTF-8 bytes. Leaving the loop stops fetching. When another build becomes live meanwhile, it
   * goes on with that one behind the last key.
   *
   * Cost: 1 request for each slot and 500 documents, 0.5 RCU for each 4 KB, strongly consistent 1.
   */
  list(options?: ListDocumentsOptions): AsyncIterable<KeyedDocument<State>>;
  /**
   * Waits until an event, or everything up to a position, is in a document, and answers the document; at once when it is there, or
   * when the token is nothing that this document is about. An append result waits for those of its events that go into the document.
   * An event that is parked is waited for until it is replayed; one that was skipped is not.
   *
   * Cost: what `waitFor` of the store costs, unless the token has a position; and 3 RCU for each look, strongly consistent (or 4).
   *
   * @throws WaitTimeoutError when it is not there in time; it may be parked.
   * @throws TypeError when the token has no position and there is no `store` to ask for it.
   */
  waitFor(key: string, token: Token, options?: ProjectionWaitOptions): Promise<State | undefined>;
}

/** The query side of a document projection. Keep it: it remembers which build is live. @throws TypeError for another kind. */
export function createDocuments<State>(
  projection: DocumentProjection<State>,
  options: ReadPlace,
): Documents<State> {
  if (projection.kind !== "document") {
    throw new TypeError(`Projection ${(projection as DocumentProjection).name} has no documents.`);
  }
  const place = waitPlace(options);
  const { storage, registrations } = place;
  const getMany: Documents<State>["getMany"] = async (keys, { consistency = "eventual", signal } = {}) => {
    const registration = await registrations.recent(projection.name, signal);
    checkVersion(projection, registration);
    const records = await readRecords(storage.documents, registration, { keys, consistency, signal });
    const states = new Map<string, State>();
    for (const [key, record] of records) {
      const state = await stateOf(projection, registration, record);
      if (state !== undefined) states.set(key, state);
    }
    return states;
  };
  const waitFor: Documents<State>["waitFor"] = (key, token, wait = {}) =>
    waitForDocument(place, { projection, key, token }, wait);
  return {
    getMany,
    waitFor,
    async get(key, { after, ...read } = {}) {
      if (after !== undefined) return waitFor(key, after, read);
      return (await getMany([key], read)).get(key);
    },
    list: (list = {}) => listDocuments(place, projection, list),
  };
}
