import type { Item } from "../src/capacity/item-size.ts";
import { readSlots } from "../src/chain/tiling.ts";
import { createCommandHandler } from "../src/command-handler/command-handler.ts";
import { createCommitId } from "../src/commit-id.ts";
import { VersionConflictError } from "../src/conflict-errors.ts";
import { OutcomeUnknownError } from "../src/errors.ts";
import type { RecordedEvent } from "../src/events.ts";
import type { Runtime } from "../src/runtime.ts";
import type { EventStore } from "../src/store/event-store.ts";

/**
 * A random history of several processes on one stream: appends of all kinds, reads and commands, with retries after
 * whatever goes wrong. Afterwards the stored items are checked against what each caller was told.
 */

/** The process is gone: it did not get an answer, and has forgotten everything. */
export class Crash extends Error {
  /** A name that the store passes through, as it would never see a crash. */
  override readonly name = "AbortError";
}

export type Random = () => number;

/** mulberry32 */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a history runs on. */
export interface Subject {
  readonly streamId: string;
  /** A new process: it shares the data with the others and nothing else. */
  readonly open: () => EventStore;
  readonly runtime: Pick<Runtime, "random" | "sleep">;
  readonly random: Random;
}

/** What a caller was told about the events it asked to be appended. */
interface Told {
  readonly numbers: readonly number[];
  /** Undefined when the caller crashed, or gave up, without an answer. */
  readonly outcome: { readonly firstVersion: number } | "conflict" | undefined;
  readonly expected: number | string;
}

export interface History {
  readonly told: Told[];
  readonly reads: { readonly events: readonly RecordedEvent[]; readonly acknowledgedBefore: number }[];
  acknowledged: number;
  problems: string[];
}

/** Runs what the processes do; `checkHistory` judges it. */
export async function runProcesses(subject: Subject): Promise<History> {
  const history: History = { told: [], reads: [], acknowledged: 0, problems: [] };
  let last = 0;
  const nextNumber = (): number => ++last;
  const processes = Array.from({ length: 3 + Math.floor(subject.random() * 2) }, async () => {
    let store = subject.open();
    for (let step = 0; step < 4; step++) {
      try {
        await takeStep({ ...subject, store, history, nextNumber });
      } catch (error) {
        if (error instanceof Crash) store = subject.open();
        else history.problems.push(String(error));
      }
    }
  });
  await Promise.all(processes);
  return history;
}

interface Step extends Subject {
  readonly store: EventStore;
  readonly history: History;
  readonly nextNumber: () => number;
}

async function takeStep(step: Step): Promise<void> {
  const kind = step.random();
  if (kind < 0.15) return read(step);
  if (kind < 0.35) return handle(step);
  if (kind < 0.6)
    return void (await Promise.all([append(step, "any"), append(step, "any"), append(step, "any")]));
  if (kind < 0.68) return append(step, "noStream");
  if (kind < 0.76) return append(step, "streamExists");
  if (kind < 0.9) {
    const fold = { initialState: () => 0, evolve: (count: number) => count + 1 };
    const consistency = step.random() < 0.5 ? "strong" : "eventual";
    const { version } = await step.store.load(step.streamId, fold, { consistency });
    return append(step, version);
  }
  return append(step, Math.floor(step.random() * 20));
}

async function read({ store, streamId, random, history }: Step): Promise<void> {
  const acknowledgedBefore = history.acknowledged;
  const events: RecordedEvent[] = [];
  const fromVersion = random() < 0.5 ? 1 : 1 + Math.floor(random() * 6);
  const backward = random() < 0.3;
  const options = backward ? ({ direction: "backward", toVersion: fromVersion } as const) : { fromVersion };
  for await (const event of store.read(streamId, options)) events.push(event);
  const ordered = backward ? events.toReversed() : events;
  const first = ordered[0]?.version ?? fromVersion;
  if (first !== fromVersion) history.problems.push(`a read from ${fromVersion} began with ${first}`);
  history.reads.push({ events: ordered, acknowledgedBefore });
}

/** Appends one to three events; when the outcome is unknown or the process crashes, mostly asks again for it. */
async function append(
  step: Step,
  expectedVersion: number | "any" | "noStream" | "streamExists",
): Promise<void> {
  const { streamId, random, history, nextNumber } = step;
  const numbers = Array.from({ length: 1 + Math.floor(random() * 4) }, nextNumber);
  const padding = "p".repeat(Math.floor(random() * 250));
  const events = numbers.map((number) => ({ type: "Numbered", data: { number, padding } }));
  const tell = (outcome: Told["outcome"]): void => {
    history.told.push({ numbers, outcome, expected: expectedVersion });
    if (typeof outcome === "object") {
      history.acknowledged = Math.max(history.acknowledged, outcome.firstVersion + numbers.length - 1);
    }
  };
  let commitId = random() < 0.4 ? createCommitId() : undefined;
  let store = step.store;
  for (let attempt = 0; attempt < 6; attempt++) {
    try {
      tell(await store.append(streamId, events, { expectedVersion, commitId }));
      // A repetition after success has to change nothing either; `noStream` and numbers find it where it was.
      if (commitId !== undefined && random() < 0.3) {
        const again = await store.append(streamId, events, { expectedVersion, commitId });
        if (!again.duplicate) history.problems.push("a repetition was not recognised");
      }
      return;
    } catch (error) {
      if (error instanceof VersionConflictError) return tell("conflict");
      if (error instanceof OutcomeUnknownError) commitId = error.commitId;
      else if (!(error instanceof Crash)) throw error;
      // Without an id of its own, what a crashed process had on its way can't be asked for.
      if (commitId === undefined) return tell(undefined);
      if (random() < 0.5) store = step.open();
    }
  }
  tell(undefined);
}

