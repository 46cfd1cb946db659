import { type Item, itemSize } from "../capacity/item-size.ts";
import { type Bill, writeUnits } from "../capacity/units.ts";
import { SNAPSHOT_SLOT } from "../chain/read-chain.ts";
import type { ChainStorage } from "../chain/storage.ts";
import type { CommitPlace } from "../chain/tiling.ts";
import type { EventDefinitions, RecordedEvent } from "../events.ts";
import type { Fold, LoadResult } from "./read-options.ts";
import type { AppendResult } from "./write-options.ts";
import type { Encryption } from "./body-options.ts";
import {
  checkSnapshotPolicy,
  hasSlack,
  MAX_COMPRESSION,
  packState,
  placeState,
  type SavedState,
  saveState,
} from "./snapshot.ts";

/** Subjects whose data a snapshot may hold: it is encrypted once for each. */
const MAX_SUBJECTS = 8;

/** What an append needs for a snapshot of the state after it: made by `snapshotAfter`. */
export interface NextSnapshot {
  /** The version of the state that it goes on from. */
  readonly after: number;
  /** The state after these events. */
  readonly save: (events: readonly RecordedEvent[]) => SavedState;
  /** Whether a snapshot is wanted after so many events, even if it costs something. */
  readonly isDue: (version: number) => boolean;
}

/**
 * For `append(streamId, events, { expectedVersion: loaded.version, snapshot: snapshotAfter(fold, loaded) })`: takes a snapshot
 * with the append when the fold's policy says so. Undefined when the fold keeps none.
 *
 * @throws TypeError, RangeError for a policy that is none.
 */
export function snapshotAfter<State, Event extends RecordedEvent>(
  fold: Fold<State, Event>,
  loaded: Pick<LoadResult<State>, "state" | "version" | "snapshotVersion" | "subjects">,
): NextSnapshot | undefined {
  const { snapshot: policy } = fold;
  if (policy === undefined) return undefined;
  checkSnapshotPolicy(policy);
  const every = policy.every ?? Number.POSITIVE_INFINITY;
  return {
    after: loaded.version,
    save(events) {
      let { state } = loaded;
      const subjects = new Set(loaded.subjects);
      for (const event of events) {
        state = fold.evolve(state, event as Event);
        if (event.subject !== undefined) subjects.add(event.subject);
      }
      return { version: policy.version, text: saveState(policy, state), subjects: [...subjects] };
    },
    isDue: (version) => version - loaded.snapshotVersion >= every,
  };
}

/** Puts the snapshot of one append where it belongs. */
export class SnapshotOfAppend {
  readonly #next: NextSnapshot;
  readonly #eventsAt: (place: CommitPlace) => readonly RecordedEvent[];
  readonly #maxItemBytes: number;
  readonly #encryption: Encryption | undefined;
  /** To be put once the commit is stored. */
  #apart: Item | undefined;
  /** Of the state that rides. */
  #ridingVersion: number | undefined;

  constructor(
    next: NextSnapshot,
    append: {
      /** The events as they will be recorded. */
      readonly eventsAt: (place: CommitPlace) => readonly RecordedEvent[];
      readonly maxItemBytes: number;
      readonly encryption?: Encryption | undefined;
    },
  ) {
    this.#next = next;
    this.#eventsAt = append.eventsAt;
    this.#maxItemBytes = append.maxItemBytes;
    this.#encryption = append.encryption;
  }

  /** The state as attributes of the commit's last item, if it rides there. */
  readonly atPlace = async (place: CommitPlace): Promise<Item | undefined> => {
    const { after, lastItem: item, t } = place;
    this.#apart = undefined;
    this.#ridingVersion = undefined;
    if (after !== this.#next.after) return undefined;
    const events = this.#eventsAt(place);
    const version = after + events.length;
    const due = this.#next.isDue(version);
    if (events.length === 0 || !(due || hasSlack(item))) return undefined;
    const saved = this.#next.save(events);
    // A state for many would be encrypted as often: not worth it.
    if (saved.subjects.length > MAX_SUBJECTS) return undefined;
    if (!due && !hasSlack(item, saved.text.length / MAX_COMPRESSION)) return undefined;
    const state = await packState(saved, this.#encryption);
    const where = placeState({ state, item, due, maxItemBytes: this.#maxItemBytes });
    if (where === "apart") {
      this.#apart = snapshotItem({ chain: item["p"], version, t, state });
    }
    if (where === "riding") this.#ridingVersion = version;
    return where === "riding" ? state : undefined;
  };

  /** Puts the state that does not ride. The append is stored whatever becomes of it, so its failure is an answer. */
  async finish(
    storage: ChainStorage,
    bill: Bill,
    signal: AbortSignal | undefined,
  ): Promise<Pick<AppendResult<EventDefinitions>, "snapshotVersion" | "snapshotError">> {
    if (this.#ridingVersion !== undefined) return { snapshotVersion: this.#ridingVersion };
    if (this.#apart === undefined) return {};
    try {
      bill.addWrite(writeUnits(itemSize(this.#apart)));
      await storage.putSnapshot(this.#apart, signal);
      return { snapshotVersion: Number(this.#apart["v"]?.N) };
    } catch (error) {
      return { snapshotError: error };
    }
  }
}

function snapshotItem(snapshot: {
  readonly chain: Item[string] | undefined;
  readonly version: number;
  readonly t: number;
  readonly state: Item;
}): Item {
  const { chain, version, t, state } = snapshot;
  return {
    p: chain ?? { S: "" },
    s: { N: String(SNAPSHOT_SLOT) },
    v: { N: String(version) },
    t: { N: String(t) },
    ...state,
  };
}
