import { backoffMs, type Runtime } from "@tuppence/core";
import { type ControlStorage, type ControlUpdate, UncertainWriteError } from "@tuppence/core/leases";
import type { Registration } from "../builds/registration.ts";
import { ProjectionBusyError } from "../errors.ts";
import { listParkedSlots, type ParkedInSlot } from "./list-parked.ts";
import { parkedKey } from "./parked-event.ts";

/** How often a request is sent whose reply is lost; repeated, it changes nothing. */
const MAX_SENDS = 5;
const BACKOFF = { baseMs: 25, maxMs: 1_000 };

/** What is to be tried again. */
export interface ReplayRequest {
  /** Default: all of them. */
  readonly streamId?: string | undefined;
  /** Leaves out the event at which each stream stopped, for good. */
  readonly skip?: boolean | undefined;
}

/**
 * Asks the owners of slots to go on with the streams that they stopped at: the mark on the first event of each tells them. Answers how
 * many events are parked there.
 */
export async function askReplay(
  { control, runtime }: { readonly control: ControlStorage; readonly runtime: Runtime },
  registration: Registration,
  { streamId, skip = false }: ReplayRequest,
): Promise<number> {
  let asked = 0;
  for await (const events of listParkedSlots(control, registration, "strong")) {
    const counts = new Map<string, number>();
    for (const event of events) counts.set(event.streamId, (counts.get(event.streamId) ?? 0) + 1);
    for (const [stream, count] of counts) {
      const first = events.find((event) => event.streamId === stream);
      if (first === undefined || (streamId !== undefined && streamId !== stream)) continue;
      if (await mark({ control, runtime }, first, { projection: registration.name, skip })) asked += count;
    }
  }
  return asked;
}

/** Answers false when the event is not parked any more. */
async function mark(
  { control, runtime }: { readonly control: ControlStorage; readonly runtime: Runtime },
  event: ParkedInSlot,
  { projection, skip }: { readonly projection: string; readonly skip: boolean },
): Promise<boolean> {
  // What was not tried yet is no event that failed: it is not left out unseen.
  const replay = skip && event.reason === "failed" ? "skip" : "apply";
  if (event.replay === replay) return true;
  const key = parkedKey({ projection, build: event.build, slot: event.slot }, event.position);
  const update: ControlUpdate = { key, where: { streamId: event.streamId }, set: { replay } };
  for (let send = 1; ; send++) {
    try {
      return (await control.update(update)).applied;
    } catch (error) {
      if (!(error instanceof UncertainWriteError)) throw error;
      const { mayBeWritten, cause } = error;
      if (send === MAX_SENDS) throw new ProjectionBusyError(projection, { mayBeWritten, cause });
      await runtime.sleep(backoffMs(send, BACKOFF, runtime.random));
    }
  }
}
