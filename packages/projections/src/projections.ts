import { createEventStore, type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import type { Registration } from "./builds/registration.ts";
import { createRegistry } from "./builds/registry.ts";
import { KnownRegistrations } from "./builds/known-registrations.ts";
import type { DocumentProjection, Projection } from "./definition/projection.ts";
import { createDocuments, type Documents } from "./documents/documents.ts";
import { ProjectionMissingError } from "./errors.ts";
import { askReplay, type ReplayRequest } from "./run/ask-replay.ts";
import { listParkedSlots, type ParkedInSlot } from "./run/list-parked.ts";
import type { LogStore } from "./status/log-place.ts";
import type { ProjectionStatus } from "./status/projection-status.ts";
import { readStatus } from "./status/read-status.ts";
import type { Token } from "./wait/token.ts";
import { waitForProjection } from "./wait/wait-for-projection.ts";
import type { ProjectionWaitOptions } from "./wait/wait-until.ts";
import { type ProjectionPlace, storageOf } from "./worker/create-projection-worker.ts";

export type ProjectionsOptions = {
  /** Clock, chance and waiting. Default: the system's. */
  readonly runtime?: Partial<Runtime> | undefined;
} & (
  | (Extract<ProjectionPlace, { readonly client: unknown }> & {
      /** The event store. Default: a plain one with this client and prefix. */
      readonly store?: LogStore | undefined;
    })
  | (Extract<ProjectionPlace, { readonly storage: unknown }> & { readonly store: LogStore })
);

/** What is known of a projection beside its definition: its builds, and whether it runs. */
export type ProjectionSummary = Omit<Registration, "builds" | "revision">;

export interface ParkedOptions {
  /** Only those of this stream. Default: all. */
  readonly streamId?: string | undefined;
  /** At most so many. Default: all. */
  readonly limit?: number | undefined;
}

/**
 * Looks at projections and looks after them, wherever they run. Workers obey within a round, a few seconds.
 *
 * What is asked of a projection that nobody ever ran is refused with a ProjectionMissingError; `waitFor` waits for that, too. Changes that others are in the way of all the time
 * throw a ProjectionBusyError.
 */
export interface Projections {
  /** All projections that were ever run here, by name. Cost: 0.5 RCU for some 20 of them. */
  list(): Promise<readonly ProjectionSummary[]>;
  /**
   * How far projections are, how fast, and what is wrong with them. Default: all of them.
   *
   * Cost: 0.5 RCU for each 4 KB of leases (some 25) and of the log's last page; for each build 0.5 RCU, 0.5 RCU for each slot and for each 4 KB of
   * what it has parked, and of the page that it has come to if it is behind: up to 50 RCU for a full one.
   */
  status(name?: string): Promise<readonly ProjectionStatus[]>;
  /** Stops its workers after what they are at. Its read model stays, as it is. Repeated, it changes nothing. */
  pause(name: string): Promise<ProjectionSummary>;
  resume(name: string): Promise<ProjectionSummary>;
  /**
   * Builds the live version anew, beside the live build: readers see that until the new one is as far. One that is under way goes on, at the
   * new rate if one is given.
   *
   * @throws TypeError for a reactor, whose effects only a `reset` repeats; RangeError for a rate that is none.
   */
  rebuild(
    name: string,
    options?: {
      /** At most so many events a second, in each slot, so that the live build keeps its share. Default: no limit. */
      readonly eventsPerSecond?: number | undefined;
    },
  ): Promise<ProjectionSummary>;
  /** Gives up what is being built beside the live build. A newer version begins again while there is a worker that has it. */
  cancelRebuild(name: string): Promise<ProjectionSummary>;
  /**
   * Begins anew at once: readers see an empty read model that fills up, and a reactor repeats its effects. Each call does it once more.
   */
  reset(name: string): Promise<ProjectionSummary>;
  /** Events that were put aside, of the live build and of the next one: by builds, slots and positions. */
  parked(name: string, options?: ParkedOptions): AsyncIterable<ParkedInSlot>;
  /**
   * Asks for what is parked to be handled now, each stream's events in their order, until one fails again. Answers how many there are.
   * With `skip` the event at which a stream stopped is left out for good. Asked for again before that is done, it changes
   * nothing.
   */
  replay(name: string, request?: ReplayRequest): Promise<number>;
  /** The documents of a projection, to be read and waited for. Keep it: it remembers which build is live. @throws TypeError for another kind. */
  documents<State>(projection: DocumentProjection<State>): Documents<State>;
  /**
   * Waits until the live build of a projection has done all that a token says, or parked it: at once when it has. The token is what an append
   * answered (only those of its events count that the projection handles), an event, a stream and a version, or a position.
   *
   * Cost: what `waitFor` of the store costs, unless the token has a position; and for each look, ten a second, 1 RCU and 1 for each slot.
   *
   * @throws WaitTimeoutError when it is not there in time.
   * @throws ProjectionMissingError when no worker has made the projection known by then.
   */
  waitFor(projection: Projection, token: Token, options?: ProjectionWaitOptions): Promise<void>;
  /** Creates the tables `<prefix>-control` and `<prefix>-documents` if they are missing; safe to call always. */
  ensureTables(): Promise<void>;
}

/** The projections of an event store. */
export function createProjections(options: ProjectionsOptions): Projections {
  const runtime = { ...SYSTEM_RUNTIME, ...options.runtime };
  const storage = storageOf(options);
  const { control } = storage;
  const store = storeOf(options);
  const registry = createRegistry({ storage: control, runtime });
  const registrations = new KnownRegistrations({ control, runtime });
  const place = { storage, store, runtime, registrations };
  const find = async (name: string): Promise<Registration> => {
    const registration = await registry.find(name);
    if (registration === undefined) throw new ProjectionMissingError(name);
    return registration;
  };
  return {
    async list() {
      return (await registry.list("eventual")).map(summaryOf);
    },
    async status(name) {
      const asked = name === undefined ? await registry.list("eventual") : [await find(name)];
      return readStatus({ control, store, now: runtime.now }, asked);
    },
    pause: async (name) => summaryOf(await registry.pause(name)),
    resume: async (name) => summaryOf(await registry.resume(name)),
    rebuild: async (name, request) => summaryOf(await registry.startRebuild(name, request)),
    cancelRebuild: async (name) => summaryOf(await registry.cancelRebuild(name)),
    reset: async (name) => summaryOf(await registry.reset(name)),
    async *parked(name, { streamId, limit = Number.POSITIVE_INFINITY } = {}) {
      if (!(limit >= 1)) throw new RangeError(`limit is ${limit}; it has to be 1 or more.`);
      let left = limit;
      for await (const events of listParkedSlots(control, await find(name), "eventual")) {
        for (const event of events) {
          if (streamId !== undefined && event.streamId !== streamId) continue;
          yield event;
          if (--left <= 0) return;
        }
      }
    },
    replay: async (name, request = {}) => askReplay({ control, runtime }, await find(name), request),
    documents: (projection) => createDocuments(projection, place),
    waitFor: (projection, token, waitOptions) =>
      waitForProjection(projection, token, { ...place, ...waitOptions }),
    ensureTables: () => storage.ensureTables(),
  };
}

function storeOf(options: ProjectionsOptions): LogStore {
  if ("storage" in options) return options.store;
  const { client, tablePrefix, store = createEventStore({ client, tablePrefix }) } = options;
  return store;
}

function summaryOf(registration: Registration): ProjectionSummary {
  const { name, kind, live, next, nextRate, paused, startPosition } = registration;
  return { name, kind, live, next, nextRate, paused, startPosition };
}
