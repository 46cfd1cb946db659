import { createSequencer, type Item } from "@tuppence/core";
import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import type { Database } from "./databases.ts";
import { oneByOne, readPermits } from "./permit-events.ts";

/** Commits of one event in a page of the log. */
const PAGE_COMMITS = 100;

/**
 * Puts the permits into a database's log in the order of time, one event a commit, without the streams that they come from:
 * all that followers of the log read, in a fraction of the time. Answers how many events there are.
 */
export async function fillLogAlone({ client }: Database, copies: number): Promise<number> {
  const commits = oneByOne(await readPermits(copies));
  const items = new Map<string, Item>();
  const storage = createMemoryStorage();
  const store = createMemoryEventStore({
    storage: {
      ...storage,
      putNew(item, signal) {
        items.set(placeOf(String(item["p"]?.S), Number(item["s"]?.N)), item);
        return storage.putNew(item, signal);
      },
    },
  });
  await store.importCommits(commits);
  const sequencer = createSequencer({ client });
  for (let from = 0; from < commits.length; from += PAGE_COMMITS) {
    const page = commits
      .slice(from, from + PAGE_COMMITS)
      .map(({ streamId, firstVersion }) => items.get(placeOf(streamId, firstVersion)) as Item);
    await sequencer.sequence(page);
  }
  return commits.length;
}

function placeOf(streamId: string, version: number): string {
  return `${version} ${streamId}`;
}
