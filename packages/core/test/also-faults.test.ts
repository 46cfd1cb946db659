import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";
import { collect, counted, newStreamId } from "../src/contract/fixtures.ts";
import { sdkCalls } from "../src/dynamodb/calls.ts";
import { createDynamoDBChainStorage } from "../src/dynamodb/chain-storage.ts";
import { CHAIN_GUARDS, type ChainGuards } from "../src/chain/tiling.ts";
import { createCommitId, createEventStore, type ExpectedVersion } from "../src/index.ts";
import { createChainEventStore } from "../src/store/chain-event-store.ts";
import type { EventStore } from "../src/store/event-store.ts";
import { counting, countOf, createAlsoTable, exists, putNew } from "./also-table.ts";
import { type Fate, type FaultPlace, injectFaults } from "./faults.ts";
import { connect } from "./test-database.ts";

/** Repetitions, lost replies and races of appends that have other writes with them: none is made twice. */

const DATABASE = "alsofaults";
const quiet = { sleep: async () => undefined };
const client = connect(DATABASE);
const open = (): EventStore => createEventStore({ client });

beforeAll(async () => {
  await Promise.all([open().ensureTables(), createAlsoTable(client)]);
});

const count = (id: string): Promise<number> => countOf(client, counting(id));
const versionsOf = async (streamId: string): Promise<number[]> =>
  (await collect(open().read(streamId))).map(({ version }) => version);

/** A store whose calls meet these fates, one after the other; the rest pass. */
function faulty(
  place: FaultPlace,
  fates: readonly Fate[],
  options: { readonly leanRequests?: boolean; readonly guards?: Partial<ChainGuards> } = {},
): EventStore {
  const own = connect(DATABASE, { maxAttempts: 3 });
  const left = [...fates];
  injectFaults(
    own,
    place,
    (called) => (called === "TransactWriteItems" ? left.shift() : undefined) ?? "pass",
  );
  const { leanRequests, guards } = options;
  if (guards === undefined) return createEventStore({ client: own, runtime: quiet, leanRequests });
  return createChainEventStore({
    storage: createDynamoDBChainStorage(own, "tuppence", sdkCalls(own)),
    guards: { ...CHAIN_GUARDS, ...guards },
  });
}

const ALL: readonly ExpectedVersion[] = ["any", "streamExists", "noStream", 0, 1];

/** A stream where the expectation holds. */
async function begin(expectedVersion: ExpectedVersion): Promise<string> {
  const streamId = newStreamId();
  if (expectedVersion === 1 || expectedVersion === "streamExists") await open().append(streamId, counted(1));
  return streamId;
}

