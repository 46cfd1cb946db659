import type { Peer } from "../peer.ts";
import { castore } from "./castore.ts";
import { equinox } from "./equinox.ts";
import { eventStoreAdapter } from "./event-store-adapter.ts";
import { handWritten } from "./hand-written.ts";
import { schemeless } from "./schemeless.ts";
import { tuppence, tuppenceLean } from "./tuppence.ts";

/** The first is the one that all are compared with. */
export const PEERS: readonly Peer[] = [
  tuppence,
  tuppenceLean,
  handWritten,
  castore,
  equinox,
  eventStoreAdapter,
  schemeless,
];
