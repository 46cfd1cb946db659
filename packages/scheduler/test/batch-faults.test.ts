import type {
  BatchExecuteStatementCommandInput,
  BatchExecuteStatementCommandOutput,
  BatchStatementErrorCodeEnum,
  DynamoDBClient,
  ServiceOutputTypes,
} from "@aws-sdk/client-dynamodb";
import { type Runtime, SYSTEM_RUNTIME } from "@tuppence/core";
import type { ControlKey } from "@tuppence/core/leases";
import { connect } from "@tuppence/test-support/database";
import { beforeAll, describe, expect, it } from "vitest";
import { updateWithToken, type Writing } from "../src/storage/certain-writes.ts";
import { createDynamoDBScheduleStorage } from "../src/storage/dynamodb-storage.ts";
import { gatherRequests } from "../src/storage/gather-requests.ts";
import { WriteSpeed } from "../src/storage/write-speed.ts";
import { virtualTime } from "./virtual-time.ts";

/** What becomes of writes that go in one request, when something goes wrong with it, on DynamoDB Local. */

const DATABASE = "schedulebatches";

type Batch = (
  input: BatchExecuteStatementCommandInput,
  send: (
    input?: BatchExecuteStatementCommandInput,
  ) => Promise<BatchExecuteStatementCommandOutput["Responses"] & object>,
) => Promise<BatchExecuteStatementCommandOutput["Responses"] & object>;

interface Place extends Writing {
  readonly partition: string;
  /** Operations that were sent, in order. */
  readonly sent: string[];
  readonly refusals: unknown[];
  /** What becomes of requests with many writes, from the first on; those after them are carried out. */
  readonly fates: Batch[];
  /** Creates items that are pending. */
  readonly create: (...sorts: readonly string[]) => Promise<unknown>;
  /** Claims an item that is pending, with this token. */
  readonly claim: (sort: string, token?: string) => Promise<boolean>;
  /** The tokens of all items. */
  readonly tokens: () => Promise<unknown>;
}

let places = 0;

function place(runtime: Runtime = SYSTEM_RUNTIME): Place {
  const client = connect(DATABASE, { maxAttempts: 1 });
  const sent: string[] = [];
  const fates: Batch[] = [];
  const refusals: unknown[] = [];
  interceptBatches(client, sent, fates);
  const dynamodb = createDynamoDBScheduleStorage(client, "batches", (error) => refusals.push(error));
  const storage = gatherRequests(dynamodb, { runtime, speed: new WriteSpeed(runtime) });
  const writing = { storage, runtime };
  const partition = `place${places++}`;
  return {
    ...writing,
    partition,
    sent,
    refusals,
    fates,
    create: (...sorts) =>
      Promise.all(
        sorts.map((sort) =>
          storage.update({
            key: { partition, sort },
            where: { st: undefined },
            set: { st: "pending", n: 1 },
          }),
        ),
      ),
    claim: async (sort, tk = `of ${sort}`) => {
      const key = { partition, sort };
      const where = { st: "pending", tk: undefined };
      return (await updateWithToken(writing, { key, where, set: { st: "claimed", tk } })).applied;
    },
    tokens: async () => {
      const { items } = await storage.query({ partition, consistency: "strong" });
      return Object.fromEntries(items.map(([sort, { tk }]) => [sort, tk]));
    },
  };
}

function interceptBatches(client: DynamoDBClient, sent: string[], fates: Batch[]): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = String(context["commandName"]).replace(/Command$/, "");
      sent.push(operation);
      const fate = operation === "BatchExecuteStatement" ? fates.shift() : undefined;
      if (fate === undefined) return next(args);
      const input = args.input as BatchExecuteStatementCommandInput;
      const output: BatchExecuteStatementCommandOutput = { $metadata: {} };
      output.Responses = await fate(input, async (given = input) => {
        const done = await next({ ...args, input: given });
        return (done.output as BatchExecuteStatementCommandOutput).Responses ?? [];
      });
      return { output, response: undefined };
    },
    { step: "initialize", priority: "high", name: "fates" },
  );
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const lost = (): Error => Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
const refused = (name: string): Error =>
  Object.assign(new Error("no"), { name, $metadata: { httpStatusCode: 400 } });

/** One statement fails, and is not carried out; the others are. */
const failing =
  (place_: number, Code: BatchStatementErrorCodeEnum): Batch =>
  async ({ Statements = [] }, send) => {
    const others = Statements.filter((_, index) => index !== place_);
    return (await send({ Statements: others })).toSpliced(place_, 0, { Error: { Code, Message: Code } });
  };

const FOUR_LOOKS = ["GetItem", "GetItem", "GetItem", "GetItem"] as const;
const SORTS = ["a", "b", "c"];
const OF_ALL = { a: "of a", b: "of b", c: "of c" };
const claimAll = ({ claim }: Place): Promise<boolean[]> => Promise.all(SORTS.map((sort) => claim(sort)));