describe("a repetition with the same commitId", () => {
  it.each(ALL)("makes nothing twice, also after later commits (%s)", async (expectedVersion) => {
    const streamId = await begin(expectedVersion);
    const options = {
      commitId: createCommitId(),
      expectedVersion,
      also: [counting(streamId), putNew(`${streamId}-once`)],
    };
    const first = await open().append(streamId, counted(1), options);
    for (const later of [0, 1]) {
      if (later === 1) await open().append(streamId, counted(2));
      const again = await open().append(streamId, counted(1), options);
      expect(again).toMatchObject({ duplicate: true, version: first.version, events: first.events });
      const { appends, duplicate } = await open().transact(
        [{ streamId, events: counted(1), expectedVersion }],
        options,
      );
      expect({ duplicate, version: appends[0]?.version }).toEqual({
        duplicate: true,
        version: first.version,
      });
    }
    expect(await count(streamId)).toBe(1);
  });

  it.each<ExpectedVersion>(["noStream", 0, 1])(
    "is recognised even if the reply does not say that its slot is taken (%s)",
    async (expectedVersion) => {
      const streamId = newStreamId();
      const silent = connect(DATABASE);
      hideSlots(silent);
      const store = createEventStore({ client: silent });
      // It knows the end, so that it sends at once.
      if (expectedVersion === 1) await store.append(streamId, counted(1));
      const options = { commitId: createCommitId(), expectedVersion, also: [putNew(streamId)] };
      const first = await open().append(streamId, counted(1), options);
      const again = await store.append(streamId, counted(1), options);
      expect(again).toMatchObject({ duplicate: true, version: first.version });
    },
  );

  it("is recognised when another process stored it between the search and the write", async () => {
    const streamId = newStreamId();
    const options = { commitId: createCommitId(), also: [counting(streamId), putNew(`${streamId}-once`)] };
    const late = connect(DATABASE);
    beforeTransaction(late, async () => {
      await open().append(streamId, counted(2));
      await open().append(streamId, counted(1), options);
    });
    const again = await createEventStore({ client: late }).append(streamId, counted(1), options);
    expect(again).toMatchObject({ duplicate: true, version: 2 });
    expect(await count(streamId)).toBe(1);
  });

  it("at the same moment by several processes, among others' appends, is made once", async () => {
    for (let round = 0; round < 3; round++) {
      const streamId = newStreamId();
      const options = { commitId: createCommitId(), also: [counting(streamId), putNew(`${streamId}-once`)] };
      const same = [1, 2, 3].map(() => open().append(streamId, counted(1), options));
      const others = [1, 2].map(() => open().append(streamId, counted(2)));
      const results = await Promise.all(same);
      await Promise.all(others);
      expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
      expect(new Set(results.map(({ version }) => version)).size).toBe(1);
      expect(await count(streamId)).toBe(1);
      expect(await versionsOf(streamId)).toEqual([1, 2, 3]);
    }
  });
});

/** Replies of refused transactions say nothing of the first action, which is the commit's. */
function hideSlots(given: DynamoDBClient): void {
  given.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const { CancellationReasons: reasons } = error as { CancellationReasons?: unknown[] };
        if (reasons !== undefined && reasons.length > 1) reasons[0] = { Code: "None" };
        throw error;
      }
    },
    { step: "initialize", priority: "high", name: "hideSlots" },
  );
}

/** Something happens before the first transaction is sent. */
function beforeTransaction(given: DynamoDBClient, work: () => Promise<void>): void {
  let isDone = false;
  given.middlewareStack.add(
    (next, context) => async (args) => {
      const isFirst = context["commandName"] === "TransactWriteItemsCommand" && !isDone;
      isDone ||= isFirst;
      if (isFirst) await work();
      return next(args);
    },
    { step: "initialize", priority: "high", name: "beforeTransaction" },
  );
}

const PLACES: readonly FaultPlace[] = ["inside the SDK's retries", "outside the SDK's retries"];

describe.each(PLACES.flatMap((place) => [false, true].map((lean) => [place, lean] as const)))(
  "a lost reply %s (lean requests: %s)",
  (place, leanRequests) => {
    it.each(ALL)("makes nothing twice (%s)", async (expectedVersion) => {
      for (const also of [
        (id: string) => [counting(id)],
        (id: string) => [counting(id), putNew(`${id}-once`)],
      ]) {
        const streamId = await begin(expectedVersion);
        const store = faulty(place, ["lost after", "lost before"], { leanRequests });
        const result = await store.append(streamId, counted(1), { expectedVersion, also: also(streamId) });
        expect(result.duplicate).toBe(false);
        expect(await count(streamId)).toBe(1);
        expect((await collect(open().read(streamId))).slice(-1)).toEqual(result.events);
      }
    });

    it("of a transaction over streams makes nothing twice", async () => {
      const [a, b] = [newStreamId(), newStreamId()];
      const writes = [a, b].map((streamId) => ({ streamId, events: counted(1) }));
      const store = faulty(place, ["lost after", "lost after"], { leanRequests });
      await store.transact(writes, { also: [counting(a)] });
      expect(await Promise.all([versionsOf(a), versionsOf(b), count(a)])).toEqual([[1], [1], 1]);
    });
  },
);

