import { createEventStore } from "@tuppence/core";
import { type LocalClientConfig, startDynamoDBLocal } from "@tuppence/local";
import { inProcessFunction, mappingOptions, startEventSourceMapping } from "@tuppence/local/lambda";
import { beforeAll, expect, it, vi } from "vitest";
import { defineProjection } from "../src/definition/define-projection.ts";
import type { FailurePolicy } from "../src/definition/projection.ts";
import type { StreamFailure } from "../src/inline/hold-streams.ts";
import {
  commitsEventSourceMapping,
  type CommitsHandlerOptions,
  createCommitsHandler,
} from "../src/lambda/index.ts";
import { entries, entry, journals, openInline, wrongIn } from "./inline-world.ts";
import { connect } from "@tuppence/test-support/database";

/** Documents that follow the commits without a log between them. */

const DATABASE = "commitshandler";
const client = connect(DATABASE);
const store = createEventStore({ client });
const SILENT = { warn: (): void => undefined, error: (): void => undefined };
let config: LocalClientConfig;

beforeAll(async () => {
  config = (await startDynamoDBLocal({ log: false })).clientConfig(DATABASE);
  await openInline(client, [journals("any")]).ensureTables();
});

/** Runs the handler as its event source mapping does, until a condition holds. */
async function follow(
  projections: Parameters<typeof createCommitsHandler>[0],
  options: CommitsHandlerOptions,
  until: () => Promise<void>,
): Promise<void> {
  const handler = createCommitsHandler(projections, { logger: SILENT, ...options });
  const mapping = await startEventSourceMapping({
    config,
    tableName: "tuppence-events",
    function: inProcessFunction({ name: "commits", handler }),
    ...mappingOptions(commitsEventSourceMapping()),
  });
  try {
    await vi.waitFor(until, { timeout: 30_000, interval: 50 });
  } finally {
    await mapping.stop();
  }
}

it("folds what is appended past them, and what comes twice once", async () => {
  const journal = journals("shop");
  const inline = openInline(client, [journal]);
  const ends = new Map<string, number>();
  for (let round = 1; round <= 4; round++) {
    for (const name of ["a", "b", "c"]) {
      const streamId = `shop|${name}`;
      const { version } = await store.append(streamId, entries(round, "all"));
      ends.set(streamId, version);
    }
  }
  // Half of one stream is held already, by an append that went through them.
  ends.set("shop|a", (await inline.append("shop|a", [entry("all")])).version);
  const read = () => inline.documents(journal).get("all");
  const isComplete = async (): Promise<void> => expect(wrongIn(await read(), ends)).toEqual([]);
  await follow(inline, {}, isComplete);
  const before = await read();
  // From the oldest record on once more.
  await store.append("shop|d", [entry("all")]);
  ends.set("shop|d", 1);
  await follow(inline, {}, isComplete);
  expect(await read()).toEqual([...(before ?? []), "shop|d@1"]);
});

/** Counts events, until one is poison. */
function fragile(category: string, onFailure: FailurePolicy, poisons: () => boolean) {
  return defineProjection({
    name: `fragile-${category}`,
    version: 1,
    categories: [category],
    onFailure,
    key: ({ streamId }) => streamId,
    initialState: () => 0,
    evolve(count, { type }) {
      if (type === "Poison" && poisons()) throw new Error("it can't be folded");
      return count + 1;
    },
  });
}

it("leaves a stream behind with its poison, goes on with the others, and takes it up again", async () => {
  let poisons = true;
  const projection = fragile("soft", "park", () => poisons);
  const inline = openInline(client, [projection]);
  await store.append("soft|a", [{ type: "Good", data: 1 }]);
  await store.append("soft|a", [{ type: "Poison", data: 1 }]);
  await store.append("soft|a", [{ type: "Good", data: 1 }]);
  await store.append("soft|b", [{ type: "Good", data: 1 }]);
  const failures: StreamFailure[] = [];
  const read = async (): Promise<unknown> =>
    Object.fromEntries(await inline.documents(projection).getMany(["soft|a", "soft|b"]));
  await follow(inline, { onFailure: (failure) => failures.push(failure) }, async () => {
    expect(failures).toContainEqual(expect.objectContaining({ streamId: "soft|a" }));
    expect(await read()).toMatchObject({ "soft|b": 1 });
  });
  poisons = false;
  await store.append("soft|a", [{ type: "Good", data: 1 }]);
  await follow(inline, {}, async () => expect(await read()).toEqual({ "soft|a": 4, "soft|b": 1 }));
});

it("halts at a poison where the projection says so, until it is repaired", async () => {
  let poisons = true;
  let refusals = 0;
  const projection = fragile("hard", "halt", () => {
    refusals += poisons ? 1 : 0;
    return poisons;
  });
  const inline = openInline(client, [projection]);
  await store.append("hard|a", [{ type: "Poison", data: 1 }]);
  const read = (): Promise<unknown> => inline.documents(projection).get("hard|a");
  await follow(inline, {}, async () => {
    // It is delivered again and again.
    if (refusals >= 4) poisons = false;
    expect(await read()).toBe(1);
  });
  expect(refusals).toBeGreaterThanOrEqual(4);
});
