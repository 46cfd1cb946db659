import type { DynamoDBClient, QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import type { Item } from "../src/capacity/item-size.ts";
import type { ChainStorage } from "../src/chain/storage.ts";
import { collect } from "../src/contract/fixtures.ts";
import { numberSchema } from "../src/contract/number-schema.ts";
import { createEventStore, defineEvents, IntegrityError, UnknownEventTypeError } from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { connect } from "./test-database.ts";

/** Items come by pages inside of a store; a reader must not notice that. */

describe("a page is opened only as far as its reader gets", () => {
  const definitions = defineEvents({ Known: numberSchema });

  async function streamWithAnUnknownThird() {
    const commits = ["Known", "Known", "Unknown", "Known"].map((type, index) => ({
      streamId: "a|1",
      firstVersion: index + 1,
      events: [{ type, data: index + 1 }],
    }));
    const store = createMemoryEventStore({ events: definitions });
    await store.importCommits(commits);
    return store;
  }

  it("yields the events before one that can't be read, and then fails", async () => {
    const store = await streamWithAnUnknownThird();
    const seen: number[] = [];
    const readAll = async () => {
      for await (const event of store.read("a|1")) seen.push(event.version);
    };
    await expect(readAll()).rejects.toThrow(UnknownEventTypeError);
    expect(seen).toEqual([1, 2]);
  });

  it("does not fail on what comes after a limit, a version or a break", async () => {
    const store = await streamWithAnUnknownThird();
    expect(await collect(store.read("a|1", { limit: 2 }))).toHaveLength(2);
    expect(await collect(store.read("a|1", { toVersion: 2 }))).toHaveLength(2);
    expect(await collect(store.read("a|1", { direction: "backward", limit: 1 }))).toHaveLength(1);
    for await (const event of store.read("a|1")) if (event.version === 2) break;
  });

  it("folds in order up to the failure", async () => {
    const store = await streamWithAnUnknownThird();
    const folded: number[] = [];
    const fold = {
      initialState: () => 0,
      evolve: (_: number, event: { version: number }) => folded.push(event.version),
    };
    await expect(store.load("a|1", fold)).rejects.toThrow(UnknownEventTypeError);
    expect(folded).toEqual([1, 2]);
  });
});

describe("a page that does not tile", () => {
  /** A stream of four commits whose pages are altered; `looks` counts reads of single items. */
  async function streamWith(alter: (items: readonly Item[]) => readonly Item[]) {
    const storage = createMemoryStorage();
    const looks = { count: 0 };
    const altered: ChainStorage = {
      ...storage,
      async query(range) {
        const page = await storage.query(range);
        if (range.limit !== 1) return { ...page, items: alter(page.items) };
        looks.count += 1;
        return page;
      },
    };
    const store = createMemoryEventStore({ storage: altered });
    for (let version = 0; version < 4; version++) {
      await store.append("a|1", [{ type: "Happened", data: version }], { expectedVersion: version });
    }
    return { store, looks };
  }

  it("has its hole filled in the right place, but only for who gets there", async () => {
    const { store, looks } = await streamWith((items) => items.filter((item) => item["s"]?.N !== "3"));
    for await (const event of store.read("a|1")) if (event.version === 2) break;
    expect(looks.count).toBe(0);
    expect((await collect(store.read("a|1"))).map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    expect(looks.count).toBe(1);
    const backward = await collect(store.read("a|1", { direction: "backward" }));
    expect(backward.map(({ version }) => version)).toEqual([4, 3, 2, 1]);
  });

  it("is given out up to an overlap, and then is an error", async () => {
    const { store } = await streamWith((items) =>
      items.flatMap((item) => (item["s"]?.N === "2" ? [item, item] : [item])),
    );
    const seen: number[] = [];
    const readAll = async () => {
      for await (const event of store.read("a|1")) seen.push(event.version);
    };
    await expect(readAll()).rejects.toThrow(IntegrityError);
    expect(seen).toEqual([1, 2]);
  });
});

it("gives each event a metadata and a date of its own", async () => {
  const store = createMemoryEventStore();
  const event = { type: "Happened", data: 1 };
  await store.append("a|1", [event, event], { expectedVersion: 0, metadata: { correlationId: "c" } });
  await store.append("b|1", [event, event], { expectedVersion: 0 });
  for (const streamId of ["a|1", "b|1"]) {
    const [one, other] = await collect(store.read(streamId));
    expect(one?.metadata).toEqual(other?.metadata);
    expect(one?.metadata).not.toBe(other?.metadata);
    expect(one?.recordedAt).toEqual(other?.recordedAt);
    expect(one?.recordedAt).not.toBe(other?.recordedAt);
  }
});

describe("the copy that the SDK makes of each reply for its logger", () => {
  /** Whether the reply of a store's Query would be copied for the client's logger. */
  async function copiesReplies(client: DynamoDBClient): Promise<boolean> {
    let copied: boolean | undefined;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        const filter = context["outputFilterSensitiveLog"] as (output: unknown) => unknown;
        const output = result.output as QueryCommandOutput;
        if (output.Items !== undefined) copied = filter(output) !== output;
        return result;
      },
      { step: "build", name: "seesTheFilter" },
    );
    const store = createEventStore({ client });
    await store.append("a|1", [{ type: "Happened", data: 1 }], { expectedVersion: 0 });
    expect(await collect(store.read("a|1"))).toHaveLength(1);
    if (copied === undefined) throw new Error("No Query was seen.");
    return copied;
  }

  it("is left out for the logger that does nothing", async () => {
    const client = connect("readpages");
    await createEventStore({ client }).ensureTables();
    expect(await copiesReplies(client)).toBe(false);
  });

  it("is made for any other, which is told what came", async () => {
    const told: { readonly commandName?: string; readonly output?: QueryCommandOutput }[] = [];
    const client = connect("readpageslogged");
    await createEventStore({ client }).ensureTables();
    client.config.logger = {
      debug: () => undefined,
      info: (entry: (typeof told)[number]) => told.push(entry),
      warn: () => undefined,
      error: () => undefined,
    };
    expect(await copiesReplies(client)).toBe(true);
    const query = told.find(({ commandName }) => commandName === "QueryCommand");
    expect(query?.output?.Items).toHaveLength(1);
  });
});
