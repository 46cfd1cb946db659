import type { Runtime } from "@tuppence/core";
import { beforeEach, describe, expect, it } from "vitest";
import { documentsOf, LEASE_GROUP, parkedOf, reportsOf, slotResource } from "../src/builds/names.ts";
import { createRegistry } from "../src/builds/registry.ts";
import { listRetired, RETIRE_AFTER_MS, retireBuild } from "../src/builds/retire-build.ts";
import type { RetiredBuild } from "../src/builds/retired-build.ts";
import type { BuildContext, Projection } from "../src/definition/projection.ts";
import { parkUpdate } from "../src/run/parked-event.ts";
import { reportUpdate } from "../src/run/slot-report.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";
import { documents, handler, leaseAt, testRuntime } from "./registered.ts";

const SLOTS = 2;
const NOW = 1_700_000_000_000;
const later = testRuntime(NOW + RETIRE_AFTER_MS);
const { signal } = new AbortController();

let storage: ProjectionStorage;

beforeEach(async () => {
  storage = createMemoryProjectionStorage();
});

/** A projection whose first build was retired, with much in it; and the second, with the same. */
async function retireFirst(definition: Projection): Promise<RetiredBuild> {
  const registry = createRegistry({ storage: storage.control, runtime: testRuntime(NOW) });
  await registry.register(definition, async () => 0);
  await registry.reset(definition.name);
  for (const build of [1, 2]) {
    for (let slot = 0; slot < SLOTS; slot++) await fillSlot({ projection: definition.name, build, slot });
  }
  const [retired] = await listRetired(storage.control);
  if (retired === undefined) throw new Error("nothing was retired");
  return retired;
}

async function fillSlot(ref: { projection: string; build: number; slot: number }): Promise<void> {
  const { projection, build, slot } = ref;
  const { control } = storage;
  await leaseAt(control, slotResource(projection, build, slot), { position: "9", epoch: 3, owner: "w" });
  const report = { rate: 1, error: undefined, errorPosition: undefined, reportedAt: new Date(NOW) };
  await control.update(reportUpdate(ref, { state: "running", ...report }));
  const of = {
    streamId: "a|1",
    version: 1,
    type: "A",
    error: undefined,
    attempts: 1,
    replay: undefined,
  } as const;
  for (let position = 1; position <= 30; position++) {
    await control.update(parkUpdate(ref, { ...of, position, reason: "failed", parkedAt: new Date(NOW) }));
  }
  const partition = documentsOf(projection, build, slot);
  for (let number = 0; number < 1_060; number++) {
    const record = { state: "1", position: 1, revision: 1, streams: new Map<string, number>() };
    await storage.documents.put({ partition, key: `k${number}`, record });
  }
}

/** How many things a build has. */
async function countOf(projection: string, build: number): Promise<number> {
  const { control } = storage;
  let count = (await control.list(reportsOf(projection, build), { consistency: "strong" })).size;
  for (let slot = 0; slot < SLOTS; slot++) {
    count += (await control.list(parkedOf(projection, build, slot), { consistency: "strong" })).size;
    const partition = documentsOf(projection, build, slot);
    const page = await storage.documents.list(partition, { limit: 5_000, consistency: "strong" });
    count += page.documents.length;
  }
  return count;
}

const FULL = SLOTS * (1 + 30 + 1_060);

const leases = () => storage.control.list(`LEASE|${LEASE_GROUP}`, { consistency: "strong" });

