import { meterCapacity, SYSTEM_RUNTIME } from "@tuppence/core";
import { createLeaseGroup, type Lease, LeaseLostError } from "@tuppence/core/leases";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { LEASE_GROUP, slotResource } from "../src/builds/names.ts";
import { createRegistry } from "../src/builds/registry.ts";
import { listRetired, RETIRE_AFTER_MS, retireBuild } from "../src/builds/retire-build.ts";
import { leasesOfBuild, readSlotLeases } from "../src/builds/slot-leases.ts";
import { createProjections } from "../src/projections.ts";
import { createDynamoDBProjectionStorage } from "../src/storage/dynamodb-storage.ts";
import { documents, leaseAt } from "./registered.ts";
import { connect } from "@tuppence/test-support/database";

const client = connect("projectionregistry");
const storage = createDynamoDBProjectionStorage(client, "tuppence");
const { control } = storage;
const registry = createRegistry({ storage: control, runtime: SYSTEM_RUNTIME });
const noLog = (): Promise<number> => Promise.reject(new Error("the log was asked"));

beforeAll(() => createProjections({ client }).ensureTables());

describe("a registration in DynamoDB", () => {
  it("changes hands with its leases: a former owner can do nothing any more", async () => {
    await registry.register(documents({ name: "held" }), noLog);
    const resource = slotResource("held", 1, 0);
    let given: Lease | undefined;
    const group = createLeaseGroup({ client, group: LEASE_GROUP });
    const isOver = new AbortController();
    group.start({
      resources: () => (given === undefined ? [resource] : []),
      run: async (lease) => {
        given = lease;
        await new Promise<void>((resolve) => {
          isOver.signal.addEventListener("abort", () => resolve());
        });
      },
    });
    const lease = await vi.waitFor(() => {
      if (given === undefined) throw new Error("There is no lease yet.");
      return given;
    }, 30_000);
    await lease.commit("10");
    await registry.register(documents({ name: "held", version: 2 }), noLog);
    await leaseAt(control, slotResource("held", 2, 0), { position: "9", epoch: 1 });
    expect(await registry.flip("held", 2)).toBe(false);
    await leaseAt(control, slotResource("held", 2, 0), { position: "10", epoch: 1 });
    const move = lease.fenceUpdate("11");
    expect(await registry.flip("held", 2)).toBe(true);
    expect(await control.transact([move], [])).toEqual({ applied: false, refused: [0] });
    await expect(lease.commit("12")).rejects.toBeInstanceOf(LeaseLostError);
    isOver.abort();
    await group.stop();
    const build = { number: 1, version: 1, slots: 1 };
    const leases = leasesOfBuild(await readSlotLeases(control, "strong"), "held", build);
    expect(leases).toEqual([{ resource, owner: undefined, epoch: 2, position: "10" }]);
  });

  it("has one outcome, whoever changes it at once", async () => {
    const name = "raced";
    const all = [1, 2, 2, 3, 3].map((version) => registry.register(documents({ name, version }), noLog));
    const found = await Promise.all(all);
    const after = await registry.find(name);
    // Version 3 is live at once if it came first; otherwise it is the one that is built.
    expect((after?.next ?? after?.live)?.version).toBe(3);
    expect(found.every(({ revision }) => revision <= (after?.revision ?? 0))).toBe(true);
    const retired = (await listRetired(control)).filter(({ projection }) => projection === name);
    expect(retired.length).toBe((after?.builds ?? 0) - (after?.next === undefined ? 1 : 2));
    const rebuilt = await Promise.all([1, 2, 3, 4].map(() => registry.startRebuild(name)));
    expect(new Set(rebuilt.map(({ next }) => next?.number)).size).toBe(1);
  });

  it("flips once, however many deployers do it at once", async () => {
    const name = "fliprace";
    await registry.register(documents({ name, slots: 2 }), noLog);
    for (const slot of [0, 1]) {
      await leaseAt(control, slotResource(name, 1, slot), { position: "10", epoch: 1 });
    }
    await Promise.all(
      [2, 2].map((version) => registry.register(documents({ name, version, slots: 2 }), noLog)),
    );
    for (const slot of [0, 1]) {
      await leaseAt(control, slotResource(name, 2, slot), { position: "10", epoch: 1 });
    }
    const before = await registry.find(name);
    const deployers = Array.from({ length: 6 }, () =>
      createRegistry({ storage: control, runtime: SYSTEM_RUNTIME }),
    );
    const flipped = await Promise.all(deployers.map((each) => each.flip(name, 2)));
    expect(flipped).toEqual(flipped.map(() => true));
    const after = await registry.find(name);
    expect(after).toMatchObject({ live: { number: 2, version: 2 }, next: undefined, builds: 2 });
    // One change was made, and one build was retired.
    expect(after?.revision).toBe((before?.revision ?? 0) + 1);
    const retired = (await listRetired(control)).filter(({ projection }) => projection === name);
    expect(retired.map(({ number }) => number)).toEqual([1]);
    const leases = leasesOfBuild(await readSlotLeases(control, "strong"), name, {
      number: 1,
      version: 1,
      slots: 2,
    });
    expect(leases.map(({ epoch }) => epoch)).toEqual([2, 2]);
  });

  it("is taken away when its time has come", async () => {
    await registry.register(documents({ name: "gone", slots: 2 }), noLog);
    await registry.reset("gone");
    const retired = (await listRetired(control)).find(({ projection }) => projection === "gone");
    if (retired === undefined) throw new Error("nothing was retired");
    const partition = "gone@1|1";
    const record = { state: "1", position: 1, revision: 1, streams: new Map<string, number>() };
    for (const key of ["a", "b"]) await storage.documents.put({ partition, key, record });
    const runtime = { ...SYSTEM_RUNTIME, now: () => retired.retiredAt.getTime() + RETIRE_AFTER_MS };
    const { signal } = new AbortController();
    expect(await retireBuild(retired, { storage, runtime, definition: undefined, signal })).toBe(true);
    expect(await storage.documents.list(partition, { consistency: "strong" })).toEqual({
      documents: [],
      more: false,
    });
    const leases = await readSlotLeases(control, "strong");
    expect(leases.get("gone@1#1")).toMatchObject({ ttl: expect.any(Number), epoch: 2 });
    expect((await listRetired(control)).filter(({ projection }) => projection === "gone")).toEqual([]);
  });

  it("costs what is said", async () => {
    const meter = meterCapacity(client);
    const costOf = async (work: () => Promise<unknown>): Promise<object> => {
      meter.reset();
      await work();
      return meter.total();
    };
    const definition = documents({ name: "costs", slots: 3 });
    const changed = { requests: 2, readUnits: 1, writeUnits: 2 };
    expect(await costOf(() => registry.register(definition, noLog))).toEqual(changed);
    expect(await costOf(() => registry.register(definition, noLog))).toEqual({
      requests: 1,
      readUnits: 1,
      writeUnits: 0,
    });
    expect(await costOf(() => registry.pause("costs"))).toEqual(changed);
    expect(await costOf(() => registry.startRebuild("costs"))).toEqual(changed);
    expect(await costOf(() => registry.cancelRebuild("costs"))).toEqual({ ...changed, writeUnits: 4 });
    // The registration, the build that was live, its three slots; and the leases are read.
    expect(await costOf(() => registry.reset("costs"))).toEqual({
      requests: 3,
      readUnits: 2,
      writeUnits: 10,
    });
    meter.detach();
  });
});
