import { slotOf } from "../builds/names.ts";
import type { Build, Registration } from "../builds/registration.ts";
import type { Projection } from "../definition/projection.ts";
import { isOwnVersion } from "../documents/live-documents.ts";
import { type Awaited, awaitedOf, awaitedOfAny } from "./awaited.ts";
import type { Token } from "./token.ts";
import type { WaitPlace } from "./wait-place.ts";

/** Up to where the live build has to be. */
export interface WaitTarget {
  readonly position: number;
  /** The event at that position; undefined when it is the position that counts. */
  readonly event: Awaited | undefined;
}

/** What a token comes to, for one projection or one of its documents; asks for each event's position once. */
export class WaitTargets {
  readonly #place: WaitPlace;
  readonly #projection: Projection;
  readonly #token: Token;
  readonly #key: string | undefined;
  /** By version: what is waited for changes when another version of the projection becomes live. */
  readonly #positions = new Map<number, number>();

  /** @throws RangeError for a position or version that is none. */
  constructor(
    place: WaitPlace,
    of: { readonly projection: Projection; readonly token: Token; readonly key?: string | undefined },
  ) {
    this.#place = place;
    this.#projection = of.projection;
    this.#token = of.token;
    this.#key = of.key;
    const value = typeof of.token === "number" ? of.token : of.token.version;
    if (!(Number.isSafeInteger(value) && value >= 0)) {
      throw new RangeError(
        `Position or version ${value} can't be waited for; it has to be a whole number from 0.`,
      );
    }
  }

  /**
   * What the live build has to reach; undefined when there is nothing to wait for.
   *
   * @throws TypeError when the position is not known and nobody can be asked; what `waitFor` of the store throws.
   */
  async of(
    registration: Registration,
    wait: { readonly leftMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<WaitTarget | undefined> {
    const token = this.#token;
    if (typeof token === "number") return { position: token, event: undefined };
    // Of another version it is not known what it handles, and where to.
    const event = isOwnVersion(this.#projection, registration)
      ? awaitedOf(this.#projection, token, this.#key)
      : awaitedOfAny(token);
    return event && { position: await this.#positionOf(event, wait), event };
  }

  async #positionOf(
    { streamId, version, position }: Awaited,
    { leftMs, signal }: { readonly leftMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<number> {
    const known = position ?? this.#positions.get(version);
    if (known !== undefined) return known;
    const { store } = this.#place;
    if (store === undefined) {
      throw new TypeError(
        `Waiting for version ${version} of stream ${streamId} needs a store to find it in the log.`,
      );
    }
    const found = await store.waitFor(streamId, version, { timeoutMs: leftMs, signal });
    this.#positions.set(version, found);
    return found;
  }
}

/** The slots of a build that have to be there; all when it is not known where the event goes. */
export function slotsAwaited({ kind, live }: Registration, { event }: WaitTarget): readonly number[] {
  if (event?.keys !== undefined) return distinctSlots([...event.keys], live);
  // What has no documents is shared out by streams.
  if (event !== undefined && kind !== "document") return distinctSlots([event.streamId], live);
  return Array.from({ length: live.slots }, (_, slot) => slot);
}

function distinctSlots(texts: readonly string[], { slots }: Build): readonly number[] {
  return [...new Set(texts.map((text) => slotOf(text, slots)))];
}

/** For people. */
export function describeToken(token: Token): string {
  return typeof token === "number"
    ? `position ${token} of the log`
    : `version ${token.version} of stream ${token.streamId}`;
}
