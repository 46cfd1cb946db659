import type { Runtime } from "@tuppence/core";
import type { LRUCache } from "lru-cache";
import type { Entry } from "./entries/entry.ts";
import type { SchedulerGuards } from "./guards.ts";
import type { SharedRuns } from "./minutes/shared-runs.ts";
import type { Relay } from "./relay/relay.ts";
import type { SchedulerEvent } from "./scheduler-event.ts";
import type { ScheduleItems } from "./storage/schedule-storage.ts";
import type { WriteSpeed } from "./storage/write-speed.ts";
import type { Targets } from "./targets/target.ts";

/** What all parts of a scheduler work with. */
export interface SchedulerContext {
  readonly storage: ScheduleItems;
  /** How fast it is written to it. */
  readonly speed: WriteSpeed;
  readonly runtime: Runtime;
  readonly guards: SchedulerGuards;
  readonly targets: Targets;
  /** How long what is over is kept, in milliseconds. */
  readonly retentionMs: number;
  /** Minutes of shards that this process has seen to have a marker and a doorbell. */
  readonly seenMinutes: LRUCache<string, true>;
  /** Looks after minutes for all in this process who put entries into one at a time. */
  readonly minuteRuns: SharedRuns;
  /** Are told of each entry that this process puts, or has be fired after all. */
  readonly onEntry: Set<(entry: Entry) => void>;
  /** Wakes somebody up to the second where no worker runs; undefined: nobody. */
  readonly relay: Relay | undefined;
  readonly emit: (event: SchedulerEvent) => void;
}

/** Minutes that a process remembers at most: a shard's week. */
export const MAX_SEEN_MINUTES = 10_080;
