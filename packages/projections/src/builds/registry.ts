import { backoffMs, type Runtime } from "@tuppence/core";
import { type ControlChange, type ControlStorage, UncertainWriteError } from "@tuppence/core/leases";
import type { Projection } from "../definition/projection.ts";
import { ProjectionBusyError, ProjectionMissingError } from "../errors.ts";
import { REGISTRATIONS } from "./names.ts";
import { readRegistration, type Registration, registrationItem } from "./registration.ts";
import { retiredUpdate } from "./retired-build.ts";
import { fenceUpdate, leasesOfBuild, readSlotLeases, type SlotLease, slotPosition } from "./slot-leases.ts";
import {
  cancelRebuild,
  flip,
  register,
  reset,
  setPaused,
  startRebuild,
  type Transition,
} from "./transitions.ts";

/** How often a change is tried, when others change the same or replies are lost. */
const MAX_ATTEMPTS = 10;
const BACKOFF = { baseMs: 25, maxMs: 1_000 };

/** Changes that a registration remembers: an own one is recognised even if others came after it. */
const REMEMBERED_CHANGES = 8;

/**
 * What is known of projections, and how it changes: each change is one transaction on the condition that nothing changed since
 * it was decided on, with the builds that it makes superfluous and the leases that it takes from their owners.
 *
 * Cost of a change: 1 RCU and 2 WCU; 2 WCU more for each build that is given up and each slot of one that was live, whose
 * leases are read for 1 RCU for each 4 KB.
 *
 * All changes of what was never registered are refused with a ProjectionMissingError; those that others are in the way of all the time, or whose
 * outcome stays unknown, with a ProjectionBusyError.
 */
export interface Registry {
  /** Strongly consistent. */
  find(name: string): Promise<Registration | undefined>;
  /** All of them, by name. */
  list(consistency?: "strong" | "eventual"): Promise<readonly Registration[]>;
  /**
   * Says that somebody wants to run this definition: the first time it is live, a newer version is built beside the live one.
   * `logEnd` is only asked for when it begins there.
   *
   * @throws ProjectionChangedError
   */
  register(definition: Projection, logEnd: () => Promise<number>): Promise<Registration>;
  /** @throws TypeError for a reactor. */
  startRebuild(
    name: string,
    options?: { readonly eventsPerSecond?: number | undefined },
  ): Promise<Registration>;
  cancelRebuild(name: string): Promise<Registration>;
  /**
   * Makes the build beside the live one live, if it is as far, and answers whether it is. False may come of owners who are
   * getting on all the time: ask again later.
   */
  flip(name: string, build: number): Promise<boolean>;
  reset(name: string): Promise<Registration>;
  pause(name: string): Promise<Registration>;
  resume(name: string): Promise<Registration>;
}

/** What is to be stored: a transition, and the changes of leases that go with it. */
interface Plan {
  readonly transition: Transition;
  readonly leases: readonly ControlChange[];
}

type Decide = (before: Registration | undefined) => Promise<Plan | undefined>;

export function createRegistry({
  storage,
  runtime,
}: {
  readonly storage: ControlStorage;
  readonly runtime: Runtime;
}): Registry {
  const change = (name: string, decide: Decide): Promise<Registration> =>
    changeRegistration(storage, runtime, { name, decide });
  const changeKnown = (
    name: string,
    decide: (before: Registration) => Transition | undefined,
  ): Promise<Registration> =>
    change(name, async (before) => {
      if (before === undefined) throw new ProjectionMissingError(name);
      return withFences(storage, before, decide(before));
    });
  return {
    find: async (name) => (await find(storage, name))?.registration,
    async list(consistency = "strong") {
      const items = await storage.list(REGISTRATIONS, { consistency });
      return [...items].map(([name, item]) => readRegistration(name, item));
    },
    register: (definition, logEnd) =>
      change(definition.name, async (before) => {
        const isToEnd = before === undefined && definition.startFrom === "end";
        const transition = register(before, definition, isToEnd ? await logEnd() : 0);
        return transition && { transition, leases: [] };
      }),
    async startRebuild(name, { eventsPerSecond } = {}) {
      if (eventsPerSecond !== undefined && !(eventsPerSecond > 0)) {
        throw new RangeError(`eventsPerSecond is ${eventsPerSecond}; it has to be above 0.`);
      }
      return changeKnown(name, (before) => startRebuild(before, eventsPerSecond));
    },
    cancelRebuild: (name) => changeKnown(name, cancelRebuild),
    async flip(name, build) {
      try {
        const after = await change(name, async (before) => before && planFlip(storage, before, build));
        return after.live.number === build;
      } catch (error) {
        if (error instanceof ProjectionBusyError && !error.mayBeWritten) return false;
        throw error;
      }
    },
    reset: (name) => changeKnown(name, reset),
    pause: (name) => changeKnown(name, (before) => setPaused(before, true)),
    resume: (name) => changeKnown(name, (before) => setPaused(before, false)),
  };
}

