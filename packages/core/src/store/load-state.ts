import { Bill, type Billed } from "../capacity/units.ts";
import { StreamTruncatedError } from "../conflict-errors.ts";
import type { RecordedEvent } from "../events.ts";
import type { Fold, LoadOptions, LoadResult } from "./read-options.ts";
import { loadFromSnapshot } from "./load-snapshot.ts";
import { plannedItems, planRead, type ReadContext } from "./read-stream.ts";

/** Folds a stream, from its newest snapshot, its start or an earlier result. */
export async function loadState<State>(
  context: ReadContext,
  streamId: string,
  load: {
    readonly fold: Fold<State, RecordedEvent>;
    readonly options: (LoadOptions<State> & Billed) | undefined;
  },
): Promise<LoadResult<State>> {
  const { from, bill = new Bill(), ...options } = load.options ?? {};
  const { fold } = load;
  const { snapshot } = fold;
  let { state, version, snapshotVersion = 0 } = from ?? { state: fold.initialState(), version: 0 };
  const subjects = new Set(from?.subjects);
  const plan = planRead({ ...options, fromVersion: version + 1 });
  const { window } = plan;
  const foldedAfter = version;
  const loadBackward =
    snapshot && options.asOf === undefined
      ? async (): Promise<LoadResult<State>> => {
          const loaded = await loadFromSnapshot(context, streamId, {
            fold: { ...fold, snapshot },
            window,
            bill,
          });
          return { ...loaded, foldedAfter: loaded.snapshotVersion, capacity: bill.total() };
        }
      : undefined;
  if (loadBackward !== undefined && from === undefined) return loadBackward();
  const items = plannedItems(context, streamId, { ...plan, bill });
  pages: for await (const page of items.pages) {
    for (const item of page) {
      const opened = items.open(item);
      const events = opened instanceof Promise ? await opened : opened;
      // Later than what was asked for, and so is all after it.
      if (events === undefined) break pages;
      if (item.truncatedBefore !== undefined) {
        // Since the earlier result, or since ever, if this is the fold's first.
        if (loadBackward === undefined) throw new StreamTruncatedError(streamId, item.truncatedBefore);
        return loadBackward();
      }
      for (const event of events) {
        state = fold.evolve(state, event);
        if (event.subject !== undefined) subjects.add(event.subject);
      }
      version = events.at(-1)?.version ?? version;
      if (snapshot && item.item["y"]?.S === snapshot.version) snapshotVersion = item.last;
    }
  }
  return { state, version, snapshotVersion, subjects: [...subjects], foldedAfter, capacity: bill.total() };
}