describe("a retired build", () => {
  it("is taken away with all it has, and nothing else is", async () => {
    const definition = documents({ slots: SLOTS });
    const retired = await retireFirst(definition);
    expect(retired).toEqual({
      projection: "doc",
      kind: "document",
      number: 1,
      version: 1,
      slots: 2,
      retiredAt: new Date(NOW),
    });
    expect([await countOf("doc", 1), await countOf("doc", 2)]).toEqual([FULL, FULL]);
    expect(await retireBuild(retired, { storage, runtime: later, definition: undefined, signal })).toBe(true);
    expect([await countOf("doc", 1), await countOf("doc", 2)]).toEqual([0, FULL]);
    expect(await listRetired(storage.control)).toEqual([]);
    const ttl = Math.floor(later.now() / 1000) + 7 * 24 * 3_600;
    const found = await leases();
    const stays = { beat: 1, durationMs: 1_000, position: "9" };
    expect(found.get("doc@1#1")).toEqual({ ...stays, epoch: 4, ttl });
    expect(found.get("doc@2#1")).toEqual({ ...stays, epoch: 3, owner: "w" });
  });

  it("is kept for those who read it still", async () => {
    const retired = await retireFirst(documents({ slots: SLOTS }));
    const early: Runtime = testRuntime(NOW + RETIRE_AFTER_MS - 1);
    expect(await retireBuild(retired, { storage, runtime: early, definition: undefined, signal })).toBe(
      false,
    );
    expect(await countOf("doc", 1)).toBe(FULL);
    expect(await listRetired(storage.control)).toHaveLength(1);
  });

  it("of a handler is left to those who have it, and told to it", async () => {
    const told: BuildContext[] = [];
    const definition = handler({ slots: SLOTS, retire: (build) => void told.push(build) });
    const retired = await retireFirst(definition);
    expect(await retireBuild(retired, { storage, runtime: later, definition: undefined, signal })).toBe(
      false,
    );
    expect(await countOf("handler", 1)).toBe(FULL);
    expect(await retireBuild(retired, { storage, runtime: later, definition, signal })).toBe(true);
    expect(told).toEqual([{ name: "handler", version: 1, build: 1, signal }]);
    expect(await countOf("handler", 1)).toBe(0);
  });

  it("waits when somebody takes its slots again and again", async () => {
    const retired = await retireFirst(documents({ slots: SLOTS }));
    const claiming: ProjectionStorage = {
      ...storage,
      control: {
        ...storage.control,
        async update(update) {
          if (update.key.sort === "doc@1#0") {
            const epoch = Number((await storage.control.find(update.key))?.["epoch"]) + 1;
            await leaseAt(storage.control, "doc@1#0", { epoch, owner: "z" });
          }
          return storage.control.update(update);
        },
      },
    };
    const context = { runtime: later, definition: undefined, signal };
    expect(await retireBuild(retired, { storage: claiming, ...context })).toBe(false);
    expect(await countOf("doc", 1)).toBe(FULL);
    expect(await retireBuild(retired, { storage, ...context })).toBe(true);
  });

  it("is taken away wherever that was interrupted", async () => {
    const retires: number[] = [];
    const definition = handler({ slots: SLOTS, retire: ({ build }) => void retires.push(build) });
    const retired = await retireFirst(definition);
    const forgotten: number[] = [];
    let interrupted = 0;
    for (let last = 0; ; last += 9) {
      let calls = 0;
      const breaking = interruptAfter(last, () => ++calls);
      const done = retireBuild(retired, { storage: breaking, runtime: later, definition, signal });
      const error: unknown = await done.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) break;
      if (!(error instanceof Interruption)) throw error;
      interrupted++;
      const isKnown = (await listRetired(storage.control)).length === 1;
      if (!isKnown && (await countOf("handler", 1)) > 0) forgotten.push(last);
    }
    expect(forgotten).toEqual([]);
    expect(interrupted).toBeGreaterThan(5);
    expect(new Set(retires)).toEqual(new Set([1]));
    expect([await countOf("handler", 1), await countOf("handler", 2)]).toEqual([0, FULL]);
    expect(await listRetired(storage.control)).toEqual([]);
  });
});

class Interruption extends Error {}

/** A storage on which calls fail after so many of them, carried out or not. */
function interruptAfter(last: number, count: () => number): ProjectionStorage {
  const breaking = <Parts extends object>(parts: Parts): Parts =>
    new Proxy(parts, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          const call = count();
          if (call > last && call % 2 === 0) throw new Interruption();
          const result = (await Reflect.apply(member, target, args)) as unknown;
          if (call > last) throw new Interruption();
          return result;
        };
      },
    });
  return { ...storage, control: breaking(storage.control), documents: breaking(storage.documents) };
}
