import {
  auditLog,
  commitIdFrom,
  createCommandHandler,
  createEventStore,
  eventsTable,
  type EventStore,
  meterCapacity,
} from "@tuppence/core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineProjection } from "../src/definition/define-projection.ts";
import type { DocumentProjection } from "../src/definition/projection.ts";
import { createInlineProjections } from "../src/inline/create-inline-projections.ts";
import { documentsTable } from "../src/storage/documents-table.ts";
import { entries, entry, journals, openInline, wrongIn } from "./inline-world.ts";
import { connect } from "@tuppence/test-support/database";

/** Documents that are written in the transaction of the append. */

const client = connect("inline");
const meter = meterCapacity(client, { tables: [eventsTable(), documentsTable()] });
const store = (): EventStore => createEventStore({ client });

beforeAll(() => openInline(client, [journals("any")]).ensureTables());
beforeEach(() => meter.reset());

let categories = 0;
/** A category that no other test uses. */
const newCategory = (): string => `c${++categories}`;

const counter = (category: string, version = 1): DocumentProjection<number> =>
  defineProjection({
    name: `counter-${category}`,
    version,
    categories: [category],
    types: ["Entered"],
    key: ({ streamId }) => streamId,
    initialState: () => 0,
    evolve: (state) => state + 1,
  });

describe("a document", () => {
  it("shows what was appended at once; the capacity counts all", async () => {
    const category = newCategory();
    const projection = counter(category);
    const inline = openInline(client, [projection]);
    const streamId = `${category}|1`;
    const first = await inline.append(streamId, entries(2, "x"), { expectedVersion: "noStream" });
    // 2 for the events, 2 for the document, 2 for how far the stream is held, 1 for the new stream.
    expect(first).toMatchObject({ version: 2, duplicate: false });
    expect(first.capacity).toEqual({ requests: 2, readUnits: 2, writeUnits: 7 });
    // The meter knows nothing of what a batch of reads does not find.
    expect(meter.total()).toMatchObject({ requests: 2, writeUnits: 7 });
    expect(await inline.documents(projection).get(streamId)).toBe(2);
    meter.reset();
    const { capacity } = await inline.append(streamId, entries(1, "x"), { expectedVersion: 2 });
    expect(capacity).toEqual({ requests: 2, readUnits: 2, writeUnits: 6 });
    expect(meter.total()).toEqual(capacity);
    meter.reset();
    expect(await openInline(client, [projection]).documents(projection).get(streamId)).toBe(3);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
  });

  it("of each projection and key moves together with the others, and can be taken away", async () => {
    const category = newCategory();
    const lines = defineProjection({
      name: `lines-${category}`,
      version: 1,
      key: ({ streamId, type }) => (type === "Other" ? undefined : [streamId, "all", "all"]),
      initialState: (key) => ({ key, types: [] as string[] }),
      evolve: (state, { type }) =>
        type === "Ended" ? undefined : { ...state, types: [...state.types, type] },
    });
    const projections = [lines, counter(category)];
    const inline = openInline(client, projections);
    const read = inline.documents(lines);
    const [a, b] = [`${category}|a`, `${category}|b`];
    await inline.append(a, [
      { type: "Entered", data: 1 },
      { type: "Other", data: 1 },
    ]);
    await inline.append(b, [{ type: "Entered", data: 1 }]);
    const entered = (key: string, count: number) => ({ key, types: Array(count).fill("Entered") });
    const found = await read.getMany([a, "all", "none"]);
    expect(Object.fromEntries(found)).toEqual({ [a]: entered(a, 1), all: entered("all", 2) });
    expect(await inline.documents(counter(category)).get(a)).toBe(1);
    await inline.append(a, [{ type: "Ended", data: 1 }]);
    expect(await read.get("all")).toBeUndefined();
    await inline.append(b, [{ type: "Entered", data: 1 }]);
    const all = [];
    for await (const each of read.list()) all.push(each);
    expect(all).toEqual([
      { key: "all", document: entered("all", 1) },
      { key: b, document: entered(b, 2) },
    ]);
    const some = [];
    for await (const { key } of read.list({ prefix: category, consistency: "eventual" })) some.push(key);
    expect(some).toEqual([b]);
  });

  it("is given events as they are stored, and no positions", async () => {
    const category = newCategory();
    const seen: unknown[] = [];
    const projection = defineProjection({
      name: `seen-${category}`,
      version: 1,
      key: () => "k",
      initialState: () => "",
      evolve: (_, event) => {
        seen.push({ ...event });
        return event.recordedAt.toISOString();
      },
    });
    const inline = openInline(client, [projection]);
    const { events } = await inline.append(`${category}|1`, [entry("k")], { metadata: { by: "me" } });
    expect(seen).toEqual(events);
    expect(await inline.documents(projection).get("k")).toBe(events[0]?.recordedAt.toISOString());
    const positions = defineProjection({
      name: `positions-${category}`,
      version: 1,
      key: () => "k",
      initialState: () => 0,
      evolve: (_, { position }) => position,
    });
    const append = openInline(client, [positions]).append(`${category}|2`, [entry("k")]);
    await expect(append).rejects.toThrow(/has no position: inline projections/);
  });

  it("costs streams of other categories nothing, and puts are shared there", async () => {
    const inline = openInline(client, [counter(newCategory())]);
    const streamId = `${newCategory()}|1`;
    await inline.append(streamId, entries(1, "x"));
    meter.reset();
    await Promise.all([1, 2, 3].map(() => inline.append(streamId, entries(1, "x"))));
    expect(meter.calls.map(({ operation }) => operation)).toEqual(["PutItem", "PutItem"]);
  });
});

