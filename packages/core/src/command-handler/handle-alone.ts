import { VersionConflictError } from "../errors.ts";
import type { EventDefinitions, NewEventOf, RecordedEventOf } from "../events.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import type { AppendResult } from "../store/event-store.ts";
import type { CommandHandlerOptions, Decided, HandleOptions, HandleResult } from "./command-handler.ts";
import { type StateSource, StreamView } from "./stream-view.ts";

/** Conflicts after which the winner's events are enough. After more, others are many: wait, and read what they wrote. */
export const CLOSE_CONFLICTS = 2;
export const CONFLICT_BACKOFF: { readonly baseMs: number; readonly maxMs: number } = {
  baseMs: 10,
  maxMs: 500,
};

/** What handling takes besides the command. */
export interface Handling<Definitions extends EventDefinitions, Command, State> {
  readonly options: CommandHandlerOptions<Definitions, Command, State>;
  readonly source: StateSource<Definitions, State>;
  readonly maxAttempts: number;
  readonly runtime: Pick<Runtime, "random" | "sleep">;
}

/** Handles one command by itself: load, decide, append, and again after a conflict. */
export async function handleAlone<Definitions extends EventDefinitions, Command, State>(
  handling: Handling<Definitions, Command, State>,
  streamId: string,
  { command, request }: { readonly command: Command; readonly request: HandleOptions },
): Promise<HandleResult<Definitions, State>> {
  const { runtime, maxAttempts } = handling;
  const { store, decider } = handling.options;
  const { commitId, metadata, signal } = request;
  const view = new StreamView(handling.source, streamId);
  if (commitId !== undefined) view.watch(commitId);
  await view.load(signal);
  for (let attempt = 1; ; attempt++) {
    const own = view.eventsOf(commitId);
    if (own.length > 0) return resultOf(view, { events: own, duplicate: true, attempts: attempt - 1 });
    checkExpected(view, request.expectedVersion);
    const events = asList(await decider.decide(command, view.state));
    if (events.length === 0) return resultOf(view, { events: [], duplicate: false, attempts: attempt });
    try {
      const expectedVersion = view.version;
      const appended = await store.append(streamId, events, { expectedVersion, metadata, signal, commitId });
      await foldAppended(view, appended, signal);
      return resultOf(view, { ...appended, attempts: attempt });
    } catch (error) {
      if (!(error instanceof VersionConflictError) || attempt === maxAttempts) throw error;
      view.bill.add(error.capacity);
      if (attempt <= CLOSE_CONFLICTS && view.foldWinner(error)) continue;
      await runtime.sleep(backoffMs(attempt, CONFLICT_BACKOFF, runtime.random), signal);
      await view.catchUp(signal);
    }
  }
}

/** What a decision comes to, as a list. */
export function asList<Definitions extends EventDefinitions>(
  decided: Decided<NewEventOf<Definitions>>,
): readonly NewEventOf<Definitions>[] {
  return Array.isArray(decided)
    ? (decided as readonly NewEventOf<Definitions>[])
    : [decided as NewEventOf<Definitions>];
}

/** @throws VersionConflictError when a command's sender saw another version. */
function checkExpected<Definitions extends EventDefinitions, State>(
  view: StreamView<Definitions, State>,
  expected: number | undefined,
): void {
  if (expected === undefined || expected === view.version) return;
  const { streamId, version: actual } = view;
  throw new VersionConflictError({ streamId, expected, actual, capacity: view.bill.total() });
}

async function foldAppended<Definitions extends EventDefinitions, State>(
  view: StreamView<Definitions, State>,
  appended: AppendResult<Definitions>,
  signal: AbortSignal | undefined,
): Promise<void> {
  view.bill.add(appended.capacity);
  if (appended.firstVersion === view.version + 1) view.fold(appended.events);
  // Another process stored the same command, in one item behind others.
  else await view.catchUp(signal);
}

function resultOf<Definitions extends EventDefinitions, State>(
  view: StreamView<Definitions, State>,
  result: {
    readonly events: readonly RecordedEventOf<Definitions>[];
    readonly duplicate: boolean;
    readonly attempts: number;
  },
): HandleResult<Definitions, State> {
  const { events, duplicate, attempts } = result;
  return {
    state: view.state,
    version: view.version,
    events,
    commitId: events[0]?.eventId.split("/")[0],
    duplicate,
    attempts,
    capacity: view.bill.total(),
  };
}
