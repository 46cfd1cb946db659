import type { Workload } from "./workload.ts";

/** Commits in a page at most: the BatchSize of `logEventSourceMapping()`. */
const MAX_PAGE_APPENDS = 1_000;

const SECONDS_PER_DAY = 86_400;

/**
 * How many arrivals a batch has on average that takes what came within some seconds, when they come by chance, evenly over the
 * day, and nothing is done while nothing comes: from 1 up.
 */
export function gathered(perDay: number, seconds: number): number {
  const expected = (perDay / SECONDS_PER_DAY) * seconds;
  // For few, the quotient of two tiny numbers.
  if (expected < 1e-9) return 1;
  return expected / -Math.expm1(-expected);
}

/** How many of so many places are taken, when so many times one of them is chosen by chance; less than once is so much of one. */
export function distinct(choices: number, places: number): number {
  if (choices <= 1) return choices;
  // 1 - (1 - 1/places) ** choices, without losing the digits of a small result.
  return places * -Math.expm1(choices * Math.log1p(-1 / places));
}

/** How often what happens, a day. */
export interface Rates {
  readonly appends: number;
  readonly pages: number;
  readonly appendsPerPage: number;
  /** Times that all projections go on. */
  readonly runs: number;
  readonly pagesPerRun: number;
  readonly enqueueCalls: number;
  /** Times that a group of the queue goes on. */
  readonly queueRuns: number;
}

/** What gathers into what: each shard of the stream by itself into pages, pages into runs of projections. */
export function ratesOf(workload: Workload): Rates {
  const { eventsPerDay, eventsPerAppend, eventsPerStream, gatherSeconds, streamShards } = workload;
  const appends = (eventsPerDay / eventsPerStream) * Math.ceil(eventsPerStream / eventsPerAppend);
  const appendsPerPage = Math.min(gathered(appends / streamShards, gatherSeconds), MAX_PAGE_APPENDS);
  const pages = workload.projections > 0 ? appends / appendsPerPage : 0;
  const pagesPerRun = gathered(pages, gatherSeconds);
  const enqueueCalls = workload.queueMessagesPerDay / workload.messagesPerCall;
  return {
    appends,
    pages,
    appendsPerPage,
    runs: pages / pagesPerRun,
    pagesPerRun,
    enqueueCalls,
    queueRuns: enqueueCalls / gathered(enqueueCalls, gatherSeconds),
  };
}