/** A command whose event says after how many events it was decided: it has to be right, or not be there. */
async function handle({ store, streamId, runtime, random, history, nextNumber }: Step): Promise<void> {
  const number = nextNumber();
  const handler = createCommandHandler({
    store,
    runtime,
    decider: {
      initialState: () => 0,
      evolve: (count) => count + 1,
      decide: (_: null, count) => ({ type: "Decided", data: { number, count } }),
    },
  });
  const commitId = random() < 0.5 ? createCommitId() : undefined;
  try {
    const { events } = await handler(streamId, null, { commitId });
    const firstVersion = events[0]?.version ?? 0;
    history.told.push({ numbers: [number], outcome: { firstVersion }, expected: "handler" });
    history.acknowledged = Math.max(history.acknowledged, firstVersion);
  } catch (error) {
    const outcome = error instanceof VersionConflictError ? "conflict" : undefined;
    history.told.push({ numbers: [number], outcome, expected: "handler" });
    if (error instanceof Crash) throw error;
    if (!(error instanceof VersionConflictError || error instanceof OutcomeUnknownError)) throw error;
  }
}

/** What is wrong with what is stored: the raw items in slot order, and the events that a calm reader gets. */
export async function checkHistory(
  history: History,
  items: readonly Item[],
  calmRead: AsyncIterable<RecordedEvent>,
): Promise<string[]> {
  const problems = [...history.problems];
  let next = 1;
  for (const item of items.map(readSlots)) {
    if (item.first > next) problems.push(`a gap before slot ${item.first}`);
    if (item.first < next) problems.push(`an overlap at slot ${item.first}`);
    next = item.last + 1;
  }
  if (problems.length > 0) return problems;
  const stored: RecordedEvent[] = [];
  try {
    for await (const event of calmRead) stored.push(event);
  } catch (error) {
    return [...problems, String(error)];
  }
  const numberOf = (event: RecordedEvent): number => (event.data as { number: number }).number;
  const versionOf = new Map<number, number>();
  for (const event of stored) {
    if (versionOf.has(numberOf(event))) problems.push(`event ${numberOf(event)} is stored twice`);
    versionOf.set(numberOf(event), event.version);
    const { count } = event.data as { count?: number };
    if (count !== undefined && count !== event.version - 1) {
      problems.push(`version ${event.version} was decided after ${count} events`);
    }
  }
  for (const told of history.told) problems.push(...checkTold(told, versionOf));
  for (const { events, acknowledgedBefore } of history.reads) {
    problems.push(...checkRead(events, stored, acknowledgedBefore));
  }
  return problems;
}

function checkTold({ numbers, outcome, expected }: Told, versionOf: ReadonlyMap<number, number>): string[] {
  const versions = numbers.map((number) => versionOf.get(number));
  const label = `${numbers.join(", ")} (expected ${expected})`;
  if (outcome === "conflict") {
    return versions.every((version) => version === undefined)
      ? []
      : [`${label}: refused, but stored at ${versions.join()}`];
  }
  const problems: string[] = [];
  const first = versions[0];
  if (versions.some((version, index) => version !== (first === undefined ? undefined : first + index))) {
    problems.push(`${label}: not stored as one: ${versions.join()}`);
  }
  if (outcome === undefined) return problems;
  if (first !== outcome.firstVersion)
    problems.push(`${label}: acknowledged at ${outcome.firstVersion}, stored at ${first}`);
  const wanted = expected === "noStream" ? 1 : typeof expected === "number" ? expected + 1 : first;
  if (first !== wanted) problems.push(`${label}: stored at ${first} instead of ${wanted}`);
  return problems;
}

function checkRead(
  events: readonly RecordedEvent[],
  stored: readonly RecordedEvent[],
  acknowledgedBefore: number,
): string[] {
  const [first] = events;
  if (first === undefined) return [];
  const problems: string[] = [];
  const last = events.at(-1) ?? first;
  const same = stored.slice(first.version - 1, last.version);
  if (JSON.stringify(same) !== JSON.stringify(events)) problems.push("a read differs from what is stored");
  if (last.version < acknowledgedBefore)
    problems.push(`a read ended at ${last.version} of ${acknowledgedBefore}`);
  const after = stored[last.version];
  if (after !== undefined && after.eventId.split("/")[0] === last.eventId.split("/")[0]) {
    problems.push(`a read ended inside a commit, at ${last.version}`);
  }
  return problems;
}