/** With the leases of the build that stops being live, wherever they are. */
async function withFences(
  storage: ControlStorage,
  { name }: Registration,
  transition: Transition | undefined,
): Promise<Plan | undefined> {
  if (transition?.fenced === undefined) return transition && { transition, leases: [] };
  const leases = await readSlotLeases(storage, "strong");
  const fenced = leasesOfBuild(leases, name, transition.fenced);
  return { transition, leases: fenced.map((lease) => fenceUpdate(lease)) };
}

/**
 * The next build's positions only go up, the live one's are expected to be as read: at the moment of the flip nobody sees less
 * than before.
 */
async function planFlip(
  storage: ControlStorage,
  before: Registration,
  build: number,
): Promise<Plan | undefined> {
  const transition = flip(before, build);
  if (transition?.fenced === undefined) return undefined;
  const leases = await readSlotLeases(storage, "strong");
  const live = leasesOfBuild(leases, before.name, transition.fenced);
  const next = leasesOfBuild(leases, before.name, transition.to.live);
  if (!isAsFar({ next, live }, before)) return undefined;
  return { transition, leases: live.map((lease) => fenceUpdate(lease, { expectsPosition: true })) };
}

/** Slot by slot where keys are shared out alike; otherwise all have to be as far as the furthest. */
function isAsFar(
  { next, live }: { readonly next: readonly SlotLease[]; readonly live: readonly SlotLease[] },
  registration: Registration,
): boolean {
  const furthest = Math.max(...live.map((lease) => slotPosition(lease, registration)));
  return next.every((lease, slot) => {
    const counterpart = next.length === live.length ? live[slot] : undefined;
    const wanted = counterpart ? slotPosition(counterpart, registration) : furthest;
    return slotPosition(lease, registration) >= wanted;
  });
}

interface Found {
  readonly registration: Registration;
  /** The ids of its last changes. */
  readonly changes: readonly string[];
}

async function find(storage: ControlStorage, name: string): Promise<Found | undefined> {
  const item = await storage.find({ partition: REGISTRATIONS, sort: name });
  return item && { registration: readRegistration(name, item), changes: String(item["changes"]).split(" ") };
}

async function changeRegistration(
  storage: ControlStorage,
  runtime: Runtime,
  { name, decide }: { readonly name: string; readonly decide: Decide },
): Promise<Registration> {
  const changeId = Math.floor(runtime.random() * 2 ** 48).toString(36);
  let uncertain: UncertainWriteError | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (attempt > 0) await runtime.sleep(backoffMs(attempt, BACKOFF, runtime.random));
    const before = await find(storage, name);
    // A send whose reply was lost. One that is still on its way finds another revision, once this attempt or any other got through.
    if (before?.changes.includes(changeId)) return before.registration;
    const plan = await decide(before?.registration);
    if (plan === undefined) {
      if (before === undefined) throw new ProjectionMissingError(name);
      return before.registration;
    }
    const changes = [changeId, ...(before?.changes ?? [])].slice(0, REMEMBERED_CHANGES);
    try {
      const outcome = await storage.transact(changesOf(plan, before, { changes, runtime }), []);
      if (outcome.applied) return plan.transition.to;
    } catch (error) {
      if (!(error instanceof UncertainWriteError)) throw error;
      if (error.mayBeWritten || uncertain === undefined) uncertain = error;
    }
  }
  const mayBeWritten = uncertain?.mayBeWritten ?? false;
  throw new ProjectionBusyError(name, { mayBeWritten, cause: uncertain?.cause });
}

function changesOf(
  { transition, leases }: Plan,
  before: Found | undefined,
  { changes, runtime }: { readonly changes: readonly string[]; readonly runtime: Runtime },
): readonly ControlChange[] {
  const { to, retired } = transition;
  const retiredAt = new Date(runtime.now());
  return [
    {
      key: { partition: REGISTRATIONS, sort: to.name },
      where: { revision: before?.registration.revision },
      set: { ...registrationItem(to), changes: changes.join(" ") },
    },
    ...retired.map((build) => retiredUpdate({ ...build, projection: to.name, kind: to.kind, retiredAt })),
    ...leases,
  ];
}
