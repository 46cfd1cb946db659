import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import { UncertainWriteError } from "@tuppence/core/leases";
import { beforeEach, describe, expect, it } from "vitest";
import { parkedOf, slotResource } from "../src/builds/names.ts";
import { createRegistry } from "../src/builds/registry.ts";
import { ProjectionBusyError, ProjectionMissingError } from "../src/errors.ts";
import { createProjections, type Projections } from "../src/projections.ts";
import { type ParkedEvent, parkUpdate, type SlotRef } from "../src/run/parked-event.ts";
import { reportUpdate, type SlotReport } from "../src/run/slot-report.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";
import { documents, leaseAt, reactor, testRuntime } from "./registered.ts";

const NOW = 1_700_000_000_000;

let storage: ProjectionStorage;
let store: ReturnType<typeof createMemoryEventStore>;
let projections: Projections;

beforeEach(() => {
  storage = createMemoryProjectionStorage();
  store = createMemoryEventStore({ runtime: { now: () => NOW - 60_000 } });
  projections = createProjections({ storage, store, runtime: testRuntime(NOW) });
});

const registered = () => createRegistry({ storage: storage.control, runtime: testRuntime(NOW) });

async function appendEvents(count: number): Promise<void> {
  for (let number = 1; number <= count; number++) await store.append("a|1", [{ type: "A", data: number }]);
}

async function park(
  slot: Omit<SlotRef, "projection">,
  position: number,
  event: Partial<ParkedEvent> = {},
): Promise<void> {
  const parked: ParkedEvent = {
    position,
    streamId: "a|1",
    version: position,
    type: "A",
    reason: "failed",
    error: "no",
    attempts: 5,
    parkedAt: new Date(NOW - 1_000),
    replay: undefined,
    ...event,
  };
  await storage.control.update(parkUpdate({ projection: "doc", ...slot }, parked));
}

async function report(slot: number, told: Partial<SlotReport>): Promise<void> {
  const reported: SlotReport = {
    state: "running",
    rate: 12.5,
    error: undefined,
    errorPosition: undefined,
    reportedAt: new Date(NOW - 5_000),
    ...told,
  };
  await storage.control.update(reportUpdate({ projection: "doc", build: 1, slot }, reported));
}

