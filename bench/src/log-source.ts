import { createEventStore, createSequencer, type Item } from "@tuppence/core";
import type { Database } from "./databases.ts";
import { caseByCase, oneByOne, type PermitCommit, readPermits } from "./permit-events.ts";

/** Commits and their items as the table's stream shows them. */
export interface LogSource {
  readonly commits: readonly PermitCommit[];
  readonly items: readonly Item[];
  readonly events: number;
  readonly eventsPerCommit: number;
}

/** 17,154 events. */
const COPIES = 2;

/** How the events of the file are spread over commits. */
export const SPREADS: readonly { readonly name: string; readonly spread: typeof oneByOne }[] = [
  { name: "1 event a commit", spread: oneByOne },
  { name: "6 events a commit", spread: caseByCase },
];

/** Stores the permits in a database and notes their items as they are put. */
export async function fillStreams({ client }: Database, spread: typeof oneByOne): Promise<LogSource> {
  const commits = spread(await readPermits(COPIES));
  const items: Item[] = [];
  const name = "tuppence-bench-items";
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { Item: item } = args.input as { readonly Item?: Item };
      if (item !== undefined) items.push(item);
      return result;
    },
    { step: "initialize", name },
  );
  const { events } = await createEventStore({ client }).importCommits(commits);
  client.middlewareStack.remove(name);
  return { commits, items, events, eventsPerCommit: events / commits.length };
}

/** Puts all commits of a database into its log. */
export async function fillLog(
  { client }: Database,
  { items }: LogSource,
  pageCommits: number,
): Promise<void> {
  const sequencer = createSequencer({ client });
  for (let from = 0; from < items.length; from += pageCommits)
    await sequencer.sequence(items.slice(from, from + pageCommits));
}
