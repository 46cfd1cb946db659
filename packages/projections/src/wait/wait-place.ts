import { type EventStore, type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import { KnownRegistrations } from "../builds/known-registrations.ts";
import type { ProjectionStorage } from "../storage/projection-storage.ts";

/** Where a projection is read, and what is needed to wait for it. */
export interface ReadPlace {
  readonly storage: ProjectionStorage;
  /** To find out the positions of events that are waited for. Default: only positions can be waited for. */
  readonly store?: Pick<EventStore, "waitFor"> | undefined;
  /** What this process knows of live builds: share it, so that reads see what waits have seen. Default: one of its own. */
  readonly registrations?: KnownRegistrations | undefined;
  /** Clock, chance and waiting, for tests. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
}

/** All that waiting needs. */
export interface WaitPlace {
  readonly storage: ProjectionStorage;
  readonly store: Pick<EventStore, "waitFor"> | undefined;
  readonly registrations: KnownRegistrations;
  readonly runtime: Runtime;
}

/** The place with all its defaults. */
export function waitPlace({ storage, store, registrations, runtime }: ReadPlace): WaitPlace {
  const all = { ...SYSTEM_RUNTIME, ...runtime };
  const known = registrations ?? new KnownRegistrations({ control: storage.control, runtime: all });
  return { storage, store, registrations: known, runtime: all };
}