describe("status", () => {
  it("of a projection that nobody has begun, and of one that begins at the end of the log", async () => {
    await registered().register(documents({ slots: 2 }), async () => 0);
    const live = { number: 1, version: 1, position: 0, lagEvents: 0, lagMs: 0, parked: 0 };
    const slot = { state: "waiting", position: 0, lagEvents: 0, rate: 0, parked: 0 };
    expect(await projections.status("doc")).toMatchObject([
      {
        name: "doc",
        kind: "document",
        paused: false,
        logEnd: 0,
        live: {
          ...live,
          progress: 1,
          slots: [
            { slot: 0, ...slot },
            { slot: 1, ...slot },
          ],
        },
        next: undefined,
      },
    ]);
    await appendEvents(4);
    await registered().register(reactor({ startFrom: "end" }), async () => 4);
    expect(await projections.status()).toMatchObject([
      { name: "doc", live: { progress: 0, lagEvents: 4, lagMs: 60_000 } },
      { name: "reactor", live: { position: 4, progress: 1, lagEvents: 0, lagMs: 0 } },
    ]);
  });

  it("tells of each slot how far it is, how fast, whose, and what is wrong", async () => {
    await appendEvents(20);
    const registry = registered();
    await registry.register(documents({ slots: 3 }), async () => 0);
    await registry.startRebuild("doc", { eventsPerSecond: 50 });
    const { control } = storage;
    await leaseAt(control, slotResource("doc", 1, 0), { position: "20", epoch: 1, owner: "one" });
    await leaseAt(control, slotResource("doc", 1, 1), { position: "15", epoch: 1, owner: "two" });
    await leaseAt(control, slotResource("doc", 2, 0), { position: "9", epoch: 1, owner: "two" });
    await leaseAt(control, slotResource("doc", 2, 1), { position: "5", epoch: 1, owner: "two" });
    await leaseAt(control, slotResource("doc", 2, 2), { position: "20", epoch: 1, owner: "two" });
    await report(0, { reportedAt: new Date(NOW - 40_000) });
    await report(1, { state: "halted", error: "Error: no", errorPosition: 16 });
    for (const position of [3, 4]) await park({ build: 1, slot: 1 }, position);
    const [status] = await projections.status("doc");
    expect(status?.live).toEqual({
      number: 1,
      version: 1,
      position: 0,
      progress: 0,
      lagEvents: 20,
      lagMs: 60_000,
      parked: 2,
      slots: [
        {
          slot: 0,
          state: "running",
          position: 20,
          lagEvents: 0,
          owner: "one",
          rate: 0,
          error: undefined,
          errorPosition: undefined,
          parked: 0,
        },
        {
          slot: 1,
          state: "halted",
          position: 15,
          lagEvents: 5,
          owner: "two",
          rate: 12.5,
          error: "Error: no",
          errorPosition: 16,
          parked: 2,
        },
        {
          slot: 2,
          state: "waiting",
          position: 0,
          lagEvents: 20,
          owner: undefined,
          rate: 0,
          error: undefined,
          errorPosition: undefined,
          parked: 0,
        },
      ],
    });
    expect(status).toMatchObject({
      logEnd: 20,
      nextRate: 50,
      next: { number: 2, position: 5, progress: 0.25 },
    });
  });

  it("of a slot that stands still says so while nobody has it, until it is past the event", async () => {
    await appendEvents(20);
    await registered().register(documents(), async () => 0);
    await report(0, { state: "halted", error: "Error: no", errorPosition: 16 });
    const at = async (position: string, owner: { readonly owner?: string } = {}): Promise<unknown> => {
      await leaseAt(storage.control, slotResource("doc", 1, 0), { position, epoch: 1, ...owner });
      return (await projections.status("doc"))[0]?.live.slots[0];
    };
    const halted = { state: "halted", error: "Error: no", errorPosition: 16 };
    const over = { error: undefined, errorPosition: undefined };
    expect(await at("15")).toMatchObject({ owner: undefined, ...halted });
    expect(await at("16")).toMatchObject({ state: "waiting", ...over });
    expect(await at("15", { owner: "one" })).toMatchObject({ owner: "one", ...halted });
    expect(await at("16", { owner: "one" })).toMatchObject({ state: "running", ...over });
  });

  it("does without what it has no key for", async () => {
    const memory = createMemoryStorage();
    const writer = createMemoryEventStore({ storage: memory });
    await writer.append("a|1", [{ type: "A", data: 1 }]);
    await writer.append("a|1", [{ type: "A", data: 2 }]);
    await registered().register(documents(), async () => 0);
    // This one knows no event of the name.
    const reader = createMemoryEventStore({ storage: memory, events: {} });
    const [status] = await createProjections({ storage, store: reader }).status("doc");
    expect(status).toMatchObject({ logEnd: 2, live: { lagEvents: 2, lagMs: undefined } });
  });
});

it("changes registrations, and tells what came of it", async () => {
  await registered().register(documents(), async () => 0);
  const summary = {
    name: "doc",
    kind: "document",
    live: { number: 1, version: 1, slots: 1 },
    next: undefined,
    nextRate: undefined,
    paused: false,
    startPosition: 0,
  };
  expect(await projections.list()).toEqual([summary]);
  expect(await projections.pause("doc")).toEqual({ ...summary, paused: true });
  expect(await projections.status()).toMatchObject([
    { paused: true, live: { slots: [{ state: "paused" }] } },
  ]);
  expect(await projections.resume("doc")).toEqual(summary);
  const next = { number: 2, version: 1, slots: 1 };
  expect(await projections.rebuild("doc", { eventsPerSecond: 5 })).toEqual({ ...summary, next, nextRate: 5 });
  expect(await projections.cancelRebuild("doc")).toEqual(summary);
  expect(await projections.reset("doc")).toEqual({ ...summary, live: { ...next, number: 3 } });
});