describe("a reply lost for good", () => {
  it("leaves the outcome unknown, and the commit id settles it", async () => {
    for (const fate of ["lost before", "lost after"] as const) {
      const streamId = newStreamId();
      const also = [counting(streamId)];
      const store = faulty(
        "outside the SDK's retries",
        Array.from({ length: 12 }, () => fate),
      );
      const failure = await store.append(streamId, counted(1), { also }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "outcomeUnknown", streamId });
      const { commitId } = failure as { commitId: string };
      const again = await open().append(streamId, counted(1), { also, commitId });
      expect(again.duplicate).toBe(fate === "lost after");
      expect(await count(streamId)).toBe(1);
    }
  });

  it("and then a refusal leave the outcome unknown: what was lost may still arrive", async () => {
    const streamId = newStreamId();
    const also = [counting(streamId), exists(`${streamId}-none`)];
    const store = faulty("outside the SDK's retries", ["lost before"]);
    const failure = await store.append(streamId, counted(1), { also }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "outcomeUnknown", cause: { code: "writeRefused", indexes: [1] } });
    const { commitId } = failure as { commitId: string };
    const again = open().append(streamId, counted(1), { also, commitId });
    await expect(again).rejects.toMatchObject({ code: "writeRefused", indexes: [1] });
    expect(await count(streamId)).toBe(0);
  });

  it("and then a refusal may come before what was lost arrives", async () => {
    const streamId = newStreamId();
    const also = [counting(streamId), exists(`${streamId}-there`)];
    const slow = connect(DATABASE);
    const arrive = holdFirstTransaction(slow);
    const store = createEventStore({ client: slow, runtime: quiet });
    const failure = await store.append(streamId, counted(1), { also }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "outcomeUnknown", cause: { code: "writeRefused" } });
    await open().append(newStreamId(), counted(1), { also: [putNew(`${streamId}-there`)] });
    await arrive();
    const { commitId } = failure as { commitId: string };
    const again = await open().append(streamId, counted(1), { also, commitId });
    expect(again).toMatchObject({ duplicate: true, version: 1 });
    expect(await count(streamId)).toBe(1);
  });
});

/** Keeps the first transaction back, and says that it is lost. Answers what lets it arrive. */
function holdFirstTransaction(given: DynamoDBClient): () => Promise<unknown> {
  let arrive: (() => Promise<unknown>) | undefined;
  given.middlewareStack.add(
    (next, context) => async (args) => {
      if (context["commandName"] !== "TransactWriteItemsCommand" || arrive !== undefined) return next(args);
      arrive = () => next(args);
      throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    },
    { step: "initialize", priority: "high", name: "holdFirstTransaction" },
  );
  return () => arrive?.() ?? Promise.reject(new Error("no transaction was sent"));
}

describe("notices when a guard is off", () => {
  it("own commits are not recognised: the writes are made twice", async () => {
    const streamId = newStreamId();
    const guards = { findOwn: () => undefined };
    const store = faulty("outside the SDK's retries", ["lost after"], { guards });
    await store.append(streamId, counted(1), { also: [counting(streamId)] });
    expect(await count(streamId)).toBe(2);
  });

  it("own commits are not looked for: a repetition fails, or is made twice", async () => {
    const streamId = newStreamId();
    const commitId = createCommitId();
    const store = (): EventStore => faulty("outside the SDK's retries", [], { guards: { looksBack: false } });
    const options = { commitId, also: [counting(streamId)] };
    await store().append(streamId, counted(1), options);
    await store().append(streamId, counted(1), options);
    expect(await count(streamId)).toBe(2);
    const once = { commitId: createCommitId(), also: [putNew(streamId + "-once")] };
    await store().append(streamId, counted(1), once);
    await expect(store().append(streamId, counted(1), once)).rejects.toMatchObject({ code: "writeRefused" });
  });
});

it("8 writers at any version: the counter is the number of commits", async () => {
  const streamId = newStreamId();
  const writers = Array.from({ length: 8 }, async () => {
    const store = open();
    for (let number = 0; number < 3; number++)
      await store.append(streamId, counted(number), { also: [counting(streamId)] });
  });
  await Promise.all(writers);
  expect(await versionsOf(streamId)).toHaveLength(24);
  expect(await count(streamId)).toBe(24);
});
