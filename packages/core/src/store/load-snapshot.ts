import { type Item, itemSize } from "../capacity/item-size.ts";
import { type Bill, writeUnits } from "../capacity/units.ts";
import { readContext } from "../chain/chain.ts";
import { type ChainWindow, LAST_SLOT, readChain } from "../chain/read-chain.ts";
import type { ChainItem } from "../chain/tiling.ts";
import { StreamTruncatedError } from "../conflict-errors.ts";
import type { RecordedEvent } from "../events.ts";
import type { Fold } from "./read-options.ts";
import { openEvents } from "./open-events.ts";
import type { ReadContext } from "./read-stream.ts";
import { checkSnapshotPolicy, type SnapshotPolicy, unpackState } from "./snapshot.ts";

/** A state at a version. */
export interface StateAt<State> {
  readonly state: State;
  readonly version: number;
  readonly snapshotVersion: number;
  readonly subjects: readonly string[];
}

/** Items that the first page of a load has: together about a read unit, when each is about a write unit. */
const FIRST_PAGE_ITEMS = 4;

/** Folds whose last snapshot rode for free, so that the next one is likely in the last commits whatever `every` says. */
const freeRiders = new WeakSet<object>();

function noteRider(policy: object, item: Item): void {
  const { y: _y, z: _z, h: _h, ...commit } = item;
  if (writeUnits(itemSize(item)) === writeUnits(itemSize(commit))) freeRiders.add(policy);
  else freeRiders.delete(policy);
}

/** Folds a stream from its newest snapshot on, reading from its end backward: 1 request when that is not far. */
export async function loadFromSnapshot<State>(
  context: ReadContext,
  streamId: string,
  load: {
    readonly fold: Fold<State, RecordedEvent> & { readonly snapshot: SnapshotPolicy<State> };
    readonly window: Pick<ChainWindow, "high" | "consistency" | "signal">;
    readonly bill: Bill;
  },
): Promise<StateAt<State>> {
  const { fold, window, bill } = load;
  const policy = fold.snapshot;
  checkSnapshotPolicy(policy);
  let apartItem: Item | undefined;
  let apart: StateAt<State> | undefined;
  const stateIn = async (item: Item, version: number): Promise<StateAt<State> | undefined> => {
    if (item["y"] === undefined) return undefined;
    const found = await unpackState(policy, item, context.encryption);
    return found && { ...found, version, snapshotVersion: version };
  };
  const { high } = window;
  const backward: ChainWindow = {
    ...window,
    low: 1,
    backward: true,
    firstPageItems:
      policy.every === undefined || freeRiders.has(policy) ? FIRST_PAGE_ITEMS : policy.every + 1,
    onSnapshot:
      high === LAST_SLOT
        ? (item) => {
            apartItem = item;
          }
        : undefined,
  };
  const tail: ChainItem[] = [];
  let base: StateAt<State> | undefined;
  for await (const item of readChain(readContext(context, { chain: streamId, bill }), backward)) {
    context.knownEnds.add(streamId, context.guards.endAfter(item));
    if (apartItem !== undefined) {
      apart = await stateIn(apartItem, Number(apartItem["v"]?.N));
      apartItem = undefined;
    }
    // A state in a commit that reaches beyond what was asked for is later than that.
    const riding = item.last <= high ? await stateIn(item.item, item.last) : undefined;
    if (riding !== undefined) {
      base = riding;
      noteRider(policy, item.item);
    } else if (apart !== undefined && item.first <= apart.version + 1) {
      base = apart;
      freeRiders.delete(policy);
    }
    if (base === undefined || item.last > base.version) {
      // Also right behind the snapshot that is apart: that one is of another fold than the state in the item.
      if (item.truncatedBefore !== undefined) throw new StreamTruncatedError(streamId, item.truncatedBefore);
      tail.push(item);
    }
    if (base !== undefined) break;
  }
  const start = base ?? { state: fold.initialState(), version: 0, snapshotVersion: 0, subjects: [] };
  let { state, version } = start;
  const subjects = new Set(start.subjects);
  for (const item of tail.toReversed()) {
    const low = version + 1;
    for (const event of await openEvents(context, item, { low, high })) {
      state = fold.evolve(state, event);
      version = event.version;
      if (event.subject !== undefined) subjects.add(event.subject);
      bill.events += 1;
    }
  }
  return { state, version, snapshotVersion: start.snapshotVersion, subjects: [...subjects] };
}
