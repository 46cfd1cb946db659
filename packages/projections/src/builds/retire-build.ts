import type { Runtime } from "@tuppence/core";
import type { ControlKey, ControlStorage } from "@tuppence/core/leases";
import pMap from "p-map";
import type { Projection } from "../definition/projection.ts";
import type { ProjectionStorage } from "../storage/projection-storage.ts";
import { documentsOf, parkedOf, reportsOf, RETIRED } from "./names.ts";
import { readRetired, type RetiredBuild, retiredKey } from "./retired-build.ts";
import { fenceUpdate, leasesOfBuild, readSlotLeases } from "./slot-leases.ts";

/** For how long a retired build is kept: who found it live a moment before may read it still. */
export const RETIRE_AFTER_MS: number = 5 * 60_000;

/** How long the leases of a retired build are kept, in seconds, so that nobody begins them anew: a week. */
const LEASE_TTL_SECONDS: number = 7 * 24 * 3_600;

/** How often a lease is taken that somebody who has not heard of it yet takes back. */
const MAX_FENCES = 5;

/** Documents read at a time, and deleted in one request, and such requests at once. */
const PAGE = 1_000;
const DELETED_AT_ONCE = 25;
const CONCURRENCY = 4;

/** What retiring works with. */
export interface RetireContext {
  readonly storage: ProjectionStorage;
  readonly runtime: Runtime;
  /** Of the build's projection, in whatever version; undefined: it is not known here. */
  readonly definition: Projection | undefined;
  readonly signal: AbortSignal;
}

/** All builds that wait to be taken away. Cost: 0.5 RCU. */
export async function listRetired(control: ControlStorage): Promise<readonly RetiredBuild[]> {
  return [...(await control.list(RETIRED, { consistency: "eventual" })).values()].map(readRetired);
}

/** Whether those who found a build live have had their time. */
export function isDue({ retiredAt }: RetiredBuild, now: number): boolean {
  return now >= retiredAt.getTime() + RETIRE_AFTER_MS;
}

/**
 * Takes away all that a retired build has, and answers whether that is done: not before `RETIRE_AFTER_MS`, nor by somebody who does not
 * know the handler that made it. Interrupted anywhere, it is to be called again.
 *
 * Cost: 1 WCU for each document, slot, parked event and report, and what it takes to list them.
 */
export async function retireBuild(retired: RetiredBuild, context: RetireContext): Promise<boolean> {
  const { storage, runtime, definition, signal } = context;
  const { control } = storage;
  const { projection, kind, number, version, slots } = retired;
  if (!isDue(retired, runtime.now())) return false;
  if (kind === "handler" && definition === undefined) return false;
  // What its owners still have on their way is refused from now on.
  if (!(await takeLeases(retired, context))) return false;
  if (definition?.kind === "handler") {
    await definition.retire?.({ name: projection, version, build: number, signal });
  }
  for (let slot = 0; slot < slots; slot++) {
    await deleteDocuments(storage, documentsOf(projection, number, slot), signal);
    await deleteItems(control, parkedOf(projection, number, slot), signal);
  }
  await deleteItems(control, reportsOf(projection, number), signal);
  await control.delete(retiredKey(retired), signal);
  return true;
}

/** Without owners, and to be deleted. */
async function takeLeases(
  { projection, ...build }: RetiredBuild,
  { storage: { control }, runtime, signal }: RetireContext,
): Promise<boolean> {
  const ttl = Math.floor(runtime.now() / 1000) + LEASE_TTL_SECONDS;
  const taken = new Set<string>();
  for (let attempt = 0; attempt < MAX_FENCES && taken.size < build.slots; attempt++) {
    const leases = leasesOfBuild(await readSlotLeases(control, "strong"), projection, build);
    for (const lease of leases.filter(({ resource }) => !taken.has(resource))) {
      const { applied } = await control.update(fenceUpdate(lease, { ttl }), signal);
      if (applied) taken.add(lease.resource);
    }
  }
  return taken.size === build.slots;
}

async function deleteDocuments(
  { documents }: ProjectionStorage,
  partition: string,
  signal: AbortSignal,
): Promise<void> {
  let after: string | undefined;
  do {
    const page = await documents.list(partition, { after, limit: PAGE, consistency: "strong", signal });
    const keys = page.documents.map(([key]) => key);
    const requests = Array.from({ length: Math.ceil(keys.length / DELETED_AT_ONCE) }, (_, index) =>
      keys.slice(index * DELETED_AT_ONCE, (index + 1) * DELETED_AT_ONCE),
    );
    await pMap(requests, (some) => documents.deleteMany(partition, some, signal), {
      concurrency: CONCURRENCY,
    });
    after = page.more ? keys.at(-1) : undefined;
  } while (after !== undefined);
}

async function deleteItems(control: ControlStorage, partition: string, signal: AbortSignal): Promise<void> {
  const items = await control.list(partition, { consistency: "strong", signal });
  const keys = [...items.keys()].map((sort): ControlKey => ({ partition, sort }));
  await pMap(keys, (key) => control.delete(key, signal), { concurrency: CONCURRENCY });
}
