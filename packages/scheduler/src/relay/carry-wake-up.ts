import { type DrainContext, drainMinute } from "../drain/drain-minute.ts";
import { markerKey } from "../entries/keys.ts";
import { endOfMinute } from "../minutes/minute.ts";
import { ringBy } from "../minutes/open-minute.ts";
import { nextHop } from "./next-hop.ts";
import type { ReceivedWakeUp, Relay, WakeUp } from "./relay.ts";

export type CarryingContext = Omit<DrainContext, "presentMs"> & { readonly relay: Relay };

/**
 * Brings a wake-up nearer to its time, or fires what is due then. Answers whether it is done with, or has to come again; the own clock alone says
 * what time it is.
 *
 * Cost of one that is due: 1 RCU for the marker, that of draining the minute, and 1 RCU if something is left in it.
 */
export async function carryWakeUp(
  context: CarryingContext,
  { wakeUp, receipt, receives }: ReceivedWakeUp,
): Promise<"done" | "comes again"> {
  const { relay, runtime, signal } = context;
  const hop = nextHop(wakeUp.atMs, runtime.now(), receives);
  switch (hop.kind) {
    case "hold":
      await relay.hold(receipt, hop.seconds, { signal });
      return "comes again";
    case "send":
      await relay.send([{ wakeUp, delaySeconds: hop.delaySeconds }], { signal });
      return "done";
    case "wait":
      await runtime.sleep(hop.ms, signal);
      break;
    case "due":
  }
  await drainWoken(context, wakeUp);
  return "done";
}

async function drainWoken(context: CarryingContext, { shard, minute }: WakeUp): Promise<void> {
  const { storage, runtime, signal } = context;
  const marker = await storage.find(markerKey(shard, minute), signal);
  // It is closed: all in it is done.
  if (marker === undefined) return;
  const place = { shard, minute };
  const leftAtMs = await drainMinute({ ...context, presentMs: () => runtime.now() }, place, marker);
  if (leftAtMs !== undefined) await ringBy(context, place, Math.max(leftAtMs, endOfMinute(minute)));
}
