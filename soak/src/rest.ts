import { setTimeout as sleep } from "node:timers/promises";
import { auditLog } from "@tuppence/core";
import { GROUP_INSIDE, GROUP_OUTSIDE } from "./letters.ts";
import type { OpenPlace } from "./place.ts";

/** How often it is looked, in milliseconds. */
const LOOK_MS = 500;

/** Waits until everything is done; tells what it waits for. Answers what is left when the time is over, nothing if nothing is. */
export async function untilAtRest(
  place: OpenPlace,
  patienceMs: number,
  tell: (text: string) => void = () => undefined,
): Promise<readonly string[]> {
  let told = "";
  for (const endsAt = performance.now() + patienceMs; ; ) {
    const left = await whatIsLeft(place);
    if (left.length > 0 && left.join() !== told) tell(`Waits, as ${left.join(", ")}`);
    told = left.join();
    if (left.length === 0 || performance.now() > endsAt) return left;
    await sleep(LOOK_MS);
  }
}

/** In the order in which one follows from the other: what is asked later sees all that came of what is asked before. */
async function whatIsLeft(place: OpenPlace): Promise<readonly string[]> {
  const { client, tablePrefix, projections, scheduler, openQueue } = place;
  for await (const { id, state } of scheduler.list()) return [`schedule ${id} is ${state}`];
  const { missing } = await auditLog({ client, tablePrefix, graceMs: 0 });
  if (missing[0] !== undefined) return [`the log lacks ${JSON.stringify(missing[0])}`];
  const queue = openQueue();
  const left: string[] = [];
  for (const { name, live, next, logEnd } of await projections.status()) {
    if (next !== undefined) left.push(`${name} is being rebuilt`);
    if (live.position < logEnd) left.push(`${name} is at ${live.position} of ${logEnd}`);
  }
  for (const group of [GROUP_INSIDE, GROUP_OUTSIDE]) {
    const { depth, parked, position, tail, isChangingLanes } = await queue.status(group);
    if (parked > 0) await queue.redrive(group);
    if (depth > 0 || parked > 0 || isChangingLanes)
      left.push(`${group} is at ${position} of ${tail}, ${parked} parked`);
  }
  return left;
}