describe("an append", () => {
  it("conflicts as in the store", async () => {
    const category = newCategory();
    const inline = openInline(client, [journals(category)]);
    const streamId = `${category}|1`;
    await inline.append(streamId, [entry("k")]);
    for (const expectedVersion of ["noStream", 0, 2] as const) {
      const append = openInline(client, [journals(category)]).append(streamId, [entry("k")], {
        expectedVersion,
      });
      await expect(append).rejects.toMatchObject({ code: "versionConflict", actual: 1 });
    }
    const none = inline.append(`${category}|none`, [entry("k")], { expectedVersion: "streamExists" });
    await expect(none).rejects.toMatchObject({ code: "versionConflict" });
    await inline.append(streamId, [], { close: true });
    await expect(inline.append(streamId, [entry("k")])).rejects.toMatchObject({ code: "streamClosed" });
    expect(await inline.documents(journals(category)).get("k")).toEqual([`${streamId}@1`]);
  });

  it("at any version goes where there is room, whatever its store knows of the stream", async () => {
    const category = newCategory();
    const streamId = `${category}|1`;
    const open = () => openInline(client, [journals(category)]);
    const stale = open();
    await stale.append(streamId, [entry("k")]);
    await open().append(streamId, entries(2, "k"));
    await store().append(streamId, entries(1, "k"));
    const { version, capacity } = await stale.append(streamId, [entry("k")]);
    expect(version).toBe(5);
    expect(capacity.requests).toBeGreaterThan(3);
    const journal = await stale.documents(journals(category)).get("k");
    expect(wrongIn(journal, new Map([[streamId, 5]]))).toEqual([]);
  });

  it("with the same commitId writes nothing again", async () => {
    const category = newCategory();
    const streamId = `${category}|1`;
    const open = () => openInline(client, [journals(category)]);
    for (const expectedVersion of [0, "any"] as const) {
      const options = { commitId: commitIdFrom(`${streamId}${expectedVersion}`), expectedVersion };
      const first = await open().append(streamId, [entry("k")], options);
      await open().append(streamId, [entry("k")]);
      const again = await open().append(streamId, [entry("k")], options);
      expect(again).toMatchObject({ duplicate: true, version: first.version, events: first.events });
    }
    const journal = await open().documents(journals(category)).get("k");
    expect(wrongIn(journal, new Map([[streamId, 4]]))).toEqual([]);
  });

  it("is refused by what its folds throw: nothing is written", async () => {
    const category = newCategory();
    const fold = {
      name: `failing-${category}`,
      version: 1,
      schema: z.number().max(3),
      key: ({ data }: { data: unknown }) => {
        if (data === "key") throw new Error("no key");
        return data === "empty" ? "" : ["k", String(data)];
      },
      initialState: () => 0,
      evolve: (state: number, { data }: { data: unknown }) => {
        if (data === "fold") throw new Error("no fold");
        return data === "text" ? ("text" as unknown as number) : state + 1;
      },
    };
    const inline = openInline(client, [defineProjection(fold)]);
    const streamId = `${category}|1`;
    const append = (data: unknown) => inline.append(streamId, [{ type: "Entered", data }]);
    await expect(append("key")).rejects.toThrow("no key");
    await expect(append("fold")).rejects.toThrow("no fold");
    await expect(append("empty")).rejects.toMatchObject({ code: "invalidDocument" });
    await expect(append("text")).rejects.toMatchObject({ code: "invalidDocument", key: "k" });
    expect(await store().streamExists(streamId)).toBe(false);
    for (const data of [1, 2, 3]) await append(data);
    await expect(append(4)).rejects.toMatchObject({ code: "invalidDocument" });
    expect(await inline.documents(defineProjection(fold)).get("k")).toBe(3);
    expect(await store().load(streamId, { initialState: () => 0, evolve: fold.evolve })).toMatchObject({
      version: 3,
    });
  });

  it("takes 98 documents, and no more", async () => {
    const category = newCategory();
    const inline = openInline(client, [journals(category)]);
    const keys = Array.from({ length: 99 }, (_, number) => `k${number}`);
    await inline.append(`${category}|1`, [entry(...keys.slice(1))]);
    meter.reset();
    const append = inline.append(`${category}|1`, [entry(...keys)]);
    await expect(append).rejects.toMatchObject({ code: "transactionTooLarge", size: 101, limit: 100 });
    expect(meter.calls).toEqual([]);
  });

  it("makes other writes with it, or is refused by them", async () => {
    const category = newCategory();
    const inline = openInline(client, [journals(category)]);
    const streamId = `${category}|1`;
    const put = (key: string) => ({
      Put: {
        TableName: documentsTable().TableName,
        Item: { p: { S: "mine" }, s: { S: category + key } },
        ConditionExpression: "attribute_not_exists(p)",
      },
    });
    await inline.append(streamId, [entry("k")], { also: [put("a")] });
    const also = () => [put("b"), put("a")];
    const refused = inline.append(streamId, [entry("k")], { also });
    await expect(refused).rejects.toMatchObject({ code: "writeRefused", indexes: [1] });
    expect(await inline.documents(journals(category)).get("k")).toEqual([`${streamId}@1`]);
  });
});

