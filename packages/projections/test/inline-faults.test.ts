import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, type EventStore, type ExpectedVersion } from "@tuppence/core";
import { beforeAll, describe, expect, it } from "vitest";
import type { InlineProjections } from "../src/inline/create-inline-projections.ts";
import type { InlineGuards } from "../src/inline/inline-context.ts";
import { entries, entry, journals, openInline, wrongIn } from "./inline-world.ts";
import { connect } from "@tuppence/test-support/database";

/** Inline documents when others write at the same time and replies are lost, and what happens when a guard is off. */

const DATABASE = "inlinefaults";
const client = connect(DATABASE);
const store = (): EventStore => createEventStore({ client });

beforeAll(() => openInline(client, [journals("any")]).ensureTables());

let categories = 0;
const newCategory = (): string => `f${++categories}`;

type Next = () => Promise<unknown>;

/** A client whose calls of an operation go through here. */
function intercepted(operation: string, around: (next: Next) => Promise<unknown>): DynamoDBClient {
  const own = connect(DATABASE, { maxAttempts: 1 });
  own.middlewareStack.add(
    (next, context) => (args) =>
      (context["commandName"] === `${operation}Command` ? around(() => next(args)) : next(args)) as never,
    { step: "initialize", priority: "high", name: "intercepted" },
  );
  return own;
}

/** Something happens once before a call. */
function before(operation: string, work: () => Promise<unknown>): DynamoDBClient {
  let isDone = false;
  return intercepted(operation, async (next) => {
    const isFirst = !isDone;
    isDone = true;
    if (isFirst) await work();
    return next();
  });
}

const lost = (): Error => Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });

/** Replies of transactions are lost, after they were made or before. */
function losing(fates: readonly ("before" | "after" | "pass")[]): DynamoDBClient {
  const left = [...fates];
  return intercepted("TransactWriteItems", async (next) => {
    const fate = left.shift() ?? "pass";
    if (fate === "before") throw lost();
    if (fate === "pass") return next();
    await next().then(
      () => undefined,
      () => undefined,
    );
    throw lost();
  });
}

async function journalOf(category: string, key = "k"): Promise<readonly string[] | undefined> {
  return openInline(client, [journals(category)])
    .documents(journals(category))
    .get(key);
}

describe("many writers", () => {
  it("on streams of their own go into one document: each event once, each stream in order", async () => {
    const category = newCategory();
    const ends = new Map<string, number>();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const inline = openInline(client, [journals(category)]);
      const streamId = `${category}|${writer}`;
      for (let number = 0; number < 3; number++) {
        const { version } = await inline.append(streamId, entries(1 + (number % 2), "k"));
        ends.set(streamId, version);
      }
    });
    await Promise.all(writers);
    expect(ends.size).toBe(8);
    expect(wrongIn(await journalOf(category), ends)).toEqual([]);
  });

  it("on one stream, some of them past the documents", async () => {
    const category = newCategory();
    const streamId = `${category}|1`;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      const target = writer % 3 === 0 ? store() : openInline(client, [journals(category)]);
      for (let number = 0; number < 4; number++) await target.append(streamId, [entry("k")]);
    });
    await Promise.all(writers);
    await openInline(client, [journals(category)]).append(streamId, [entry("k")]);
    expect(wrongIn(await journalOf(category), new Map([[streamId, 17]]))).toEqual([]);
  });

  it("give up after so many attempts: nothing was written", async () => {
    const category = newCategory();
    const projections = [journals(category)];
    const other = openInline(client, projections);
    let appended = 0;
    const own = intercepted("TransactWriteItems", async (next) => {
      await other.append(`${category}|other`, [entry("k")]);
      appended += 1;
      return next();
    });
    const inline = openInline(own, projections, { maxAttempts: 3 });
    const append = inline.append(`${category}|1`, [entry("k")]);
    await expect(append).rejects.toMatchObject({
      code: "documentContended",
      attempts: 3,
      retryable: true,
      // Each time the end of the stream, the document and how far the stream is held are read, and 2 each were to be written.
      capacity: { requests: 9, readUnits: 9, writeUnits: 18 },
    });
    expect(appended).toBe(3);
    expect(wrongIn(await journalOf(category), new Map([[`${category}|other`, 3]]))).toEqual([]);
    expect(await store().streamExists(`${category}|1`)).toBe(false);
  });
});