beforeAll(() => createDynamoDBScheduleStorage(connect(DATABASE), "batches").ensureTables());

describe("writes that are asked for at a time", () => {
  it("are one request, whatever becomes of each", async () => {
    const all = place();
    const { create, claim, sent, storage, partition } = all;
    await create(...SORTS);
    await create("a", "d");
    expect(sent).toEqual(["BatchExecuteStatement", "BatchExecuteStatement", "UpdateItem"]);
    await claim("b", "somebody else's");
    sent.length = 0;
    expect(await Promise.all(["a", "b", "c", "none"].map((sort) => claim(sort)))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(await all.tokens()).toEqual({ a: "of a", b: "somebody else's", c: "of c", d: undefined });
    expect(sent).toEqual(["BatchExecuteStatement", "Query"]);
    const end = { key: { partition, sort: "a" }, where: { tk: "of a" }, set: { tk: "ended", n: undefined } };
    const outcomes = await Promise.all([
      storage.update(end),
      storage.update({ ...end, key: { partition, sort: "b" } }),
    ]);
    const item = { st: "claimed", tk: "somebody else's", n: 1 };
    expect(outcomes).toEqual([{ applied: true }, { applied: false, item }]);
    expect(await storage.find({ partition, sort: "a" })).toEqual({ st: "claimed", tk: "ended" });
  });

  it("are of one item in different requests", async () => {
    const { create, claim, sent, tokens } = place();
    await create("a", "b");
    sent.length = 0;
    const [first, other, second] = await Promise.all([claim("a", "1"), claim("b"), claim("a", "2")]);
    expect([other, Number(first) + Number(second)]).toEqual([true, 1]);
    expect(await tokens()).toEqual({ a: first ? "1" : "2", b: "of b" });
    expect(sent.filter((operation) => operation !== "Query")).toEqual([
      "BatchExecuteStatement",
      "UpdateItem",
    ]);
  });

  it("are 25 in a request at most", async () => {
    const { create, sent, tokens } = place();
    const sorts = Array.from({ length: 60 }, (_, index) => String(index));
    await create(...sorts);
    expect(sent).toEqual(Array.from({ length: 3 }, () => "BatchExecuteStatement"));
    expect(Object.keys((await tokens()) as object).length).toBe(60);
  });

  it("are given up when their signal says so, and do not go out then", async () => {
    const { storage, partition } = place();
    const enough = new AbortController();
    const put = (sort: string, signal?: AbortSignal): Promise<unknown> =>
      storage.update({ key: { partition, sort }, where: { st: undefined }, set: { st: "a" } }, signal);
    const [given, other] = [put("a", enough.signal), put("b")];
    enough.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    await expect(put("a", enough.signal)).rejects.toThrow("enough");
    await other;
    expect(await storage.find({ partition, sort: "a" })).toBeUndefined();
  });
});

describe("a request with many writes", () => {
  it("that takes long keeps others waiting for five seconds at most", async () => {
    const { runtime: virtual, pass } = virtualTime();
    const all = place(virtual);
    await all.create("a", "b", "c", "d");
    let goOn = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    all.fates.push(...Array.from({ length: 4 }, (): Batch => (_, send) => promise.then(() => send())));
    const pairs: Promise<boolean>[] = [];
    // Each pair is a request of its own, as it is asked for in a turn of its own.
    for (const tk of ["1", "2", "3", "4"]) {
      pairs.push(all.claim("a", tk), all.claim("b", tk));
      await nextTurn();
    }
    const others = [all.claim("c"), all.claim("d")];
    await nextTurn();
    expect(all.sent.filter((operation) => operation === "BatchExecuteStatement").length).toBe(1 + 4);
    await pass(5_000);
    expect(await Promise.all(others)).toEqual([true, true]);
    goOn();
    expect((await Promise.all(pairs)).filter((isApplied) => isApplied).length).toBe(2);
  });

  it("whose reply is lost was carried out: that is seen by the tokens", async () => {
    const all = place();
    const { fates, storage, partition, create, tokens } = all;
    await create(...SORTS);
    const loseReply: Batch = async (_, send) => {
      await send();
      throw lost();
    };
    fates.push(loseReply);
    expect(await claimAll(all)).toEqual([true, true, true]);
    expect(await tokens()).toEqual(OF_ALL);
    // Without a look at the token, what was done would be taken for refused.
    const key = { partition, sort: "a" };
    const again = { key, where: { st: "pending", tk: undefined }, set: { st: "claimed", tk: "of a" } };
    expect((await storage.update(again)).applied).toBe(false);
  });

  it("whose reply is lost was not carried out: it is sent again", async () => {
    const all = place();
    await all.create(...SORTS);
    all.fates.push(async () => Promise.reject(lost()));
    expect(await claimAll(all)).toEqual([true, true, true]);
    expect(await all.tokens()).toEqual(OF_ALL);
  });

  it("of which one part was carried out: the rest is", async () => {
    const all = place();
    await all.create(...SORTS);
    all.fates.push(async ({ Statements = [] }, send) => {
      await send({ Statements: Statements.slice(0, 2) });
      throw lost();
    });
    expect(await claimAll(all)).toEqual([true, true, true]);
    expect(await all.tokens()).toEqual(OF_ALL);
  });

  it("that loses its reply, while somebody else is faster, is told so of each", async () => {
    const all = place();
    const other = place();
    await all.create(...SORTS);
    all.fates.push(async () => {
      const key = { partition: all.partition, sort: "b" };
      await updateWithToken(other, { key, where: { tk: undefined }, set: { st: "claimed", tk: "other's" } });
      throw lost();
    });
    expect(await claimAll(all)).toEqual([true, false, true]);
    expect(await all.tokens()).toEqual({ ...OF_ALL, b: "other's" });
  });

  it.each([
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "TransactionConflict",
    "InternalServerError",
    "ValidationError",
    "ItemCollectionSizeLimitExceeded",
  ] as const)("one of which is answered with %s, is sent again for that one", async (code) => {
    const all = place();
    await all.create(...SORTS);
    all.fates.push(failing(1, code));
    expect(await claimAll(all)).toEqual([true, true, true]);
    expect(await all.tokens()).toEqual(OF_ALL);
    expect(all.sent.filter((operation) => operation === "UpdateItem").length).toBe(1);
    expect(all.refusals).toEqual([]);
  });

  it("that is throttled as a whole says so to each", async () => {
    const all = place();
    await all.create(...SORTS);
    all.fates.push(async () => Promise.reject(refused("ThrottlingException")));
    await expect(claimAll(all)).rejects.toMatchObject({ name: "ThrottlingException" });
    expect(await all.tokens()).toEqual({ a: undefined, b: undefined, c: undefined });
  });
});

describe("who has no right to PartiQL", () => {
  const expectOneByOne = async (all: Place): Promise<void> => {
    expect(await claimAll(all)).toEqual([true, true, true]);
    expect(await all.tokens()).toEqual(OF_ALL);
    expect(all.refusals).toMatchObject([{ name: expect.stringContaining("AccessDenied") }]);
    all.sent.length = 0;
    await all.create("d", "e");
    expect(all.sent).toEqual(["UpdateItem", "UpdateItem"]);
    expect(all.refusals.length).toBe(1);
  };

  it("writes one by one, and is told once", async () => {
    const all = place();
    await all.create(...SORTS);
    all.fates.push(async () => Promise.reject(refused("AccessDeniedException")));
    await expectOneByOne(all);
  });

  it("likewise when single statements are denied", async () => {
    const all = place();
    await all.create(...SORTS);
    all.fates.push(failing(2, "AccessDenied"));
    await expectOneByOne(all);
  });
});

describe("looks that are asked for at a time", () => {
  const item = { st: "pending", n: 1 };
  const keysOf = (partition: string): ControlKey[] => [...SORTS, "none"].map((sort) => ({ partition, sort }));

  it("are one request", async () => {
    const { create, storage, partition, sent } = place();
    await create(...SORTS);
    sent.length = 0;
    const looks = keysOf(partition).map((key) => storage.find(key));
    expect(await Promise.all(looks)).toEqual([item, item, item, undefined]);
    expect(sent).toEqual(["BatchGetItem"]);
  });

  it.each([
    ["what is left out of it is looked at alone", [["BatchGetItem", "GetItem", "GetItem"], 0]],
    ["who has no right to it looks one by one, and is told once", [["BatchGetItem", ...FOUR_LOOKS], 1]],
  ] as const)("are one request: %s", async (_, [operations, refusals]) => {
    const { partition, create } = place();
    await create(...SORTS);
    const client = connect(DATABASE);
    const sent: string[] = [];
    const told: unknown[] = [];
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const operation = String(context["commandName"]).replace(/Command$/, "");
        sent.push(operation);
        if (operation !== "BatchGetItem") return next(args);
        if (refusals > 0) throw refused("AccessDeniedException");
        const { output, response } = await next(args);
        const Keys = keysOf(partition)
          .slice(1, 3)
          .map(({ sort }) => ({ p: { S: partition }, s: { S: sort } }));
        const UnprocessedKeys = { "batches-schedules": { Keys } };
        return { output: { ...output, UnprocessedKeys } as ServiceOutputTypes, response };
      },
      { step: "initialize", priority: "high", name: "fates" },
    );
    const storage = createDynamoDBScheduleStorage(client, "batches", (error) => told.push(error));
    const found = await storage.findMany(keysOf(partition));
    const values = found.map((result) => (result.status === "fulfilled" ? result.value : result.reason));
    expect(values).toEqual([item, item, item, undefined]);
    expect([sent, told.length]).toEqual([operations, refusals]);
  });
});