describe("what did not come through here", () => {
  it("is folded with the next append that does, each event once", async () => {
    const category = newCategory();
    const projection = journals(category);
    const streamId = `${category}|1`;
    await store().append(streamId, entries(3, "k"));
    await store().append(streamId, [entry("k", "l"), entry("l")]);
    const inline = openInline(client, [projection]);
    await inline.append(streamId, [entry("k")], { expectedVersion: 5 });
    await store().append(streamId, [entry("m")]);
    const { capacity } = await inline.append(streamId, [entry("l")]);
    expect(meter.total().requests).toBeGreaterThan(capacity.requests);
    const found = await inline.documents(projection).getMany(["k", "l", "m"]);
    const at = (...versions: number[]) => versions.map((version) => `${streamId}@${version}`);
    expect(Object.fromEntries(found)).toEqual({ k: at(1, 2, 3, 4, 6), l: at(4, 5, 8), m: at(7) });
  });

  it("may be much, and into many documents", async () => {
    const category = newCategory();
    const projection = journals(category);
    const streamId = `${category}|1`;
    await store().append(streamId, entries(450, "k"));
    await store().append(
      streamId,
      Array.from({ length: 150 }, (_, number) => entry(`k${number}`)),
    );
    const inline = openInline(client, [projection]);
    await inline.append(streamId, [entry("k")]);
    const journal = await inline.documents(projection).get("k");
    expect(journal).toHaveLength(451);
    expect(journal?.at(-1)).toBe(`${streamId}@601`);
    const keys = Array.from({ length: 150 }, (_, number) => `k${number}`);
    const found = await inline.documents(projection).getMany(keys);
    expect(keys.map((key) => found.get(key))).toEqual(
      keys.map((_, number) => [`${streamId}@${451 + number}`]),
    );
  });

  it("and is of types that concern no document is looked through once", async () => {
    const category = newCategory();
    const projection = counter(category);
    const inline = openInline(client, [projection]);
    const streamId = `${category}|1`;
    const other = { type: "Other", data: 1 };
    await inline.append(streamId, entries(1, "x"));
    const { capacity } = await inline.append(streamId, [other, other]);
    expect(capacity).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    const next = await inline.append(streamId, entries(1, "x"));
    expect(next.capacity).toMatchObject({ requests: 4, writeUnits: 6 });
    const last = await inline.append(streamId, entries(1, "x"));
    expect(last.capacity).toEqual({ requests: 2, readUnits: 2, writeUnits: 6 });
    expect(await inline.documents(projection).get(streamId)).toBe(3);
  });

  it("and was truncated refuses the append", async () => {
    const category = newCategory();
    const streamId = `${category}|1`;
    for (let number = 0; number < 3; number++) await store().append(streamId, entries(1, "k"));
    const fold = {
      initialState: () => 0,
      evolve: (state: number) => state + 1,
      snapshot: { version: "1", every: 9 },
    };
    await store().truncate(streamId, fold, { before: 3 });
    const append = openInline(client, [journals(category)]).append(streamId, [entry("k")]);
    await expect(append).rejects.toMatchObject({ code: "streamTruncated" });
    expect((await store().append(streamId, [entry("k")])).version).toBe(4);
  });
});