describe("a lost reply", () => {
  it.each<ExpectedVersion>(["any", "noStream", 1])("makes nothing twice (%s)", async (expectedVersion) => {
    for (const fates of [["after"], ["before", "after"], ["after", "after", "before"]] as const) {
      const category = newCategory();
      const streamId = `${category}|1`;
      if (expectedVersion === 1) await store().append(streamId, [entry("k")]);
      const inline = openInline(losing(fates), [journals(category)]);
      const { duplicate, version } = await inline.append(streamId, [entry("k")], { expectedVersion });
      expect({ duplicate, version }).toEqual({ duplicate: false, version: expectedVersion === 1 ? 2 : 1 });
      expect(wrongIn(await journalOf(category), new Map([[streamId, version]]))).toEqual([]);
    }
  });

  it("while catching up makes nothing twice", async () => {
    const category = newCategory();
    const streamId = `${category}|1`;
    await store().append(streamId, entries(250, "k"));
    const inline = openInline(losing(["after", "before", "pass", "after"]), [journals(category)]);
    await inline.append(streamId, [entry("k")]);
    expect(wrongIn(await journalOf(category), new Map([[streamId, 251]]))).toEqual([]);
  });

  it("and then another writer of the document: the append is stored once, and says so", async () => {
    for (const fate of ["before", "after"] as const) {
      const category = newCategory();
      const streamId = `${category}|1`;
      const other = openInline(client, [journals(category)]);
      let sends = 0;
      const own = intercepted("TransactWriteItems", async (next) => {
        sends += 1;
        if (sends > 1) return next();
        if (fate === "after") await next();
        await other.append(`${category}|other`, [entry("k")]);
        throw lost();
      });
      const { duplicate, version } = await openInline(own, [journals(category)]).append(streamId, [
        entry("k"),
      ]);
      expect({ duplicate, version }).toEqual({ duplicate: false, version: 1 });
      const ends = new Map([
        [streamId, 1],
        [`${category}|other`, 1],
      ]);
      expect(wrongIn(await journalOf(category), ends)).toEqual([]);
    }
  });

  it("for good leaves the outcome unknown, and the commit id settles it", async () => {
    for (const fate of ["before", "after"] as const) {
      const category = newCategory();
      const streamId = `${category}|1`;
      const inline = openInline(losing(Array.from({ length: 12 }, () => fate)), [journals(category)]);
      const failure: unknown = await inline.append(streamId, [entry("k")]).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "outcomeUnknown" });
      const { commitId } = failure as { commitId: string };
      const again = await openInline(client, [journals(category)]).append(streamId, [entry("k")], {
        commitId,
      });
      expect(again).toMatchObject({ duplicate: fate === "after", version: 1 });
      expect(wrongIn(await journalOf(category), new Map([[streamId, 1]]))).toEqual([]);
    }
  });
});

/** Another writer of the document comes between the read and the write. */
async function raceForDocument(guards: Partial<InlineGuards>): Promise<string[]> {
  const category = newCategory();
  const [own, other] = [`${category}|own`, `${category}|other`];
  const projections = [journals(category)];
  const raced = before("TransactWriteItems", () =>
    openInline(client, projections).append(other, [entry("k")]),
  );
  await openInline(raced, projections, { guards }).append(own, [entry("k")]);
  const ends = new Map([
    [own, 1],
    [other, 1],
  ]);
  return wrongIn(await journalOf(category), ends);
}

interface BatchReply {
  readonly output: { readonly Responses: Record<string, { readonly s: { readonly S: string } }[]> };
}

/**
 * A batch of reads is not made at one moment. Here how far the stream is held is read first, another process folds the same events,
 * and then the document is read.
 */
async function raceInsideRead(guards: Partial<InlineGuards>): Promise<string[]> {
  const category = newCategory();
  const streamId = `${category}|1`;
  const projections = [journals(category)];
  const seed = openInline(client, projections);
  await seed.append(streamId, [entry("k")]);
  await store().append(streamId, entries(3, "k"));
  let reads = 0;
  const torn = intercepted("BatchGetItem", async (next) => {
    const first = (await next()) as BatchReply;
    // The second read is that of the fold of what came past the documents.
    if (++reads !== 2) return first;
    await openInline(client, projections).append(streamId, [entry("k")]);
    const second = (await next()) as BatchReply;
    const table = "tuppence-documents";
    const early = first.output.Responses[table] ?? [];
    const late = second.output.Responses[table] ?? [];
    const mixed = [...early.filter(({ s }) => s.S === "held"), ...late.filter(({ s }) => s.S !== "held")];
    return { ...second, output: { ...second.output, Responses: { [table]: mixed } } };
  });
  await openInline(torn, projections, { guards }).append(streamId, [entry("k")]);
  expect(reads).toBeGreaterThan(2);
  return wrongIn(await journalOf(category), new Map([[streamId, 6]]));
}

/** Events come past the documents. */
async function goPast(guards: Partial<InlineGuards>): Promise<string[]> {
  const category = newCategory();
  const streamId = `${category}|1`;
  const inline: InlineProjections = openInline(client, [journals(category)], { guards });
  await inline.append(streamId, [entry("k")]);
  await store().append(streamId, [entry("k")]);
  await inline.append(streamId, [entry("k")]);
  return wrongIn(await journalOf(category), new Map([[streamId, 3]]));
}

describe.each([
  ["comparesRevisions", raceForDocument, "a document that another writer changed"],
  ["comparesVersions", raceInsideRead, "events that another process folded"],
  ["closesGaps", goPast, "events that came past the documents"],
] as const)("%s", (guard, run, what) => {
  it(`takes care of ${what}`, async () => expect(await run({})).toEqual([]));
  it("is missed when it is off", async () => expect(await run({ [guard]: false })).not.toEqual([]));
});
