import { isDeepStrictEqual } from "node:util";
import type { Message } from "@tuppence/queue";
import { DECISION, type Letter, letterOf } from "./letters.ts";
import type { SentLetter } from "./post-book.ts";
import type { LoggedTask } from "./receipt-log.ts";
import type { LoggedPermitEvent } from "./verify-log.ts";

/** The letters as they are stored. */
export interface Letters {
  /** As they are in the queue. */
  readonly enqueued: readonly Pick<Message<Letter>, "position" | "key" | "body">[];
  /** What each group has sent, in its order. */
  readonly sent: ReadonlyMap<string, readonly SentLetter[]>;
}

/**
 * Compares the letters with the decisions, as the log has them in their order and the file says what they are; nothing when each has one letter, on positions
 * 1..n in the order of the log, and each group has sent them all, once and in that order.
 */
export function findLetterDifferences(
  { enqueued, sent }: Letters,
  logged: readonly LoggedPermitEvent[],
  tasks: readonly LoggedTask[],
): readonly string[] {
  const expected = expectedLetters(tasks);
  const decisions = decidedPermits(logged);
  const differences: string[] = [];
  for (const [index, { position, key, body }] of enqueued.entries()) {
    const place = `letter ${position}, of ${body.permit},`;
    if (position !== index + 1) differences.push(`${place} is in place ${index + 1} of the queue`);
    if (body.permit !== decisions[index]) {
      differences.push(`${place} is in the place of the decision of ${decisions[index] ?? "nothing"}`);
    }
    if (key !== body.permit) differences.push(`${place} has the key ${key ?? "of none"}`);
    if (!isDeepStrictEqual(body, expected.get(body.permit))) {
      differences.push(`${place} is not what the file says`);
    }
  }
  const inQueue = new Set(enqueued.map(({ body }) => body.permit));
  const missing = [...expected.keys()].filter((permit) => !inQueue.has(permit));
  return [
    ...differences,
    ...missing.map((permit) => `${permit}: is decided, and has no letter`),
    ...[...sent].flatMap(([group, letters]) => sentDifferences(group, letters, enqueued)),
  ];
}

function sentDifferences(
  group: string,
  sent: readonly SentLetter[],
  enqueued: Letters["enqueued"],
): readonly string[] {
  const differences: string[] = [];
  if (sent.length !== enqueued.length) {
    differences.push(`${group}: ${sent.length} letters were sent, and ${enqueued.length} enqueued`);
  }
  for (const [index, { position, letter }] of sent.entries()) {
    const place = `${group}: letter ${position}, of ${letter.permit},`;
    if (position !== index + 1) differences.push(`${place} was sent in place ${index + 1}`);
    if (!isDeepStrictEqual(letter, enqueued[position - 1]?.body)) {
      differences.push(`${place} is not what was enqueued`);
    }
  }
  return differences;
}

/** The permits in the order of their decisions, each once, whatever else is wrong with the log. */
function decidedPermits(logged: readonly LoggedPermitEvent[]): readonly string[] {
  const decisions = logged.filter(({ type }) => type === DECISION);
  return [...new Map(decisions.map(({ eventId, streamId }) => [eventId, streamId])).values()];
}

function expectedLetters(tasks: readonly LoggedTask[]): ReadonlyMap<string, Letter> {
  const decisions = tasks.filter(({ command }) => command.type === "decideStop");
  return new Map(
    decisions.map(({ streamId, department, command }) => [
      streamId,
      letterOf(streamId, department, command.data),
    ]),
  );
}
