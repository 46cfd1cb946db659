import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoggedEvent, RecordedEventOf } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import type { BatchContext } from "@tuppence/projections";
import { runProjections } from "@tuppence/projections/testing";
import fc from "fast-check";
import Database from "libsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defineLentBooks, type ReaderBooks, readersOf } from "../src/lent-books.ts";
import { libraryEvents } from "../src/library-events.ts";
import { loadPosition, movePosition, PositionTakenError } from "../src/positions.ts";

type LibraryEvent = LoggedEvent<RecordedEventOf<typeof libraryEvents>>;

const READERS = ["Ada", "Edsger", "Grace"];

let folder: string;
/** Two connections to one file, as two processes have them. */
let connections: readonly [Database.Database, Database.Database];
let events: readonly LibraryEvent[];
let builds = 1_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "read-model-sqlite-"));
  const file = join(folder, "library.db");
  connections = [new Database(file), new Database(file)];
  const store = createMemoryEventStore({ events: libraryEvents });
  for (let book = 1; book <= 5; book++) {
    const data = { reader: READERS[book % 3] ?? "" };
    await store.append(`book|${book}`, [{ type: "BookAcquired", data: { title: `Book ${book}` } }]);
    await store.append(`book|${book}`, [{ type: "BookLent", data }]);
    if (book % 2 === 0) await store.append(`book|${book}`, [{ type: "BookReturned", data }]);
  }
  events = await collect(store.readAll());
});
afterAll(async () => {
  for (const db of connections) db.close();
  await rm(folder, { recursive: true });
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What the table has to say of events, each counted once. */
function booksOf(counted: readonly LibraryEvent[]): readonly ReaderBooks[] {
  return READERS.map((reader) => {
    const own = counted.filter(({ data }) => "reader" in data && data.reader === reader);
    const everLent = own.filter(({ type }) => type === "BookLent").length;
    return { reader, books: 2 * everLent - own.length, everLent };
  }).filter(({ everLent }) => everLent > 0);
}

/** What is thrown when a process ends in the middle of a transaction: after all rows were written, before the commit. */
const CRASH = new Proxy({} as LibraryEvent, {
  get() {
    throw new Error("crashed before the commit");
  },
});

/** A build of its own, and processes that hand it batches. */
function openBuild(move = movePosition) {
  const build = ++builds;
  const projections = connections.map((db) => defineLentBooks(db, move));
  const { signal } = new AbortController();
  const context = { name: "lent-books", version: 1, build, signal };
  void projections[0]?.prepare?.(context);
  return {
    books: () => readersOf(connections[1], build),
    position: () => loadPosition(connections[1], { ...context, slot: 0 }),
    retire: () => projections[0]?.retire?.(context),
    /** As the slot's runner does: what it does not handle is passed over, and no batch is empty. */
    handle: async (process: number, after: number, upTo: number, isToCrash = false): Promise<void> => {
      const projection = projections[process % 2];
      const batch = events.filter(
        ({ position, type }) => position > after && position <= upTo && projection?.types?.includes(type),
      );
      const step: BatchContext = { ...context, slot: 0, after, upTo, isLive: true, attempt: 1 };
      if (batch.length > 0) await projection?.handle(isToCrash ? [...batch, CRASH] : batch, step);
    },
  };
}

describe("the position in the transaction", () => {
  it("refuses a batch that comes again, and one whose other end is further", async () => {
    const { handle, books, position } = openBuild();
    await handle(0, 0, 6);
    for (const upTo of [4, 6, 9]) await expect(handle(1, 0, upTo)).rejects.toThrow(PositionTakenError);
    expect([books(), position()]).toEqual([booksOf(events.slice(0, 6)), 6]);
  });

  it("leaves nothing behind of a process that ends before the commit", async () => {
    const { handle, books, position } = openBuild();
    await expect(handle(0, 0, 6, true)).rejects.toThrow("crashed before the commit");
    expect([books(), position()]).toEqual([[], undefined]);
    await handle(1, 0, 6);
    expect(books()).toEqual(booksOf(events.slice(0, 6)));
  });

  it("is gone with the table when the build is not needed any more, however often that is said", async () => {
    const { handle, retire, position, books } = openBuild();
    await handle(0, 0, 6);
    await retire();
    await retire();
    expect(position()).toBeUndefined();
    expect(books).toThrow("no such table");
  });
});

/** One of three processes that believe to own the slot does so many positions; "unheard": it does not hear that it did. */
const steps = fc.record({
  process: fc.nat({ max: 2 }),
  size: fc.integer({ min: 1, max: 6 }),
  fate: fc.constantFrom("none", "none", "none", "crashed", "unheard", "restarted"),
});
const histories = fc.array(steps, { minLength: 1, maxLength: 12 });

/** Runs a history, and answers whether every event is counted exactly once in the end. */
async function isExact(
  history: readonly (typeof steps extends fc.Arbitrary<infer Step> ? Step : never)[],
  move = movePosition,
): Promise<boolean> {
  const { handle, books, position, retire } = openBuild(move);
  const processes = [0, 0, 0];
  for (const { process, size, fate } of history) {
    const after = processes[process] ?? 0;
    const upTo = Math.min(after + size, events.length);
    try {
      if (fate === "restarted") throw new Error("restarted");
      await handle(process, after, upTo, fate === "crashed");
      if (fate === "unheard") throw new Error("committed, and nobody heard of it");
      processes[process] = upTo;
    } catch {
      // Whatever it was, it begins anew, behind what is stored. A zombie is a process that comes later with what it had.
      if (fate !== "crashed") processes[process] = position() ?? 0;
    }
  }
  await handle(0, position() ?? 0, events.length);
  const outcome = JSON.stringify(books());
  await retire();
  return outcome === JSON.stringify(booksOf(events));
}

describe("histories of processes that crash, repeat and wake up late", () => {
  it("count every event exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => isExact(history)),
      { numRuns: 25 },
    );
  });

  it("do not when the position moves whatever it is (negative control)", async () => {
    const moveBlindly: typeof movePosition = (db, step) =>
      movePosition(db, { ...step, after: Number.MAX_SAFE_INTEGER });
    const all = { size: events.length, fate: "none" };
    const bothFromTheBeginning = [
      { process: 0, ...all },
      { process: 1, ...all },
    ];
    const details = await fc.check(
      fc.asyncProperty(histories, async (history) => isExact(history, moveBlindly)),
      { examples: [[bothFromTheBeginning]], endOnFailure: true },
    );
    expect(details.failed).toBe(true);
  });
});

it("holds what is in the log in a worker, and once more after a rebuild", async () => {
  const lentBooks = {
    ...defineLentBooks(connections[0]),
    batch: { maxEvents: 2, maxCharacters: 10_000, maxDelayMs: 0 },
  };
  await using run = runProjections({ projections: [lentBooks], events: libraryEvents });
  for (let book = 1; book <= 9; book++) {
    await run.store.append(`book|${book}`, [{ type: "BookLent", data: { reader: READERS[book % 3] ?? "" } }]);
    if (book % 3 === 0) await run.caughtUp();
  }
  const expected = booksOf(await collect(run.store.readAll()));
  expect(readersOf(connections[1], 1)).toEqual(expected);

  await run.projections.rebuild(lentBooks.name);
  await expect.poll(async () => (await run.projections.list())[0]?.live.number).toBe(2);
  expect(readersOf(connections[1], 2)).toEqual(expected);
});
