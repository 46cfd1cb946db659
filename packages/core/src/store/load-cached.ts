import type { RecordedEvent } from "../events.ts";
import { type CachedStates, CommitNotes } from "../state-cache.ts";
import type { Fold, LoadOptions, LoadResult } from "./event-store.ts";
import { loadState, type ReadContext } from "./read-stream.ts";

/** Folds what a stream holds after its cached state, and keeps the result. */
export async function loadCached<State>(
  context: ReadContext,
  streamId: string,
  load: {
    readonly fold: Fold<State, RecordedEvent>;
    readonly options: Pick<LoadOptions<State>, "consistency" | "signal">;
    readonly cache: CachedStates<State>;
  },
): Promise<LoadResult<State>> {
  const { fold, options, cache } = load;
  const { consistency = "strong", signal } = options;
  const from = cache.peek(streamId) ?? { state: fold.initialState(), version: 0 };
  const notes = new CommitNotes();
  const noting: Fold<State, RecordedEvent> = {
    initialState: fold.initialState,
    evolve(state, event) {
      notes.note(event.eventId);
      return fold.evolve(state, event);
    },
  };
  const result = await loadState(context, streamId, {
    fold: noting,
    options: { from, consistency, signal },
  });
  const { state, version } = result;
  // What is read with eventual consistency is true as well, but may be old: only the best is worth keeping.
  if (consistency === "strong") {
    cache.advance(streamId, { after: from.version, version, state, commits: notes.commits });
  }
  return result;
}
