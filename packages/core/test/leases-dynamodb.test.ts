import {
  type DynamoDBClient,
  GetItemCommand,
  TransactWriteItemsCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ensureTable } from "../src/dynamodb/ensure-table.ts";
import { meterCapacity } from "../src/index.ts";
import { createLeaseGroup, controlTable, type Lease, type LeaseGroup } from "../src/leases/index.ts";
import { rendezvousOwner } from "../src/leases/rendezvous.ts";
import { type Fate, injectFaults } from "./faults.ts";
import { ManualTime } from "./manual-time.ts";
import { connect } from "./test-database.ts";

const DATABASE = "leases";
const DURATION_MS = 9_000;

beforeAll(() => createLeaseGroup({ client: connect(DATABASE), group: "any" }).ensureTables());

const untilReleased = (lease: Lease): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of [lease.release, lease.lost]) {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve());
    }
  });

describe("in DynamoDB", () => {
  it("makes the table, with TTL, however many ask; and refuses another TTL", async () => {
    const client = connect("leasetables");
    const groups = Array.from({ length: 4 }, () => createLeaseGroup({ client, group: "g" }));
    await Promise.all(groups.map((group) => group.ensureTables()));
    await groups[0]?.ensureTables();
    await ensureTable(client, controlTable("other"));
    const TimeToLiveSpecification = { Enabled: true, AttributeName: "else" };
    await client.send(new UpdateTimeToLiveCommand({ TableName: "other-control", TimeToLiveSpecification }));
    const other = createLeaseGroup({ client, tablePrefix: "other", group: "g" });
    await expect(other.ensureTables()).rejects.toMatchObject({
      code: "tableMismatch",
      differences: ["its TTL attribute is else and ttl is needed"],
    });
    const nowhere = createLeaseGroup({ client, tablePrefix: "nowhere", group: "g" });
    await expect(nowhere.list()).rejects.toMatchObject({
      code: "tableMissing",
      tableName: "nowhere-control",
    });
  });

  it("takes as many requests as it says", async () => {
    const client = connect(DATABASE);
    const meter = meterCapacity(client);
    const time = new ManualTime();
    const group = createLeaseGroup({
      client,
      group: "counted",
      leaseDurationMs: DURATION_MS,
      runtime: time.runtime,
    });
    const given: Lease[] = [];
    const counts = (): Record<string, number> => {
      const operations: Record<string, number> = {};
      for (const { operation } of meter.calls) operations[operation] = (operations[operation] ?? 0) + 1;
      return operations;
    };
    const expectCalls = async (expected: Record<string, number>): Promise<void> => {
      await vi.waitFor(() => expect(counts()).toEqual(expected), { timeout: 30_000 });
      meter.reset();
    };
    group.start({
      resources: () => ["a", "b", "c"],
      run: (lease) => {
        given.push(lease);
        return untilReleased(lease);
      },
    });
    // The first round: a heartbeat, two queries, and a claim each.
    await expectCalls({ UpdateItem: 4, Query: 2 });
    expect(given.map(({ resource }) => resource).toSorted()).toEqual(["a", "b", "c"]);
    // An idle round: a heartbeat, two queries, and a renewal each.
    for (let round = 0; round < 3; round++) {
      time.advance(DURATION_MS / 3);
      await vi.waitFor(() => expect(meter.calls.length).toBe(6), { timeout: 30_000 });
      expect(meter.total()).toEqual({ requests: 6, readUnits: 1, writeUnits: 4 });
      await expectCalls({ UpdateItem: 4, Query: 2 });
    }
    time.advance(DURATION_MS / 3 - 1);
    await given[0]?.commit("1");
    await expectCalls({ UpdateItem: 1 });
    // The commit was a heartbeat: one renewal less.
    time.advance(1);
    await expectCalls({ UpdateItem: 3, Query: 2 });
    expect(await given[0]?.settle()).toBe("1");
    await expectCalls({ GetItem: 1 });
    await group.list();
    await expectCalls({ Query: 1 });
    await group.stop();
    await expectCalls({ UpdateItem: 3, DeleteItem: 1 });
  });

  it("settles lost replies by sending again", async () => {
    const client = connect(DATABASE);
    const fates: Fate[] = [];
    let updates = 0;
    injectFaults(client, "outside the SDK's retries", (operation) => {
      if (operation !== "UpdateItem") return "pass";
      updates += 1;
      return fates.shift() ?? "pass";
    });
    const group = createLeaseGroup({ client, group: "lossy", leaseDurationMs: 60_000 });
    let lease: Lease | undefined;
    const start = (): void =>
      group.start({
        resources: () => ["r"],
        run: (given) => {
          lease = given;
          return untilReleased(given);
        },
      });
    // The heartbeat passes. The claim is applied, its reply is lost; it is found, and claimed once more.
    fates.push("pass", "lost after");
    start();
    await vi.waitFor(() => expect(lease?.epoch).toBe(2), { timeout: 30_000 });
    expect(updates).toBe(4);
    for (const [fate, sends] of [
      ["lost before", 2],
      ["lost after", 2],
      ["pass", 1],
    ] as const) {
      updates = 0;
      fates.push(fate);
      await lease?.commit(fate);
      expect(updates).toBe(sends);
      expect(await group.list()).toMatchObject([{ epoch: 2, position: fate }]);
    }
    fates.push("throttled");
    await expect(lease?.commit("x")).rejects.toMatchObject({
      name: "ProvisionedThroughputExceededException",
    });
    fates.push("lost after");
    await group.stop();
    expect(await group.list()).toMatchObject([{ owner: undefined, epoch: 2, position: "pass" }]);
  });

  it("moves the position in a transaction of the caller's, once", async () => {
    const client = connect(DATABASE);
    const group = createLeaseGroup({ client, group: "fenced", leaseDurationMs: 60_000 });
    const lease = await new Promise<Lease>((resolve) => {
      group.start({
        resources: () => ["r"],
        run: (given) => {
          resolve(given);
          return untilReleased(given);
        },
      });
    });
    const TableName = "tuppence-control";
    const transact = (name: string, position: string, held: Lease = lease): Promise<unknown> => {
      const Put = { TableName, Item: { p: { S: "VIEW" }, s: { S: name }, at: { S: position } } };
      const TransactItems = [{ Put }, { Update: held.fence(position) }];
      return client.send(new TransactWriteItemsCommand({ TransactItems }));
    };
    await transact("first", "1");
    // It was accepted, but that was not told: the same again is refused, and settling tells why.
    await expect(transact("second", "1")).rejects.toMatchObject({
      name: "TransactionCanceledException",
      CancellationReasons: [{ Code: "None" }, { Code: "ConditionalCheckFailed" }],
    });
    expect(await lease.settle()).toBe("1");
    await transact("third", "2");
    lease.moved("2");
    expect(lease.position).toBe("2");
    await lease.commit("3");
    const late = lease.fence("4");
    await group.stop();
    await expect(
      client.send(new TransactWriteItemsCommand({ TransactItems: [{ Update: late }] })),
    ).rejects.toMatchObject({ name: "TransactionCanceledException" });
    const Key = { p: { S: "VIEW" }, s: { S: "second" } };
    expect((await client.send(new GetItemCommand({ TableName, Key }))).Item).toBeUndefined();
    expect(await group.list()).toMatchObject([{ position: "3" }]);
  });
});

