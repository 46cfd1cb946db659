import type { ControlStorage } from "@tuppence/core/leases";
import pMap from "p-map";
import { parkedOf, reportsOf } from "../builds/names.ts";
import type { Build, Registration } from "../builds/registration.ts";
import { buildPosition, leasesOfBuild, readSlotLeases, type SlotLeases } from "../builds/slot-leases.ts";
import { readReport } from "../run/slot-report.ts";
import { type LogStore, readLagMs } from "./log-place.ts";
import {
  type BuildFacts,
  type BuildStatus,
  buildStatus,
  type ProjectionStatus,
} from "./projection-status.ts";

/** Reads at a time. */
const CONCURRENCY = 8;

export interface StatusContext {
  readonly control: ControlStorage;
  readonly store: LogStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export async function readStatus(
  context: StatusContext,
  registrations: readonly Registration[],
): Promise<readonly ProjectionStatus[]> {
  // Positions before the end: what is behind one of them is never missed then.
  const leases = await readSlotLeases(context.control, "eventual");
  const logEnd = await context.store.logEnd({ consistency: "eventual" });
  return pMap(registrations, (registration) => readOne(context, registration, { leases, logEnd }), {
    concurrency: CONCURRENCY,
  });
}

interface Surroundings {
  readonly leases: SlotLeases;
  readonly logEnd: number;
}

async function readOne(
  context: StatusContext,
  registration: Registration,
  surroundings: Surroundings,
): Promise<ProjectionStatus> {
  const { name, kind, paused, live, next, nextRate } = registration;
  const read = async (build: Build): Promise<BuildStatus> => {
    const facts = await readFacts(context, { registration, build, ...surroundings });
    return buildStatus(registration, facts, { logEnd: surroundings.logEnd, now: context.now() });
  };
  return {
    name,
    kind,
    paused,
    logEnd: surroundings.logEnd,
    live: await read(live),
    next: next && (await read(next)),
    nextRate,
  };
}

async function readFacts(
  { control, store, now }: StatusContext,
  of: Surroundings & { readonly registration: Registration; readonly build: Build },
): Promise<BuildFacts> {
  const { registration, build, logEnd } = of;
  const { name } = registration;
  const eventual = { consistency: "eventual" } as const;
  const leases = leasesOfBuild(of.leases, name, build);
  const reports = await control.list(reportsOf(name, build.number), eventual);
  const position = buildPosition(leases, registration);
  return {
    build,
    leases,
    reports: new Map([...reports].map(([slot, item]) => [Number(slot), readReport(item)])),
    parked: await pMap(
      leases,
      async (_, slot) => (await control.list(parkedOf(name, build.number, slot), eventual)).size,
      { concurrency: CONCURRENCY },
    ),
    lagMs: position >= logEnd ? 0 : await readLagMs(store, position, now()),
  };
}
