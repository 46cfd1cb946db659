import type { Figures, Measured } from "@tuppence/bench/measure";
import type { Servers } from "./databases.ts";
import type { Peer } from "./peer.ts";

/** Something that every peer is measured at. */
export interface Scenario {
  readonly name: string;
  /** In a table. */
  readonly title: string;
  /** What requests and units are counted for: "an append". */
  readonly per: string;
  /** Why a peer can't do it; undefined where it can. */
  readonly impossible: (peer: Peer) => string | undefined;
  /** Sets a peer up, in a database of its own, warmed up and metered on a client that is not timed. */
  readonly prepare: (peer: Peer, servers: Servers) => Promise<Contender>;
}

export interface Contender extends AsyncDisposable {
  /** A round, timed. Its figures: those of `FIGURES`. */
  readonly run: (round: number) => Promise<Figures>;
}

/** What is measured, by name, and how it is called. */
export const FIGURES = {
  eventsPerSecond: "events/s",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  requests: "requests",
  readUnits: "read units",
  writeUnits: "write units",
} as const;

/** How much is done: all of it, or just enough to see that it works. */
export type Scale = "full" | "small";

/** A tenth of a number in a run that is only to show that all works. */
export function scaled(count: number, scale: Scale): number {
  return scale === "full" ? count : Math.ceil(count / 10);
}

/** How many operations were done in the time there was. */
export function operationsOf({ operationsPerSecond, seconds }: Measured): number {
  return Math.round(operationsPerSecond * seconds);
}
