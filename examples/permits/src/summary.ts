import { percentile } from "./follow-log.ts";
import { count } from "./output.ts";
import { workDone } from "./read-models.ts";
import type { Sent } from "./send-and-follow.ts";
import type { StoredCase } from "./verify.ts";
import type { StoredDeadlines } from "./deadlines.ts";
import type { Letters } from "./verify-letters.ts";
import type { ReadModels } from "./verify-read-models.ts";

const DIFFERENCES_SHOWN = 20;

/** All that is stored, as it was read back. */
export interface Stored {
  readonly cases: readonly StoredCase[];
  readonly readModels: ReadModels;
  readonly letters: Letters;
  readonly deadlines: StoredDeadlines;
}

/** What a run did, in a few lines. */
export function summaryLines(
  sent: Sent,
  { pages, events, letters }: { readonly pages: number; readonly events: number; readonly letters: Letters },
): readonly string[] {
  return [
    addedLine(sent, events),
    loggedLine(sent, { pages, events }),
    rebuiltLine(sent),
    lettersLine(sent, letters),
    deadlinesLine(sent),
  ];
}

function addedLine({ added, seconds }: Sent, events: number): string {
  const present = events - added;
  if (added === 0) return `nothing to add: all ${count(present)} events were there`;
  const before = present === 0 ? "" : `${count(present)} events were there; `;
  return `${before}${count(added)} events added in ${seconds.toFixed(1)} s, ${count(added / seconds)} events/s`;
}

function loggedLine(
  { followed: { position, delaysMs }, secondsBehind }: Sent,
  { pages, events }: { readonly pages: number; readonly events: number },
): string {
  if (position < events) {
    return `the log has ${count(position)} events only, ${secondsBehind.toFixed(0)} s later`;
  }
  if (pages === 0) return "nothing to log: all were in the log";
  const ms = (share: number): string => `${count(percentile(delaysMs, share))} ms`;
  const delay =
    delaysMs.length === 0 ? "" : `; from commit to reader ${ms(0.5)} (median), ${ms(0.99)} (99th percentile)`;
  return `all in the log ${secondsBehind.toFixed(1)} s later, in ${count(pages)} ${pages === 1 ? "page" : "pages"}${delay}`;
}

function rebuiltLine({ rebuilt, secondsToReadModels }: Sent): string {
  const { seconds, addedMeanwhile } = rebuilt;
  const meanwhile = addedMeanwhile === 0 ? "" : `, while ${count(addedMeanwhile)} events were added`;
  return (
    `${workDone.name} built anew and put in place in ${seconds.toFixed(1)} s${meanwhile}; ` +
    `all in the read models ${secondsToReadModels.toFixed(1)} s after the log`
  );
}

function lettersLine({ startedAt, secondsToLetters }: Sent, { enqueued, sent }: Letters): string {
  const all = [...sent.values()].flat();
  const sentNow = all.filter(({ sentAt }) => sentAt >= startedAt.getTime()).length;
  if (sentNow === 0) return `nothing to send: all ${count(enqueued.length)} letters were sent`;
  const before = all.length === sentNow ? "" : `${count(all.length - sentNow)} letters were sent; `;
  return `${before}${count(sentNow)} letters sent by ${count(sent.size)} groups, the last ${secondsToLetters.toFixed(1)} s after the read models`;
}

function deadlinesLine({ watched: { scheduled, cancelled, fired }, secondsToDeadlines }: Sent): string {
  if (scheduled + cancelled + fired === 0) return "nothing to watch: all deadlines were as the file has them";
  return (
    `${count(scheduled)} deadlines scheduled, ${count(cancelled)} cancelled, ${count(fired)} fired, ` +
    `the last ${secondsToDeadlines.toFixed(1)} s after the letters`
  );
}

export function verdict(stored: Stored, differences: readonly string[]): string {
  if (differences.length > 0) {
    const more = differences.length - DIFFERENCES_SHOWN;
    return [
      `NOT verified: ${count(differences.length)} differences between the file and what is stored`,
      ...differences.slice(0, DIFFERENCES_SHOWN),
      ...(more > 0 ? [`and ${count(more)} more`] : []),
    ].join("\n");
  }
  const { cases, readModels, letters, deadlines } = stored;
  const events = count(cases.reduce((sum, each) => sum + each.events.length, 0));
  const sent = count(letters.enqueued.length);
  const schedules = [...deadlines.schedules.values()];
  const ended = (wanted: string): string => count(schedules.filter(({ state }) => state === wanted).length);
  return [
    `verified: ${events} events in ${count(cases.length)} streams, every stream 1..n without a gap, ` +
      "every state equal to a fold of the file",
    `verified: positions 1..${events} of the log without a gap, every event once, every stream in its order`,
    `verified: ${count(readModels.openCases.size)} departments and ${count(readModels.workDone.size)} weeks of employees, ` +
      "every document equal to a fold of the file",
    `verified: positions 1..${sent} of the letters without a gap, one for each decision, in the order of the log, ` +
      `sent once and in that order by ${[...letters.sent.keys()].join(" and by ")}`,
    `verified: ${count(schedules.length)} deadlines, ${ended("cancelled")} cancelled in time, ${ended("fired")} fired once each, ` +
      `${ended("pending")} to come, each as the file says`,
  ].join("\n");
}
