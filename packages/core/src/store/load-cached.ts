import type { Billed } from "../capacity/units.ts";
import type { RecordedEvent } from "../events.ts";
import { type CachedStates, CommitNotes } from "../state-cache.ts";
import type { Fold, LoadOptions, LoadResult } from "./read-options.ts";
import { loadState } from "./load-state.ts";
import type { ReadContext } from "./read-stream.ts";

/** Folds what a stream holds after its cached state, and keeps the result. */
export async function loadCached<State>(
  context: ReadContext,
  streamId: string,
  load: {
    readonly fold: Fold<State, RecordedEvent>;
    readonly options: Pick<LoadOptions<State>, "consistency" | "signal"> & Billed;
    readonly cache: CachedStates<State>;
  },
): Promise<LoadResult<State>> {
  const { fold, options, cache } = load;
  const { consistency = "strong" } = options;
  const from = cache.peek(streamId);
  const notes = new CommitNotes();
  const noting: Fold<State, RecordedEvent> = {
    ...fold,
    evolve(state, event) {
      notes.note(event.eventId);
      return fold.evolve(state, event);
    },
  };
  const loaded = await loadState(context, streamId, { fold: noting, options: { ...options, from } });
  const { state, version, snapshotVersion, subjects, foldedAfter: after } = loaded;
  // What is read with eventual consistency is true as well, but may be old: only the best is worth keeping.
  if (consistency === "strong") {
    const { commits } = notes;
    cache.advance(streamId, { after, version, state, snapshotVersion, subjects, commits });
  }
  return loaded;
}
