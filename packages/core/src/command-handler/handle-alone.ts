import type { Billed } from "../capacity/units.ts";
import { VersionConflictError } from "../conflict-errors.ts";
import type { EventDefinitions, NewEventOf, RecordedEventOf } from "../events.ts";
import { observe, tellRetry } from "../observe.ts";
import type { Observation } from "../observer.ts";
import { backoffMs, type Runtime } from "../runtime.ts";
import type { AppendResult } from "../store/write-options.ts";
import type {
  CommandHandlerOptions,
  Decided,
  DecidedEventOf,
  HandleOptions,
  HandleResult,
} from "./command-handler.ts";
import { type StateSource, StreamView } from "./stream-view.ts";

/** Conflicts after which the winner's events are enough. After more, others are many: wait, and read what they wrote. */
export const CLOSE_CONFLICTS = 2;
export const CONFLICT_BACKOFF: { readonly baseMs: number; readonly maxMs: number } = {
  baseMs: 10,
  maxMs: 500,
};

/** A command's options, and who watches what becomes of it. */
export interface Request extends HandleOptions, Billed {
  readonly observation?: Observation | undefined;
}

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
  { command, request }: { readonly command: Command; readonly request: Request },
): Promise<HandleResult<Definitions, State>> {
  const { runtime, maxAttempts } = handling;
  const { store } = handling.options;
  const { commitId, metadata, signal, bill, observation } = request;
  const view = new StreamView(handling.source, streamId);
  if (bill !== undefined) view.bill = bill;
  if (commitId !== undefined) view.watch(commitId);
  await view.load(signal);
  for (let attempt = 1; ; attempt++) {
    const own = view.eventsOf(commitId);
    if (own !== undefined) {
      return resultOf(view, { events: own, commitId, duplicate: true, attempts: attempt - 1 });
    }
    checkExpected(view, request.expectedVersion);
    const events = asList(await decide(handling, view, command));
    if (events.length === 0) return resultOf(view, { events: [], duplicate: false, attempts: attempt });
    try {
      const expected = { expectedVersion: view.version, snapshot: view.nextSnapshot() };
      const appended = await store.append(streamId, events, { ...expected, metadata, signal, commitId });
      await foldAppended(view, appended, signal);
      return resultOf(view, { ...appended, attempts: attempt });
    } catch (error) {
      if (!(error instanceof VersionConflictError)) throw error;
      view.bill.add(error.capacity);
      if (attempt === maxAttempts) throw error;
      tellRetry(observation, attempt, error);
      if (attempt <= CLOSE_CONFLICTS && view.foldWinner(error)) continue;
      await runtime.sleep(backoffMs(attempt, CONFLICT_BACKOFF, runtime.random), signal);
      await view.catchUp(signal);
    }
  }
}

/** Lets the decider decide, under the observer's eyes if there is one. */
export function decide<Definitions extends EventDefinitions, Command, State>(
  { options }: Handling<Definitions, Command, State>,
  { streamId, state }: { readonly streamId: string; readonly state: State },
  command: Command,
): Decided<DecidedEventOf<Definitions>> | Promise<Decided<DecidedEventOf<Definitions>>> {
  const { decider, observer } = options;
  if (observer === undefined) return decider.decide(command, state);
  return observe(
    observer,
    { name: "decide", streamId },
    {
      work: async () => decider.decide(command, state),
      facts: (decided) => ({ events: Array.isArray(decided) ? decided.length : 1 }),
    },
  );
}

/** What a decision comes to, as a list. */
export function asList<Definitions extends EventDefinitions>(
  decided: Decided<DecidedEventOf<Definitions>>,
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
  const isNext = appended.firstVersion === view.version + 1;
  const isWhole = appended.events.at(-1)?.version === appended.version;
  if (isNext && isWhole) view.fold(appended.events, appended.snapshotVersion);
  // Another process stored the same command, in one item behind others, or its events were truncated since.
  else await view.catchUp(signal);
}

function resultOf<Definitions extends EventDefinitions, State>(
  view: StreamView<Definitions, State>,
  result: {
    readonly events: readonly RecordedEventOf<Definitions>[];
    readonly commitId?: string | undefined;
    readonly duplicate: boolean;
    readonly attempts: number;
  },
): HandleResult<Definitions, State> {
  const { events, commitId, duplicate, attempts } = result;
  return {
    state: view.state,
    streamId: view.streamId,
    version: view.version,
    events,
    commitId,
    duplicate,
    attempts,
    capacity: view.bill.total(),
  };
}
