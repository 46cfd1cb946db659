import type { DynamoDB } from "@aws-sdk/client-dynamodb";
import { type OrderEvent, orderEvents } from "@tuppence/bench/order-events";
import { openDatabase, type Servers } from "./databases.ts";
import type { Peer, PeerStore } from "./peer.ts";

/** A question of correctness that is put to every peer: a small program, whose answer is what was seen. */
export interface Probe {
  readonly name: string;
  readonly question: string;
  readonly ask: (subject: Subject) => Promise<Verdict>;
}

export interface Verdict {
  /** Whether events are safe there; undefined where there is nothing to see. */
  readonly safe: boolean | undefined;
  /** What was seen. */
  readonly seen: string;
}

/** A peer in a database of its own. */
export interface Subject extends AsyncDisposable {
  readonly peer: Peer;
  /** On the client that faults are put on. */
  readonly store: PeerStore;
  readonly client: DynamoDB;
  /** What is stored of a stream, read by a client without faults. */
  readonly stored: PeerStore["stored"];
}

export async function openSubject(servers: Servers, peer: Peer): Promise<Subject> {
  const database = await openDatabase(servers, peer);
  const client = database.connect();
  return {
    peer,
    client,
    store: database.openStore(client),
    stored: (stream) => database.openStore().stored(stream),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** The events that probes append first, one by one, so that a stream is there and known. */
export const FIRST_EVENTS: readonly OrderEvent[] = orderEvents(3, 2);

export async function appendFirst(store: PeerStore, stream: string): Promise<number> {
  let version = 0;
  for (const event of FIRST_EVENTS) version = await store.append(stream, [event], version);
  return version;
}

/** How something ended: `undefined`, or what it was refused with. */
export async function refusalOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.name === "Error" ? error.constructor.name : error.name;
  }
}

/** In how many writes something was stored. */
export function inWrites(count: number): string {
  return count === 1 ? "in 1 write" : `in ${count} writes`;
}