describe("a backfill", () => {
  it("brings a new version up to date while appends go on, wherever it was interrupted", async () => {
    const category = newCategory();
    const projection = journals(category, { version: 2 });
    const ends = new Map<string, number>();
    const streamIds = Array.from({ length: 60 }, (_, number) => `${category}|${number}`);
    const appendTo = async (target: Pick<EventStore, "append">, streamId: string): Promise<void> => {
      const { version } = await target.append(streamId, [entry(`k${Number(streamId.split("|")[1]) % 12}`)]);
      ends.set(streamId, version);
    };
    const plain = store();
    for (const times of [1, 2])
      await Promise.all(streamIds.slice(0, 60 / times).map((id) => appendTo(plain, id)));
    await auditLog({ client, repair: true, graceMs: 0 });
    const inline = openInline(client, [projection]);
    const stop = new AbortController();
    const progress: number[] = [];
    const interrupted = openInline(client, [projection]).backfill(projection, {
      signal: stop.signal,
      onProgress: ({ position }) => {
        progress.push(position);
        stop.abort(new Error("enough"));
      },
    });
    await expect(interrupted).rejects.toThrow("enough");
    expect(progress).toHaveLength(1);
    const live = async (): Promise<void> => {
      for (const streamId of streamIds.slice(45)) await appendTo(inline, streamId);
    };
    const [done] = await Promise.all([
      inline.backfill(projection),
      openInline(client, [projection]).backfill(projection),
      live(),
    ]);
    expect(done.position).toBeGreaterThan(progress[0] ?? 0);
    for (let key = 0; key < 12; key++) {
      const own = [...ends].filter(([streamId]) => Number(streamId.split("|")[1]) % 12 === key);
      const journal = await inline.documents(projection).get(`k${key}`);
      expect(wrongIn(journal, new Map(own))).toEqual([]);
    }
    meter.reset();
    expect(await inline.backfill(projection)).toEqual({ position: done.position, caughtUp: 0 });
    expect(meter.total().writeUnits).toBe(0);
  });
});

describe("its store", () => {
  it("serves command handlers, and documents follow", async () => {
    const category = newCategory();
    const projection = counter(category);
    const inline = openInline(client, [projection]);
    const decider = {
      initialState: () => 0,
      evolve: (state: number) => state + 1,
      decide: (_: string, state: number) => (state < 3 ? entries(1, "x") : []),
    };
    const handle = createCommandHandler({ store: inline.store, decider });
    const streamId = `${category}|1`;
    await Promise.all([1, 2, 3, 4, 5].map(() => handle(streamId, "enter")));
    expect(await inline.documents(projection).get(streamId)).toBe(3);
    expect((await inline.store.load(streamId, decider)).state).toBe(3);
  });

  it("refuses what would append past the documents", async () => {
    const category = newCategory();
    const inline = openInline(client, [counter(category)]);
    const streamId = `${category}|1`;
    const events = entries(1, "x");
    await expect(inline.store.transact([{ streamId, events }])).rejects.toThrow(TypeError);
    await expect(inline.store.openGroup(streamId, { expectedVersion: 0 })).rejects.toThrow(TypeError);
    await expect(inline.store.importCommits([])).rejects.toThrow(/append past the inline projections/);
  });
});

it("what can't be is refused at once", async () => {
  const open = (projections: readonly DocumentProjection[], maxAttempts?: number) => () =>
    createInlineProjections({ store: store(), client, projections, maxAttempts });
  const fold = { name: "a", version: 1, key: () => "k", initialState: () => 0, evolve: () => 1 };
  const reactor = defineProjection({ name: "r", version: 1, react: () => undefined });
  expect(open([])).toThrow(/at least one/);
  expect(open([counter("a"), counter("a", 2)])).toThrow(/given twice/);
  expect(open([reactor as never])).toThrow(/is a reactor/);
  expect(open([defineProjection({ ...fold, startFrom: "end" })])).toThrow(/begins at the end/);
  expect(open([counter("a")], 0)).toThrow(RangeError);
  expect(() => open([counter("a")])().documents(counter("a", 2))).toThrow(/version 2 is none of these/);
  const inline = open([counter("a")])();
  const wrong = [undefined, null, "counter-a"].map((each) => each as never);
  for (const each of wrong) {
    const refusal = new TypeError(
      `projection is ${JSON.stringify(each)}; it has to be one of these inline projections.`,
    );
    expect(() => inline.documents(each)).toThrow(refusal);
    await expect(inline.backfill(each)).rejects.toThrow(refusal);
  }
  await expect(inline.backfill(counter("a", 2))).rejects.toThrow(/version 2 is none of these/);
});