/** A worker with a client of its own, whose requests can be held up. */
function freezableClient(): { readonly client: DynamoDBClient; freeze(): void } {
  const client = connect(DATABASE);
  let isFrozen = false;
  client.middlewareStack.add((next) => (args) => (isFrozen ? new Promise(() => undefined) : next(args)), {
    step: "initialize",
    name: "freeze",
  });
  return { client, freeze: () => (isFrozen = true) };
}

describe("three workers", () => {
  it("share out resources, and take over from one that stops and one that freezes", async () => {
    const resources = Array.from({ length: 12 }, (_, index) => `shard-${index}`);
    /** What each worker works on now: what it has counted once. */
    const working = new Map<string, Set<string>>();
    const join = (client: DynamoDBClient, workerId: string): LeaseGroup => {
      const group = createLeaseGroup({ client, group: "three", workerId, leaseDurationMs: 1_500 });
      const mine = new Set<string>();
      working.set(group.workerId, mine);
      group.start({
        resources: () => resources,
        run: async (lease) => {
          await lease.commit(String(Number(lease.position ?? 0) + 1));
          mine.add(lease.resource);
          await untilReleased(lease);
          mine.delete(lease.resource);
        },
      });
      return group;
    };
    const sharedOut = (...groups: readonly LeaseGroup[]): Promise<void> =>
      vi.waitFor(
        async () => {
          const members = groups.map(({ workerId }) => workerId);
          const states = await groups[0]?.list();
          expect(states?.map(({ owner }) => owner)).toEqual(
            states?.map(({ resource }) => rendezvousOwner(resource, members)),
          );
          for (const { resource, owner = "" } of states ?? []) {
            expect([...(working.get(owner) ?? [])]).toContain(resource);
          }
          expect(states?.length).toBe(resources.length);
        },
        { timeout: 40_000, interval: 100 },
      );
    const frozen = freezableClient();
    const [one, two, three] = [
      join(connect(DATABASE), "one"),
      join(connect(DATABASE), "two"),
      join(frozen.client, "three"),
    ];
    await sharedOut(one, two, three);
    await two.stop();
    expect(working.get(two.workerId)?.size).toBe(0);
    await sharedOut(one, three);
    const before = await one.list();
    frozen.freeze();
    await sharedOut(one);
    // It knows by its own clock that it has lost them.
    await vi.waitFor(() => expect(working.get(three.workerId)?.size).toBe(0), { timeout: 30_000 });
    const after = new Map((await one.list()).map((state) => [state.resource, state]));
    const taken = before.filter(({ owner }) => owner === three.workerId);
    expect(taken).not.toEqual([]);
    for (const { resource, epoch, position } of taken) {
      const state = after.get(resource);
      expect(state?.epoch).toBeGreaterThan(epoch);
      expect(Number(state?.position)).toBeGreaterThan(Number(position));
    }
    await one.stop();
  });
});
