import { isDeepStrictEqual } from "node:util";
import type { RecordedEvent } from "@tuppence/core";
import { type AccountData, type Operation, type OperationOutcome, partsOf, signOf } from "../accounts.ts";
import type { OpenPlace } from "../place.ts";
import type { Step } from "../steps.ts";
import type { Problems } from "./problems.ts";

type Streams = ReadonlyMap<string, readonly RecordedEvent[]>;

export async function readStreams(
  { store }: OpenPlace,
  names: readonly string[],
  problems: Problems,
): Promise<Streams> {
  const streams = new Map<string, RecordedEvent[]>();
  for (const name of names) {
    const events: RecordedEvent[] = [];
    try {
      for await (const event of store.read(name)) events.push(event);
    } catch (error) {
      problems.add("stream unreadable", `${name}: ${String(error)}`);
    }
    streams.set(name, events);
  }
  return streams;
}

type WriterStep = Step<Operation, OperationOutcome>;

/** Holds the streams of accounts against what writers intended, and were told. */
export function checkStreams(streams: Streams, steps: readonly WriterStep[], problems: Problems): void {
  const intended = new Map(steps.map((step) => [`${step.by}/${step.step}`, step]));
  const found = new Map<string, RecordedEvent[]>();
  for (const [streamId, events] of streams) {
    if (!streamId.startsWith("account|")) continue;
    let cents = 0;
    for (const event of events) {
      const data = event.data as AccountData;
      const of = `${data.by}/${data.step}`;
      if (intended.has(of)) found.set(of, [...(found.get(of) ?? []), event]);
      else problems.add("event nobody intended", nameOf(event));
      cents += signOf(event.type) * data.cents;
      if (cents < 0) problems.add("overdrawn", `${nameOf(event)}: ${cents}`);
    }
  }
  for (const [of, step] of intended) checkStep(step, found.get(of) ?? [], problems);
  checkOrder(steps, problems);
}

function checkStep(step: WriterStep, found: readonly RecordedEvent[], problems: Problems): void {
  const of = `${step.by}/${step.step}`;
  const { outcome } = step;
  const expected = partsOf(step.intention, step).flatMap(({ streamId, events }) =>
    events.map(({ type, data }) => ({ streamId, type, data })),
  );
  const stored = new Map<number, RecordedEvent>();
  for (const event of found) {
    const { index } = event.data as AccountData;
    if (stored.has(index)) problems.add("event twice", `${of}: ${nameOf(event)}`);
    stored.set(index, event);
    const { streamId, type, data } = event;
    if (!isDeepStrictEqual({ streamId, type, data }, expected[index]))
      problems.add("event changed", `${of}: ${nameOf(event)}`);
  }
  const missing = expected.flatMap(({ data }) => (stored.has(data.index) ? [] : [data.index]));
  if (outcome !== undefined && "stored" in outcome) {
    if (missing.length > 0) problems.add("event lost", `${of}: ${missing.join(", ")}`);
    const versions = outcome.stored.flatMap(({ streamId, firstVersion, version }) =>
      Array.from({ length: version - firstVersion + 1 }, (_, index) => `${streamId}@${firstVersion + index}`),
    );
    for (const [index, event] of stored) {
      if (nameOf(event) !== versions[index])
        problems.add("event changed", `${of}: ${versions[index]} is at ${nameOf(event)}`);
    }
  } else if (found.length > 0 && missing.length > 0) {
    problems.add("part of a transaction", `${of} lacks ${missing.join(", ")}`);
  }
  // One that was tried before may have been stored by an attempt that nobody heard of.
  const isRefused = outcome !== undefined && "refused" in outcome && step.attempts === 1;
  if (isRefused && found.length > 0) problems.add("refused and stored", of);
}

/** What one writer was told of first is first. */
function checkOrder(steps: readonly WriterStep[], problems: Problems): void {
  const last = new Map<string, number>();
  for (const { by, step, outcome } of steps) {
    if (outcome === undefined || !("stored" in outcome)) continue;
    for (const { streamId, firstVersion, version } of outcome.stored) {
      const before = last.get(`${by} ${streamId}`) ?? 0;
      if (firstVersion <= before) {
        problems.add("reordered", `${by}/${step} is at ${streamId}@${firstVersion}, behind ${before}`);
      }
      last.set(`${by} ${streamId}`, Math.max(before, version));
    }
  }
}

export function nameOf({
  streamId,
  version,
}: {
  readonly streamId: string;
  readonly version: number;
}): string {
  return `${streamId}@${version}`;
}