it("refuses a name that nobody has run", async () => {
  const parked = projections.parked("doc")[Symbol.asyncIterator]();
  const asked = [
    projections.status("doc"),
    projections.pause("doc"),
    projections.rebuild("doc"),
    projections.reset("doc"),
    projections.replay("doc"),
    parked.next(),
  ];
  for (const outcome of await Promise.allSettled(asked)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(ProjectionMissingError) });
  }
  expect(await projections.list()).toEqual([]);
  expect(await projections.status()).toEqual([]);
});

describe("parked events", () => {
  beforeEach(async () => {
    const registry = registered();
    await registry.register(documents({ slots: 2 }), async () => 0);
    await registry.startRebuild("doc");
    await park({ build: 1, slot: 1 }, 7);
    await park({ build: 1, slot: 1 }, 12, { reason: "behind", error: undefined, attempts: 0 });
    await park({ build: 1, slot: 1 }, 100, { streamId: "b|1" });
    await park({ build: 2, slot: 0 }, 9, { streamId: "b|1" });
    await park({ build: 3, slot: 0 }, 9);
  });

  async function listed(options?: Parameters<Projections["parked"]>[1]): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const { build, slot, position, replay } of projections.parked("doc", options)) {
      found.push(`${build}/${slot}/${position}${replay === undefined ? "" : ` ${replay}`}`);
    }
    return found;
  }

  it("are listed for the builds in use", async () => {
    expect(await listed()).toEqual(["1/1/7", "1/1/12", "1/1/100", "2/0/9"]);
    expect(await listed({ streamId: "b|1" })).toEqual(["1/1/100", "2/0/9"]);
    expect(await listed({ limit: 2 })).toEqual(["1/1/7", "1/1/12"]);
    await expect(listed({ limit: 0 })).rejects.toThrow(RangeError);
  });

  it("are asked for by the first one of each stream, and once", async () => {
    expect(await projections.replay("doc", { streamId: "a|1" })).toBe(2);
    expect(await listed()).toEqual(["1/1/7 apply", "1/1/12", "1/1/100", "2/0/9"]);
    expect(await projections.replay("doc")).toBe(4);
    const all = ["1/1/7 apply", "1/1/12", "1/1/100 apply", "2/0/9 apply"];
    expect(await listed()).toEqual(all);
    expect(await projections.replay("doc")).toBe(4);
    expect(await listed()).toEqual(all);
    expect(await projections.replay("doc", { streamId: "none" })).toBe(0);
  });

  it("are left out only if they failed", async () => {
    expect(await projections.replay("doc", { streamId: "a|1", skip: true })).toBe(2);
    expect(await listed({ streamId: "a|1" })).toEqual(["1/1/7 skip", "1/1/12"]);
    await storage.control.delete({ partition: parkedOf("doc", 1, 1), sort: "7".padStart(16, "0") });
    expect(await projections.replay("doc", { streamId: "a|1", skip: true })).toBe(1);
    expect(await listed({ streamId: "a|1" })).toEqual(["1/1/12 apply"]);
  });

  it("are not made up when they were handled meanwhile, and asked for again when a reply is lost", async () => {
    const { control } = storage;
    let sends = 0;
    let isGone = false;
    const faulty: ProjectionStorage = {
      ...storage,
      control: {
        ...control,
        async update(update) {
          if (isGone) await control.delete(update.key);
          if (++sends % 2 === 1) {
            throw new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
          }
          return control.update(update);
        },
      },
    };
    const asking = createProjections({ storage: faulty, store, runtime: testRuntime(NOW) });
    expect(await asking.replay("doc", { streamId: "b|1" })).toBe(2);
    expect(sends).toBe(4);
    isGone = true;
    expect(await asking.replay("doc", { streamId: "a|1" })).toBe(0);
    expect(await listed({ streamId: "a|1" })).toEqual(["1/1/12"]);
  });

  it("are a busy error when no reply comes", async () => {
    const update = async (): Promise<never> => {
      throw new UncertainWriteError({ mayBeWritten: true, cause: new Error("the reply was lost") });
    };
    const silent = { ...storage, control: { ...storage.control, update } };
    const asking = createProjections({ storage: silent, store, runtime: testRuntime(NOW) });
    await expect(asking.replay("doc")).rejects.toBeInstanceOf(ProjectionBusyError);
  });
});
