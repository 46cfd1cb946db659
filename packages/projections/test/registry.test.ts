import {
  type ControlStorage,
  createLeaseGroup,
  createMemoryControlStorage,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { describe, expect, it, vi } from "vitest";
import { LEASE_GROUP, RETIRED, slotResource } from "../src/builds/names.ts";
import { createRegistry, type Registry } from "../src/builds/registry.ts";
import { leasesOfBuild, readSlotLeases } from "../src/builds/slot-leases.ts";
import { ProjectionBusyError, ProjectionChangedError, ProjectionMissingError } from "../src/errors.ts";
import { documents, handler, leaseAt, reactor, testRuntime } from "./registered.ts";

interface World {
  readonly storage: ControlStorage;
  readonly registry: Registry;
}

function createWorld(): World {
  const storage = createMemoryControlStorage();
  return { storage, registry: createRegistry({ storage, runtime: testRuntime() }) };
}

const noLog = (): Promise<number> => Promise.reject(new Error("the log was asked"));

async function retiredOf({ storage }: World): Promise<readonly string[]> {
  return [...(await storage.list(RETIRED, { consistency: "strong" })).keys()];
}

describe("register", () => {
  it("makes the first build live, from the beginning or from the log's end, once", async () => {
    const { registry } = createWorld();
    const first = await registry.register(documents({ slots: 4 }), noLog);
    expect(first).toEqual({
      name: "doc",
      kind: "document",
      live: { number: 1, version: 1, slots: 4 },
      next: undefined,
      nextRate: undefined,
      paused: false,
      startPosition: 0,
      builds: 1,
      revision: 1,
    });
    expect(await registry.register(documents({ slots: 4 }), noLog)).toEqual(first);
    expect(await registry.find("doc")).toEqual(first);
    const late = await registry.register(reactor({ startFrom: "end" }), async () => 70);
    expect(late).toMatchObject({ kind: "reactor", startPosition: 70 });
    expect(await registry.register(reactor({ startFrom: "end" }), noLog)).toEqual(late);
    expect(await registry.list()).toEqual([first, late]);
  });

  it("builds a newer version beside the live one, and leaves an older one alone", async () => {
    const world = createWorld();
    const { registry } = world;
    await registry.register(documents({ version: 2 }), noLog);
    const older = await registry.register(documents({ version: 1, slots: 9 }), noLog);
    expect(older).toMatchObject({ live: { number: 1, version: 2 }, next: undefined, revision: 1 });
    const third = await registry.register(documents({ version: 3, slots: 2 }), noLog);
    const next = { number: 2, version: 3, slots: 2 };
    expect(third).toMatchObject({ live: { number: 1 }, next, builds: 2, revision: 2 });
    expect(await registry.register(documents({ version: 3, slots: 2 }), noLog)).toEqual(third);
    expect(await registry.register(documents({ version: 2 }), noLog)).toEqual(third);
    expect(await retiredOf(world)).toEqual([]);
    const fifth = await registry.register(documents({ version: 5 }), noLog);
    expect(fifth).toMatchObject({ live: { number: 1 }, next: { number: 3, version: 5 }, builds: 3 });
    expect(await registry.register(documents({ version: 4 }), noLog)).toEqual(fifth);
    expect(await retiredOf(world)).toEqual(["doc@2"]);
  });

  it("lets a reactor go on where it is in a newer version", async () => {
    const { registry } = createWorld();
    await registry.register(reactor({ slots: 2 }), noLog);
    const newer = await registry.register(reactor({ version: 2, slots: 2 }), noLog);
    expect(newer).toMatchObject({ live: { number: 1, version: 2, slots: 2 }, next: undefined, builds: 1 });
    const slots = registry.register(reactor({ version: 3, slots: 3 }), noLog);
    await expect(slots).rejects.toThrow(
      'Projection "reactor" is defined with 3 slots and stored with 2: that takes another name.',
    );
  });

  it("refuses what changed in the same version", async () => {
    const { registry } = createWorld();
    await registry.register(documents(), noLog);
    const slots = registry.register(documents({ slots: 2 }), noLog);
    await expect(slots).rejects.toBeInstanceOf(ProjectionChangedError);
    await expect(slots).rejects.toThrow(
      'Projection "doc" is defined with 2 slots and stored with 1: that takes a new version.',
    );
    await expect(registry.register(handler({ name: "doc" }), noLog)).rejects.toThrow(
      'Projection "doc" is defined as a handler and stored as a document: that takes a new version.',
    );
    await expect(registry.register(reactor({ name: "doc", version: 2 }), noLog)).rejects.toThrow(
      'Projection "doc" is defined as a reactor and stored as a document: that takes another name.',
    );
    const other = await registry.register(handler({ name: "doc", version: 2, slots: 2 }), noLog);
    expect(other).toMatchObject({ kind: "handler", next: { number: 2, version: 2 } });
    await expect(registry.register(handler({ name: "doc", version: 2 }), noLog)).rejects.toThrow("slots");
    // Workers of the live version go on meanwhile.
    expect(await registry.register(documents(), noLog)).toEqual(other);
  });
});

describe("a rebuild", () => {
  it("is of the live version, and goes on when it is asked for again", async () => {
    const world = createWorld();
    const { registry } = world;
    await registry.register(documents({ version: 3, slots: 2 }), noLog);
    const started = await registry.startRebuild("doc", { eventsPerSecond: 100 });
    expect(started).toMatchObject({
      live: { number: 1 },
      next: { number: 2, version: 3, slots: 2 },
      nextRate: 100,
    });
    expect(await registry.startRebuild("doc")).toEqual(started);
    expect(await registry.startRebuild("doc", { eventsPerSecond: 100 })).toEqual(started);
    expect(await registry.startRebuild("doc", { eventsPerSecond: 5 })).toMatchObject({
      next: { number: 2 },
      nextRate: 5,
    });
    expect(await registry.cancelRebuild("doc")).toMatchObject({
      next: undefined,
      nextRate: undefined,
      builds: 2,
    });
    expect(await retiredOf(world)).toEqual(["doc@2"]);
    const { revision } = await registry.cancelRebuild("doc");
    expect(await registry.startRebuild("doc")).toMatchObject({
      next: { number: 3 },
      nextRate: undefined,
      revision: revision + 1,
    });
  });

  it("is refused for a reactor, a rate that is none, and what nobody registered", async () => {
    const { registry } = createWorld();
    await registry.register(reactor(), noLog);
    await expect(registry.startRebuild("reactor")).rejects.toThrow(TypeError);
    await expect(registry.startRebuild("reactor", { eventsPerSecond: 0 })).rejects.toThrow(RangeError);
    for (const change of ["startRebuild", "cancelRebuild", "reset", "pause", "resume"] as const) {
      await expect(registry[change]("doc")).rejects.toBeInstanceOf(ProjectionMissingError);
    }
    await expect(registry.flip("doc", 2)).rejects.toBeInstanceOf(ProjectionMissingError);
  });
});

describe("flip", () => {
  it("waits until the next build is as far, and takes the old one's slots from their owners", async () => {
    const world = createWorld();
    const { storage, registry } = world;
    await registry.register(documents({ slots: 2 }), noLog);
    await registry.register(documents({ version: 2, slots: 3 }), noLog);
    await leaseAt(storage, slotResource("doc", 1, 0), { position: "50", epoch: 4, owner: "w" });
    await leaseAt(storage, slotResource("doc", 1, 1), { position: "90", epoch: 2, owner: "w" });
    expect(await registry.flip("doc", 2)).toBe(false);
    for (const [slot, position] of ["90", "89", "200"].entries()) {
      await leaseAt(storage, slotResource("doc", 2, slot), { position, epoch: 1, owner: "w" });
    }
    expect(await registry.flip("doc", 2)).toBe(false);
    await leaseAt(storage, slotResource("doc", 2, 1), { position: "90", epoch: 1, owner: "w" });
    expect(await registry.flip("doc", 3)).toBe(false);
    expect(await registry.flip("doc", 2)).toBe(true);
    const after = await registry.find("doc");
    expect(after).toMatchObject({ live: { number: 2, version: 2, slots: 3 }, next: undefined });
    expect(await retiredOf(world)).toEqual(["doc@1"]);
    const leases = await readSlotLeases(storage, "strong");
    expect(leasesOfBuild(leases, "doc", { number: 1, version: 1, slots: 2 })).toEqual([
      { resource: "doc@1#0", owner: undefined, epoch: 5, position: "50" },
      { resource: "doc@1#1", owner: undefined, epoch: 3, position: "90" },
    ]);
    expect(leases.get("doc@2#1")).toMatchObject({ owner: "w", epoch: 1 });
    // Asked for again, it is as it is.
    expect(await registry.flip("doc", 2)).toBe(true);
    expect(await registry.find("doc")).toEqual(after);
  });

  it("compares slot by slot where both builds share keys out alike", async () => {
    const { storage, registry } = createWorld();
    await registry.register(documents({ slots: 2 }), noLog);
    await registry.startRebuild("doc");
    const placeAt = async (build: number, positions: readonly string[]): Promise<void> => {
      for (const [slot, position] of positions.entries()) {
        await leaseAt(storage, slotResource("doc", build, slot), { position, epoch: 1, owner: "w" });
      }
    };
    await placeAt(1, ["50", "90"]);
    await placeAt(2, ["90", "50"]);
    expect(await registry.flip("doc", 2)).toBe(false);
    await placeAt(2, ["50", "90"]);
    expect(await registry.flip("doc", 2)).toBe(true);
  });

  it("fences leases that nobody had yet", async () => {
    const { storage, registry } = createWorld();
    await registry.register(documents({ startFrom: "end" }), async () => 30);
    await registry.startRebuild("doc");
    // Nothing is handled, so nothing is missing.
    expect(await registry.flip("doc", 2)).toBe(true);
    const fenced = (await readSlotLeases(storage, "strong")).get("doc@1#0");
    expect(fenced).toEqual({ epoch: 1, beat: 0, durationMs: 0 });
  });

  it("does not happen while the live build gets on", async () => {
    const { storage, registry } = createWorld();
    await registry.register(documents(), noLog);
    await registry.startRebuild("doc");
    const live = slotResource("doc", 1, 0);
    await leaseAt(storage, live, { position: "1", epoch: 1 });
    await leaseAt(storage, slotResource("doc", 2, 0), { position: "5", epoch: 1 });
    let position = 1;
    let moves = 4;
    const moving: ControlStorage = {
      ...storage,
      async transact(...args) {
        if (moves-- > 0) await leaseAt(storage, live, { position: String((position += 2)), epoch: 1 });
        return storage.transact(...args);
      },
    };
    // 3 and 5 are seen in time, and 7 is further than the next build is.
    expect(await createRegistry({ storage: moving, runtime: testRuntime() }).flip("doc", 2)).toBe(false);
    expect(moves).toBe(1);
    await leaseAt(storage, slotResource("doc", 2, 0), { position: "9", epoch: 1 });
    expect(await createRegistry({ storage: moving, runtime: testRuntime() }).flip("doc", 2)).toBe(true);
  });

  it("gives up for now when it never gets in between", async () => {
    const { storage, registry } = createWorld();
    await registry.register(documents(), noLog);
    await registry.startRebuild("doc");
    await leaseAt(storage, slotResource("doc", 2, 0), { position: "5", epoch: 1 });
    const refusing: ControlStorage = { ...storage, transact: async () => ({ applied: false, refused: [1] }) };
    const busy = createRegistry({ storage: refusing, runtime: testRuntime() });
    expect(await busy.flip("doc", 2)).toBe(false);
    await expect(busy.pause("doc")).rejects.toMatchObject({ code: "projectionBusy", mayBeWritten: false });
  });
});

describe("reset", () => {
  it("begins anew at once, and gives up what there was", async () => {
    const world = createWorld();
    const { storage, registry } = world;
    await registry.register(reactor({ slots: 2 }), noLog);
    await leaseAt(storage, slotResource("reactor", 1, 0), { position: "50", epoch: 7, owner: "w" });
    const after = await registry.reset("reactor");
    expect(after).toMatchObject({ live: { number: 2, version: 1, slots: 2 }, builds: 2 });
    const leases = await readSlotLeases(storage, "strong");
    expect(leases.get("reactor@1#0")).toMatchObject({ epoch: 8, position: "50" });
    expect(leases.get("reactor@1#0")).not.toHaveProperty("owner");
    expect(leases.get("reactor@1#1")).toMatchObject({ epoch: 1 });
    await registry.register(documents(), noLog);
    await registry.startRebuild("doc", { eventsPerSecond: 9 });
    const both = await registry.reset("doc");
    expect(both).toMatchObject({ live: { number: 3 }, next: undefined, nextRate: undefined });
    expect(await retiredOf(world)).toEqual(["doc@1", "doc@2", "reactor@1"]);
  });
});

it("pauses and resumes, whatever it was", async () => {
  const { registry } = createWorld();
  await registry.register(documents(), noLog);
  const paused = await registry.pause("doc");
  expect(paused).toMatchObject({ paused: true, revision: 2 });
  expect(await registry.pause("doc")).toEqual(paused);
  expect(await registry.resume("doc")).toMatchObject({ paused: false, revision: 3 });
});

describe("a change whose reply is lost", () => {
  it.each([true, false])("is made once, arrived or not: %j", async (arrives) => {
    const { storage, registry } = createWorld();
    await registry.register(documents(), noLog);
    const { losing, sent } = loseReplies(storage, [arrives]);
    const after = await createRegistry({ storage: losing, runtime: testRuntime() }).reset("doc");
    expect(after).toMatchObject({ live: { number: 2 }, builds: 2, revision: 2 });
    expect(sent()).toBe(arrives ? 1 : 2);
  });

  it("is recognised behind changes of others", async () => {
    const { storage, registry } = createWorld();
    await registry.register(documents(), noLog);
    const { losing } = loseReplies(storage, [true], async () => {
      for (let change = 0; change < 3; change++)
        await registry.pause("doc").then(() => registry.resume("doc"));
    });
    const after = await createRegistry({ storage: losing, runtime: testRuntime() }).reset("doc");
    expect(after).toMatchObject({ builds: 2, revision: 8 });
  });

  it("is an error when that does not end", async () => {
    const { storage, registry } = createWorld();
    await registry.register(documents(), noLog);
    const { losing, sent } = loseReplies(
      storage,
      Array.from({ length: 20 }, () => false),
    );
    const lost = createRegistry({ storage: losing, runtime: testRuntime() }).pause("doc");
    await expect(lost).rejects.toBeInstanceOf(ProjectionBusyError);
    await expect(lost).rejects.toMatchObject({ mayBeWritten: true, projection: "doc", retryable: true });
    expect(sent()).toBe(10);
  });
});

it("finds the leases of a group where that keeps them", async () => {
  const storage = createMemoryControlStorage();
  const group = createLeaseGroup({ storage, group: LEASE_GROUP, workerId: "w" });
  group.start({ resources: () => [slotResource("doc", 1, 0)], run: (lease) => lease.commit("12") });
  const build = { number: 1, version: 1, slots: 2 };
  await vi.waitFor(async () => {
    const leases = leasesOfBuild(await readSlotLeases(storage, "strong"), "doc", build);
    expect(leases).toMatchObject([{ position: "12" }, { epoch: 0, position: undefined }]);
  }, 30_000);
  await group.stop();
});

/** The first transactions fail, one for each element: with it carried out or not. */
function loseReplies(
  storage: ControlStorage,
  fates: readonly boolean[],
  meanwhile: () => Promise<void> = async () => undefined,
): { readonly losing: ControlStorage; readonly sent: () => number } {
  let sent = 0;
  const losing: ControlStorage = {
    ...storage,
    async transact(...args) {
      const arrives = fates[sent++];
      if (arrives === undefined) return storage.transact(...args);
      if (arrives) await storage.transact(...args);
      await meanwhile();
      throw new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
    },
  };
  return { losing, sent: () => sent };
}
