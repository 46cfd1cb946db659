import type { Figures } from "@tuppence/bench/measure";
import type { Scale } from "./scenario.ts";

/** What a run came to: the content of docs/peers.json, from which docs/peers.md is made. */
export interface Results {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
  readonly server: string;
  readonly scale: Scale;
  /** Each peer's name in tables, and its version where it has one. The first is what the others are compared with. */
  readonly peers: Readonly<Record<string, PeerFacts>>;
  readonly scenarios: readonly ScenarioResult[];
  readonly probes: readonly ProbeResult[];
}

export interface PeerFacts {
  readonly label: string;
  readonly ours: boolean;
  readonly version?: string | undefined;
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  /** What requests and units are counted for. */
  readonly per: string;
  /** How often each peer was measured, in turn. */
  readonly rounds: number;
  readonly peers: Readonly<Record<string, PeerResult>>;
}

export type PeerResult = Measurement | { readonly impossible: string };

export interface Measurement {
  /** Medians over the rounds. */
  readonly figures: Figures;
  /** Of the peer to the first one: medians of the ratios within a round. Above 1 is better for events/s, below 1 for all else. */
  readonly ratios: Figures;
}

export interface ProbeResult {
  readonly name: string;
  readonly question: string;
  readonly peers: Readonly<Record<string, { readonly safe?: boolean | undefined; readonly seen: string }>>;
}
