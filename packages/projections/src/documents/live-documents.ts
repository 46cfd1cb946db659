import type { Consistency } from "@tuppence/core";
import { documentsOf, slotOf } from "../builds/names.ts";
import type { Registration } from "../builds/registration.ts";
import type { DocumentProjection, Projection } from "../definition/projection.ts";
import { ProjectionVersionError } from "../errors.ts";
import type { DocumentStorage } from "../storage/projection-storage.ts";
import type { DocumentRecord } from "./document.ts";

/** Whether the live build is of this very definition. */
export function isOwnVersion(projection: Projection, { live }: Registration): boolean {
  return live.version === projection.version;
}

/** @throws ProjectionVersionError when the live build is of another version, and no schema tells what of it fits. */
export function checkVersion(projection: DocumentProjection, registration: Registration): void {
  if (isOwnVersion(projection, registration) || projection.schema !== undefined) return;
  throw versionError(projection, registration);
}

/** Documents of the live build as they are stored; those that are not there are left out. */
export async function readRecords(
  documents: DocumentStorage,
  { name, live }: Registration,
  read: {
    readonly keys: readonly string[];
    readonly consistency: Consistency;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ReadonlyMap<string, DocumentRecord>> {
  const bySlot = new Map<number, string[]>();
  for (const key of read.keys) {
    const slot = slotOf(key, live.slots);
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), key]);
  }
  const found = await Promise.all(
    [...bySlot].map(([slot, keys]) => documents.getMany(documentsOf(name, live.number, slot), keys, read)),
  );
  return new Map(found.flatMap((records) => [...records]));
}

/**
 * The state of a document that the live build stores; undefined when it is not there.
 *
 * @throws ProjectionVersionError when another version stored it, and it does not fit the schema.
 */
export async function stateOf<State>(
  projection: DocumentProjection<State>,
  registration: Registration,
  record: DocumentRecord | undefined,
): Promise<State | undefined> {
  if (record?.state === undefined) return undefined;
  const state = JSON.parse(record.state) as State;
  if (isOwnVersion(projection, registration)) return state;
  const result = await projection.schema?.["~standard"].validate(state);
  if (result === undefined || result.issues !== undefined) throw versionError(projection, registration);
  return state;
}

function versionError({ name, version }: Projection, { live }: Registration): ProjectionVersionError {
  return new ProjectionVersionError({ projection: name, defined: version, live: live.version });
}
