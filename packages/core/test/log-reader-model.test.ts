import { describe, expect, it } from "vitest";
import { counted } from "../src/contract/fixtures.ts";
import type { ChainStorage, SlotRange } from "../src/chain/storage.ts";
import type { LogReader } from "../src/log/log-reads.ts";
import { type Runtime, SYSTEM_RUNTIME } from "../src/runtime.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import { Turns } from "./faulty-storage.ts";
import { type Random, seededRandom } from "./history.ts";
import { type LogPlace, openMemoryPlace } from "./log-place.ts";

/**
 * Random histories of followers that share a reader, each replayable from its seed: they begin anywhere, pause, wait and give up
 * waiting, while pages are added; replies are short, late, behind or have holes, requests fail, and little is kept.
 */

const FOLLOWERS = 12;
const HISTORIES = 30;
const CONTROL_HISTORIES = 5;
/** Looks at the end of the log in a history; they take a few hundred. */
const MAX_PAUSES = 3_000;

class Failed extends Error {}

interface World {
  readonly random: Random;
  readonly turns: Turns;
  readonly place: LogPlace;
  /** Requests that nobody waited for any more. */
  abandoned: number;
}

/** Of the log, requests go on in any order, end early, see an older state or one with a hole, and fail. */
function unsteady(inner: ChainStorage, world: World): ChainStorage {
  const { random, turns } = world;
  const within = (range: SlotRange): SlotRange => {
    const limit = Math.min(range.limit ?? 4, 1 + Math.floor(random() * 4));
    const to = random() < 0.2 ? range.from + Math.floor(random() * 8) : range.to;
    return { ...range, limit, to: range.consistency === "strong" ? range.to : Math.min(to, range.to) };
  };
  return {
    ...inner,
    async query(range) {
      await turns.next();
      if (random() < 0.03) throw new Failed("a request failed");
      const page = await inner.query(within(range));
      await turns.next();
      if (range.signal?.aborted) world.abandoned++;
      range.signal?.throwIfAborted();
      const isHoled = range.consistency === "eventual" && random() < 0.1;
      const hole = isHoled ? Math.floor(random() * page.items.length) : -1;
      const items = page.items.filter((_, index) => index !== hole);
      // DynamoDB says where a page ends, so that one is never empty and to be continued here.
      return items.length === 0 ? { items, more: false } : { items, more: page.more };
    },
  };
}

function takingTurns({ turns, random }: World): Runtime {
  let pauses = 0;
  const sleep: Runtime["sleep"] = async (_, signal) => {
    if (++pauses > MAX_PAUSES) throw new Error("somebody waits for what is there");
    await turns.next();
    signal?.throwIfAborted();
  };
  return { ...SYSTEM_RUNTIME, random, sleep };
}

/** Follows the log up to a position, and says what is wrong with what it was given. */
async function follow(reader: LogReader, end: number, { random, turns, ...world }: World): Promise<string[]> {
  const { place } = world;
  const problems: string[] = [];
  let after = startBefore(end, random);
  const from = after;
  const seen: string[] = [];
  while (after < end) {
    while (random() < 0.3) await turns.next();
    try {
      const { events, position, caughtUp } = await reader.read(after);
      if (caughtUp && position !== after) problems.push(`the end after ${after} is at ${position}`);
      seen.push(...events.map((event) => `${event.position} ${event.streamId} ${event.version}`));
      after = position;
      if (caughtUp) await waitBeyond(reader, after, { random, turns });
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
    }
  }
  const truth: string[] = [];
  for await (const event of place.open().readAll({ fromPosition: from + 1, toPosition: after })) {
    truth.push(`${event.position} ${event.streamId} ${event.version}`);
  }
  if (seen.join() !== truth.join()) problems.push(`from ${from}: ${seen.join()} instead of ${truth.join()}`);
  return problems;
}

/** The beginning, a little before the end, which may be inside the last page, or anywhere. */
function startBefore(end: number, random: Random): number {
  const kind = random();
  if (kind < 0.3) return 0;
  return kind < 0.5 ? end - 1 - Math.floor(random() * 3) : Math.floor(random() * end);
}

/** Waits, or gives it up after a while. */
async function waitBeyond(
  reader: LogReader,
  position: number,
  { random, turns }: Pick<World, "random" | "turns">,
): Promise<void> {
  if (random() < 0.6) return reader.waitBeyond(position);
  const stop = new AbortController();
  const reason = new Failed("given up");
  const abort = async (): Promise<void> => {
    for (let turn = Math.floor(random() * 6); turn > 0; turn--) await turns.next();
    stop.abort(reason);
  };
  await Promise.all([reader.waitBeyond(position, { signal: stop.signal }), abort()]);
}

async function runHistory(seed: number, sabotage: (reader: LogReader, random: Random) => LogReader) {
  const random = seededRandom(seed);
  const turns = new Turns(random);
  const place = await openMemoryPlace();
  const world: World = { random, turns, place, abandoned: 0 };
  const writer = place.open();
  let end = 0;
  /** Answers where the log ends then. */
  const addPage = async (): Promise<number> => {
    for (let commit = 1 + Math.floor(random() * 3); commit > 0; commit--) {
      const count = 1 + Math.floor(random() * 3);
      await writer.append(`a|${Math.floor(random() * 3)}`, counted(1, count));
      end += count;
    }
    await place.sequence();
    return end;
  };
  for (let page = 0; page < 25; page++) await addPage();
  const keptBytes = random() < 0.5 ? 1 + Math.floor(random() * 2_000) : undefined;
  const storage = unsteady(place.storage, world);
  const store = createChainEventStore({ storage, runtime: takingTurns(world) });
  const reader = sabotage(store.openLogReader({ keptBytes }), random);
  // Where all of them are to come to, so some begin beyond the end.
  const goal = end + 10;
  const write = async (): Promise<void> => {
    do {
      for (let turn = Math.floor(random() * 30); turn > 0; turn--) await turns.next();
    } while ((await addPage()) < goal);
  };
  const followers = Array.from({ length: FOLLOWERS }, () => follow(reader, goal, world));
  const [problems] = await turns.runUntil(Promise.all([Promise.all(followers), write()]));
  return { problems: problems.flat(), abandoned: world.abandoned };
}

const SEED = 1;

async function runHistories(histories: number, sabotage: (reader: LogReader, random: Random) => LogReader) {
  const problems: string[] = [];
  let abandoned = 0;
  for (let seed = SEED; seed < SEED + histories; seed++) {
    const history = await runHistory(seed, sabotage).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    abandoned += history.abandoned;
    problems.push(...history.problems.map((problem) => `seed ${seed}: ${problem}`));
  }
  return { problems, abandoned };
}

describe("random histories of followers that share a reader", () => {
  it("each sees exactly the log from where it began, in order, and nothing twice", async () => {
    const { problems, abandoned } = await runHistories(HISTORIES, (reader) => reader);
    expect(problems).toEqual([]);
    // There were more places than are read on from, so that some were given up.
    expect(abandoned).toBeGreaterThan(0);
  });

  it.each([
    ["steps over an event", 1],
    ["gives one twice", -1],
  ])("a reader that now and then %s is noticed", async (_, step) => {
    const { problems } = await runHistories(CONTROL_HISTORIES, (reader, random) => ({
      ...reader,
      waitBeyond: (...wait) => reader.waitBeyond(...wait),
      read: (after, options) => reader.read(random() < 0.05 ? Math.max(0, after + step) : after, options),
    }));
    expect(problems.length).toBeGreaterThan(CONTROL_HISTORIES / 2);
  });
});
