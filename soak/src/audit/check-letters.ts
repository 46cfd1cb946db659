import { isDeepStrictEqual } from "node:util";
import { paginateScan } from "@aws-sdk/client-dynamodb";
import type { Message } from "@tuppence/queue";
import { Journal } from "../journal.ts";
import {
  effectKey,
  type EnqueueOutcome,
  GROUP_INSIDE,
  GROUP_OUTSIDE,
  type Handled,
  HANDLED_JOURNAL,
  type Letter,
  type Letters,
} from "../letters.ts";
import { EFFECTS_TABLE, type OpenPlace } from "../place.ts";
import type { Step } from "../steps.ts";
import type { Problems } from "./problems.ts";

type ProducerStep = Step<Letters, EnqueueOutcome>;

/** Holds the queue and its groups against what producers intended, and were told. Answers how many letters, and times one was handled, there are. */
export async function checkLetters(
  place: OpenPlace,
  steps: readonly ProducerStep[],
  problems: Problems,
): Promise<{ readonly letters: number; readonly handled: number }> {
  const queue = place.openQueue();
  const messages: Message<Letter>[] = [];
  try {
    for await (const message of queue.read(1, { consistency: "strong" })) messages.push(message);
  } catch (error) {
    problems.add("message lost", `the queue ends behind ${messages.length}: ${String(error)}`);
  }
  checkEnqueued(messages, steps, problems);
  for (const group of [GROUP_INSIDE, GROUP_OUTSIDE]) {
    const { position, tail, parked, depth } = await queue.status(group);
    if (position < tail || depth > 0)
      problems.add("position behind", `${group} is at ${position} of ${tail}`);
    if (parked > 0) problems.add("parked", `${group} has ${parked} messages parked`);
  }
  const positions = new Map<string, readonly number[]>();
  for (const { key = "", position } of messages)
    positions.set(key, [...(positions.get(key) ?? []), position]);
  await checkEffects(place, positions, problems);
  const handled = new Journal<Handled>(place.folder, HANDLED_JOURNAL).read();
  checkHandled(handled, positions, problems);
  return { letters: messages.length, handled: handled.length };
}

function checkEnqueued(
  messages: readonly Message<Letter>[],
  steps: readonly ProducerStep[],
  problems: Problems,
): void {
  const intended = new Map(steps.map((step) => [`${step.by}/${step.step}`, step]));
  const places = new Map<string, number>();
  for (const [index, { position, body, key }] of messages.entries()) {
    const of = `${body.by}/${body.step}/${body.index}`;
    if (position !== index + 1) problems.add("message lost", `${index + 1} is not there`);
    const letter = intended.get(`${body.by}/${body.step}`)?.intention.letters[body.index];
    if (letter === undefined) problems.add("message nobody intended", `${position} is ${of}`);
    else if (letter.key !== key || letter.isPoisoned !== body.isPoisoned)
      problems.add("message changed", `${position} is ${of}`);
    if (places.has(of)) problems.add("message twice", `${of} at ${places.get(of)} and ${position}`);
    else places.set(of, position);
  }
  const last = new Map<string, number>();
  for (const { by, step, intention, outcome } of steps) {
    const own = intention.letters.map((_, index) => places.get(`${by}/${step}/${index}`));
    const isThere = own.filter((position) => position !== undefined).length;
    if (outcome === undefined) {
      if (isThere > 0 && isThere < own.length) problems.add("message lost", `a part of ${by}/${step}`);
      continue;
    }
    for (const [index, position] of outcome.positions.entries()) {
      // 0: known by the producer's sequence alone.
      const isWhereItWasTold = position === 0 ? own[index] !== undefined : own[index] === position;
      if (!isWhereItWasTold) problems.add("message lost", `${by}/${step}/${index} was told at ${position}`);
      if ((own[index] ?? 0) <= (last.get(by) ?? 0)) problems.add("reordered", `${by}/${step}/${index}`);
      last.set(by, own[index] ?? 0);
    }
  }
}

/** In the cursor's transaction each key's messages have their effect once, in order. */
async function checkEffects(
  { client }: OpenPlace,
  positions: ReadonlyMap<string, readonly number[]>,
  problems: Problems,
): Promise<void> {
  const effects = new Map<string, readonly number[]>();
  const scan = { TableName: EFFECTS_TABLE, ConsistentRead: true };
  for await (const { Items = [] } of paginateScan({ client }, scan)) {
    for (const { p, positions: own } of Items)
      effects.set(p?.S ?? "", own?.L?.map(({ N }) => Number(N)) ?? []);
  }
  for (const [key, wanted] of positions) {
    const own = effects.get(effectKey(key)) ?? [];
    if (!isDeepStrictEqual(own, wanted))
      problems.add("effect wrong", `${key}: ${firstDifference(own, wanted)}`);
  }
}

/** Outside of it, each message is handled at least once, and for the first time behind those of its key before it. */
function checkHandled(
  handled: readonly Handled[],
  positions: ReadonlyMap<string, readonly number[]>,
  problems: Problems,
): void {
  const seen = new Map<string, Set<number>>();
  for (const { key, position } of handled) seen.set(key, (seen.get(key) ?? new Set()).add(position));
  for (const [key, wanted] of positions) {
    const own = [...(seen.get(key) ?? [])];
    const missing = wanted.filter((position) => !own.includes(position));
    if (missing.length > 0) problems.add("not handled", `${key}: ${missing.join(", ")}`);
    const known = wanted.filter((position) => own.includes(position));
    if (!isDeepStrictEqual(own, known))
      problems.add("handled out of order", `${key}: ${firstDifference(own, known)}`);
  }
}

function firstDifference(own: readonly number[], wanted: readonly number[]): string {
  const index = Math.max(
    0,
    Array.from({ length: Math.max(own.length, wanted.length) }).findIndex((_, at) => own[at] !== wanted[at]),
  );
  return `${own[index]} as number ${index + 1}, where ${wanted[index]} follows ${wanted[index - 1]}`;
}
