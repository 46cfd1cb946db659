import type { RecordedEvent } from "@tuppence/core";
import { Journal } from "../journal.ts";
import {
  type Called,
  CALLED_JOURNAL,
  type Fired,
  FIRED_STREAM,
  type JobIntention,
  type JobOutcome,
  SERIES,
} from "../jobs.ts";
import type { OpenPlace } from "../place.ts";
import type { Step } from "../steps.ts";
import type { Problems } from "./problems.ts";

type CreatorStep = Step<JobIntention, JobOutcome>;

/** A job that was fired, and when, by a clock that all share. */
interface Firing extends Fired {
  readonly target: string;
  readonly atMs: number;
}

/** Fired once, at least once; exactly once in the store and in a queue. */
const EXACT: readonly string[] = ["append", "enqueue"];

/** Holds what was fired against what creators intended, and were told. Answers how often each target was fired. */
export async function checkJobs(
  place: OpenPlace,
  {
    streams,
    steps,
  }: {
    readonly streams: ReadonlyMap<string, readonly RecordedEvent[]>;
    readonly steps: readonly CreatorStep[];
  },
  problems: Problems,
): Promise<Readonly<Record<string, number>>> {
  const firings = await readFirings(place, streams);
  const byId = new Map<string, Firing[]>();
  for (const firing of firings) byId.set(firing.id, [...(byId.get(firing.id) ?? []), firing]);
  for (const [id, own] of byId) {
    const [first] = own;
    if (first === undefined) continue;
    if (own.length > 1 && EXACT.includes(first.target)) problems.add("job twice", `${id} ${first.target}`);
    for (const { atMs, fireMs } of own) {
      if (atMs < fireMs) problems.add("job early", `${id} at ${atMs}, ${fireMs - atMs} ms before its time`);
    }
  }
  checkIntentions(byId, steps, problems);
  checkAnswers(byId, steps, problems);
  for (const target of Object.keys(SERIES) as (keyof typeof SERIES)[]) {
    checkSeries(
      firings.filter(({ by }) => by === `series ${target}`),
      { name: target, everyMs: SERIES[target] },
      problems,
    );
  }
  for await (const { id, state } of place.scheduler.parked())
    problems.add("parked", `schedule ${id} is ${state}`);
  const counts: Record<string, number> = {};
  for (const { target } of firings) counts[target] = (counts[target] ?? 0) + 1;
  return counts;
}

async function readFirings(
  { folder, openQueue }: OpenPlace,
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
): Promise<readonly Firing[]> {
  const called = new Journal<Called>(folder, CALLED_JOURNAL).read();
  const appended = streams.get(FIRED_STREAM) ?? [];
  const firings: Firing[] = [
    ...called.map((each) => ({ ...each, target: "call" })),
    ...appended.map(({ data, recordedAt }) => ({
      ...(data as Fired),
      target: "append",
      atMs: recordedAt.getTime(),
    })),
  ];
  for await (const { body, enqueuedAt } of openQueue({ name: "jobs" }).read(1, { consistency: "strong" })) {
    firings.push({ ...(body as unknown as Fired), target: "enqueue", atMs: enqueuedAt.getTime() });
  }
  return firings;
}

/** What fires was intended, by a target of that name, and no more often than it was asked for. */
function checkIntentions(
  byId: ReadonlyMap<string, readonly Firing[]>,
  steps: readonly CreatorStep[],
  problems: Problems,
): void {
  const intended = new Map(steps.map((step) => [`${step.by}/${step.step}`, step]));
  const ids = new Map<string, string[]>();
  for (const [id, [firing]] of byId) {
    if (firing === undefined || firing.by.startsWith("series ")) continue;
    const of = `${firing.by}/${firing.step}`;
    const intention = intended.get(of)?.intention;
    if (
      intention?.kind !== "schedule" ||
      intention.target !== firing.target ||
      intention.atMs !== firing.dueMs
    )
      problems.add("job nobody intended", `${id} of ${of}`);
    ids.set(of, [...(ids.get(of) ?? []), id]);
  }
  for (const [of, own] of ids) {
    const step = intended.get(of);
    const isNamed = step?.intention.kind === "schedule" && step.intention.name !== undefined;
    if (own.length > (isNamed ? 1 : (step?.attempts ?? 0)))
      problems.add("job twice", `${of}: ${own.join(", ")}`);
  }
}

/** What was acknowledged fires, unless it was cancelled; what was told to be cancelled does not, from then on. */
function checkAnswers(
  byId: ReadonlyMap<string, readonly Firing[]>,
  steps: readonly CreatorStep[],
  problems: Problems,
): void {
  const scheduled = new Set<string>();
  /** Undefined: nobody was told. */
  const answers = new Map<string, { readonly answer: string; readonly atMs: number } | undefined>();
  for (const { intention, outcome } of steps) {
    if (intention.kind === "cancel")
      answers.set(intention.id, outcome !== undefined && "answer" in outcome ? outcome : undefined);
    else if (outcome !== undefined && "id" in outcome) scheduled.add(outcome.id);
  }
  for (const id of scheduled) {
    const firings = byId.get(id) ?? [];
    const answer = answers.get(id);
    if (answer?.answer === "cancelled") {
      // Outside of the tables, an attempt that nobody heard of may have fired it before.
      const wrong = firings.find(({ target, atMs }) => target === "append" || atMs >= answer.atMs);
      if (wrong !== undefined) problems.add("cancelled and fired", `${id} ${wrong.target} at ${wrong.atMs}`);
    } else if (answer?.answer === "unknown") problems.add("job lost", `${id} is unknown to who cancels it`);
    else if (firings.length === 0 && (answer !== undefined || !answers.has(id)))
      problems.add("job lost", `${id} (${answer?.answer ?? "not cancelled"})`);
  }
}

/** One occurrence for each moment, and one for each interval. */
function checkSeries(
  firings: readonly Firing[],
  { name, everyMs }: { readonly name: string; readonly everyMs: number },
  problems: Problems,
): void {
  const ids = new Map<number, string>();
  for (const { id, dueMs } of firings.toSorted((one, other) => one.dueMs - other.dueMs)) {
    const known = ids.get(dueMs);
    if (known !== undefined && known !== id)
      problems.add("series forked", `${name} at ${dueMs}: ${known}, ${id}`);
    ids.set(dueMs, id);
  }
  let before: number | undefined;
  for (const dueMs of ids.keys()) {
    if (before !== undefined && dueMs !== before + everyMs)
      problems.add("series with holes", `${name}: ${dueMs - before} ms behind ${before}`);
    before = dueMs;
  }
}
