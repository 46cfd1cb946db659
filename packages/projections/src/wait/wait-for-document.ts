import { slotOf } from "../builds/names.ts";
import type { Registration } from "../builds/registration.ts";
import type { DocumentProjection } from "../definition/projection.ts";
import { type DocumentRecord, holdsEvent } from "../documents/document.ts";
import { checkVersion, readRecords, stateOf } from "../documents/live-documents.ts";
import { hasSlotPassed, isParked } from "./slot-passed.ts";
import type { Token } from "./token.ts";
import { describeToken, type WaitTarget, WaitTargets } from "./wait-target.ts";
import type { WaitPlace } from "./wait-place.ts";
import { type ProjectionWaitOptions, waitUntil } from "./wait-until.ts";

/** Waits until a document has in it what a token says, and answers it. The protocol is that of `Documents.waitFor`. */
export async function waitForDocument<State>(
  place: WaitPlace,
  waited: { readonly projection: DocumentProjection<State>; readonly key: string; readonly token: Token },
  options: ProjectionWaitOptions,
): Promise<State | undefined> {
  const { projection, key, token } = waited;
  const { signal } = options;
  const { storage } = place;
  const targets = new WaitTargets(place, waited);
  const look = async (
    registration: Registration,
    leftMs: number,
  ): Promise<{ readonly result: State | undefined } | undefined> => {
    checkVersion(projection, registration);
    const target = await targets.of(registration, { leftMs, signal });
    // First: what is read after the slot has passed holds all that it has passed.
    const isThere = target === undefined || (await isDone(place, registration, { key, target, signal }));
    const read = { keys: [key], consistency: "strong", signal } as const;
    const record = (await readRecords(storage.documents, registration, read)).get(key);
    if (!isThere && !(record !== undefined && holds(record, target))) return undefined;
    return { result: await stateOf(projection, registration, record) };
  };
  const awaited = `${describeToken(token)} in document ${JSON.stringify(key)} of projection ${projection.name}`;
  return waitUntil(place, { projection: projection.name, awaited, look }, options);
}

async function isDone(
  { storage }: WaitPlace,
  registration: Registration,
  awaited: { readonly key: string; readonly target: WaitTarget; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  const { key, target, signal } = awaited;
  const at = { slot: slotOf(key, registration.live.slots), position: target.position, signal };
  if (!(await hasSlotPassed(storage, registration, at))) return false;
  // A position counts by itself; an event has to be there, or left out for good.
  return target.event === undefined || !(await isParked(storage, registration, at));
}

/** Whether a document says itself that it holds what is waited for. */
function holds(record: DocumentRecord, { position, event }: WaitTarget): boolean {
  if (event !== undefined) return holdsEvent(record, { streamId: event.streamId, position });
  return [record.position, ...record.streams.values()].every((each) => position <= each);
}
