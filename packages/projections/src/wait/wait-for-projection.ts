import type { Registration } from "../builds/registration.ts";
import type { Projection } from "../definition/projection.ts";
import { hasSlotPassed } from "./slot-passed.ts";
import type { Token } from "./token.ts";
import { type ReadPlace, waitPlace } from "./wait-place.ts";
import { describeToken, slotsAwaited, WaitTargets } from "./wait-target.ts";
import { type ProjectionWaitOptions, waitUntil } from "./wait-until.ts";

/**
 * Waits until the live build of a projection has done all that a token says, or parked it: at once when it has. Of an append result
 * only those events count that the projection handles, in the slots that handle them.
 *
 * Cost: what `waitFor` of the store costs, unless the token has a position; and for each look, strongly consistent, 1 RCU, and
 * 1 for each slot that is not there yet.
 *
 * @throws WaitTimeoutError when it is not there in time.
 * @throws ProjectionMissingError when no worker has made the projection known by then.
 * @throws TypeError when the token has no position and there is no `store` to ask for it.
 */
export async function waitForProjection(
  projection: Projection,
  token: Token,
  options: ReadPlace & ProjectionWaitOptions,
): Promise<void> {
  const place = waitPlace(options);
  const { storage } = place;
  const { signal } = options;
  const targets = new WaitTargets(place, { projection, token });
  // A slot's position never goes back; another build has other slots.
  const passed = new Set<string>();
  const look = async (
    registration: Registration,
    leftMs: number,
  ): Promise<{ readonly result: undefined } | undefined> => {
    const target = await targets.of(registration, { leftMs, signal });
    if (target === undefined) return { result: undefined };
    const { position } = target;
    const nameOf = (slot: number): string => `${registration.live.number}#${slot}#${position}`;
    const left = slotsAwaited(registration, target).filter((slot) => !passed.has(nameOf(slot)));
    await Promise.all(
      left.map(async (slot) => {
        if (await hasSlotPassed(storage, registration, { slot, position, signal })) passed.add(nameOf(slot));
      }),
    );
    return left.every((slot) => passed.has(nameOf(slot))) ? { result: undefined } : undefined;
  };
  const awaited = `${describeToken(token)} in projection ${projection.name}`;
  return waitUntil(place, { projection: projection.name, awaited, look }, options);
}
