import { SYSTEM_RUNTIME, type Runtime } from "@tuppence/core";
import {
  type ControlChange,
  type ControlItem,
  type ControlStorage,
  createMemoryControlStorage,
  UncertainWriteError,
} from "@tuppence/core/leases";
import { buildName, LEASE_GROUP, REGISTRATIONS, RETIRED, slotResource } from "../src/builds/names.ts";
import { readRegistration, type Registration } from "../src/builds/registration.ts";
import { createRegistry, type Registry } from "../src/builds/registry.ts";
import { listRetired, RETIRE_AFTER_MS, retireBuild } from "../src/builds/retire-build.ts";
import { buildPosition, leasesOfBuild, readSlotLeases } from "../src/builds/slot-leases.ts";
import { ProjectionBusyError, ProjectionMissingError } from "../src/errors.ts";
import { createMemoryProjectionStorage } from "../src/storage/memory-storage.ts";
import { documents } from "./registered.ts";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { Turns } from "@tuppence/test-support/turns";

/**
 * Histories of deployers, operators, workers and zombies that change one projection at the same time, each replayable from its
 * seed: calls go on in any order, and replies are lost, of changes that were made, were not, or are made later.
 */

/** What is sent in the place of a transaction's change, to see that the checks notice; undefined: nothing. */
export type Sabotage = (change: ControlChange) => ControlChange | undefined;

class Crash extends Error {}

/** The projection's version decides on its slots. */
const definitionOf = (version: number) => documents({ version, slots: version });

const LEASES = `LEASE|${LEASE_GROUP}`;

/** The writes of one call. */
interface Call {
  /** How many of its changes of the registration were made. */
  changes: number;
}

class Model {
  readonly memory: ControlStorage = createMemoryControlStorage();
  readonly random: () => number;
  readonly turns: Turns;
  readonly runtime: Runtime;
  readonly problems: string[] = [];
  readonly everLive = new Set<number>();
  /** Builds of which nothing is left. */
  readonly takenAway = new Set<number>();
  readonly #givenUp = new Set<number>();
  /** The last epoch of each lease whose build stopped being live. */
  readonly #lastEpochs = new Map<string, number>();
  readonly #sabotage: Sabotage;
  /** How often what happened. */
  readonly counts: Record<"flips" | "resets" | "zombies" | "retired", number> = {
    flips: 0,
    resets: 0,
    zombies: 0,
    retired: 0,
  };

  constructor(seed: number, sabotage: Sabotage) {
    this.random = seededRandom(seed);
    this.turns = new Turns(this.random);
    this.#sabotage = sabotage;
    const { random, turns } = this;
    this.runtime = { ...SYSTEM_RUNTIME, random, now: () => 0, sleep: () => turns.next() };
  }

  async registration(): Promise<Registration | undefined> {
    const item = await this.memory.find({ partition: REGISTRATIONS, sort: "doc" });
    return item && readRegistration("doc", item);
  }

  /** The storage as one call has it. */
  storageFor(call: Call): ControlStorage {
    const { memory } = this;
    const write = <Result>(apply: () => Promise<Result>): Promise<Result> => this.#write(apply);
    return {
      ...memory,
      update: (update) => write(() => this.#update(update)),
      transact: (changes) => write(() => this.#transact(changes, call)),
      delete: (key) =>
        write(async () => {
          const build = key.partition === RETIRED ? (await memory.find(key))?.["build"] : undefined;
          await memory.delete(key);
          if (build !== undefined) this.takenAway.add(Number(build));
        }),
      find: async (key) => {
        await this.turns.next();
        return memory.find(key);
      },
      list: async (partition, options) => {
        await this.turns.next();
        return memory.list(partition, options);
      },
    };
  }

  async #write<Result>(apply: () => Promise<Result>): Promise<Result> {
    const { random, turns } = this;
    const uncertain = (mayBeWritten: boolean): UncertainWriteError =>
      new UncertainWriteError({ mayBeWritten, cause: new Error("the reply was lost") });
    await turns.next();
    const fate = random();
    if (fate < 0.03) throw new Crash();
    if (fate < 0.08) throw uncertain(true);
    if (fate < 0.12) throw uncertain(false);
    if (fate < 0.2) {
      const late = async (): Promise<void> => {
        for (let turn = random() * 12; turn > 0; turn--) await turns.next();
        await apply();
      };
      void late();
      throw uncertain(true);
    }
    const result = await apply();
    if (fate < 0.3) throw uncertain(true);
    if (fate < 0.33) throw new Crash();
    await turns.next();
    return result;
  }

  async #update(update: Parameters<ControlStorage["update"]>[0]): ReturnType<ControlStorage["update"]> {
    const outcome = await this.memory.update(update);
    const { key, where, set } = update;
    if (key.partition === LEASES && set["position"] !== undefined) {
      const lastEpoch = this.#lastEpochs.get(key.sort) ?? -1;
      if (Number(where["epoch"]) <= lastEpoch) {
        this.counts.zombies++;
        if (outcome.applied) this.problems.push(`a former owner of ${key.sort} moved its position`);
      }
    }
    return outcome;
  }

  async #transact(changes: readonly ControlChange[], call: Call): ReturnType<ControlStorage["transact"]> {
    const before = await this.registration();
    const leases = await readSlotLeases(this.memory, "strong");
    const sent = changes.map(this.#sabotage).filter((change) => change !== undefined);
    const outcome = await this.memory.transact(sent, []);
    const after = await this.registration();
    if (!outcome.applied || after === undefined) return outcome;
    call.changes++;
    this.problems.push(...checkStep(before, after));
    if (call.changes > 1) this.problems.push(`one call made ${call.changes} changes`);
    this.everLive.add(after.live.number);
    if (before && before.live.number !== after.live.number) this.#sawLiveEnd(before, after, leases);
    for (const build of [before?.live, before?.next]) {
      if (build && ![after.live.number, after.next?.number].includes(build.number)) {
        this.#givenUp.add(build.number);
      }
    }
    for (const build of [after.live, after.next]) {
      if (build && this.#givenUp.has(build.number)) this.problems.push(`build ${build.number} came back`);
    }
    await this.#checkRetired(after);
    return outcome;
  }

  #sawLiveEnd(before: Registration, after: Registration, leases: ReadonlyMap<string, ControlItem>): void {
    const old = leasesOfBuild(leases, "doc", before.live);
    for (const { resource, epoch } of old) this.#lastEpochs.set(resource, epoch);
    if (before.next?.number !== after.live.number) return void this.counts.resets++;
    this.counts.flips++;
    const from = buildPosition(old, before);
    const to = buildPosition(leasesOfBuild(leases, "doc", after.live), after);
    if (to < from) this.problems.push(`a flip led from position ${from} back to ${to}`);
  }

  /** Each build is live, next, waiting to be taken away, or taken away. */
  async #checkRetired({ builds, live, next }: Registration): Promise<void> {
    const waiting = await this.memory.list(RETIRED, { consistency: "strong" });
    for (let build = 1; build <= builds; build++) {
      const isRetired = waiting.has(buildName("doc", build)) || this.takenAway.has(build);
      const isUsed = build === live.number || build === next?.number;
      if (isRetired === isUsed)
        this.problems.push(`build ${build} is ${isUsed ? "used and retired" : "lost"}`);
    }
  }
}

function checkStep(before: Registration | undefined, after: Registration): readonly string[] {
  if (before === undefined) return after.revision === 1 ? [] : ["it began with another revision"];
  const problems: string[] = [];
  if (after.revision !== before.revision + 1) {
    problems.push(`revision ${after.revision} came after ${before.revision}`);
  }
  if (after.builds < before.builds) problems.push("builds went back");
  if (after.live.number < before.live.number) problems.push("the live build went back");
  if (after.live.version < before.live.version) problems.push("the live version went back");
  for (const build of [after.live, after.next]) {
    if (build === undefined) continue;
    if (build.number > after.builds) problems.push(`build ${build.number} was never begun`);
    if (build.slots !== build.version) problems.push(`build ${build.number} has other slots`);
  }
  if (after.next && after.next.number <= after.live.number) problems.push("next is no later than live");
  return problems;
}

/** One thing that a deployer or operator does. */
async function operate(model: Model): Promise<void> {
  const { random, runtime, problems } = model;
  const call: Call = { changes: 0 };
  const registry = createRegistry({ storage: model.storageFor(call), runtime });
  const kind = random();
  if (kind < 0.2) {
    const version = 1 + Math.floor(random() * 3);
    const { live, next } = await registry.register(definitionOf(version), async () => 0);
    // When the reply to the own change was lost, others may have given it up meanwhile.
    const isKnown = Math.max(live.version, next?.version ?? 0) >= version;
    if (!isKnown && call.changes === 0) problems.push(`version ${version} is not known`);
  } else if (kind < 0.35) {
    const { next } = await registry.startRebuild("doc", { eventsPerSecond: random() < 0.5 ? undefined : 10 });
    // As above.
    if (next === undefined && call.changes === 0) problems.push("no rebuild was started");
  } else if (kind < 0.42) await registry.cancelRebuild("doc");
  else if (kind < 0.72) await flipNext(model, registry);
  else if (kind < 0.8) {
    const { live } = await registry.reset("doc");
    if (call.changes !== 1) problems.push(`a reset that is done made ${call.changes} changes`);
    if (!model.everLive.has(live.number)) problems.push("a reset that is done was never live");
  } else if (kind < 0.85) await (random() < 0.5 ? registry.pause("doc") : registry.resume("doc"));
  else await retireOne(model);
}

async function flipNext(model: Model, registry: Registry): Promise<void> {
  const seen = await registry.find("doc");
  const number = seen?.next?.number ?? 2;
  const isLive = await registry.flip("doc", number);
  if (isLive && !model.everLive.has(number)) model.problems.push(`build ${number} was never live`);
}

async function retireOne(model: Model): Promise<void> {
  const control = model.storageFor({ changes: 0 });
  const [retired] = await listRetired(control);
  if (retired === undefined) return;
  const storage = createMemoryProjectionStorage(control);
  const runtime = { ...model.runtime, now: () => RETIRE_AFTER_MS };
  const { signal } = new AbortController();
  await retireBuild(retired, { storage, runtime, definition: undefined, signal });
  model.counts.retired++;
}

/** Takes a slot of a build that it thinks is needed, and gets on with it for a while, whoever has it meanwhile. */
async function work(model: Model, worker: string): Promise<void> {
  const { random, runtime } = model;
  const storage = model.storageFor({ changes: 0 });
  const seen = await createRegistry({ storage, runtime }).find("doc");
  if (seen === undefined) return;
  const build = random() < 0.3 ? seen.live : (seen.next ?? seen.live);
  const sort = slotResource("doc", build.number, Math.floor(random() * build.slots));
  const key = { partition: LEASES, sort };
  const found = await storage.find(key);
  const epoch = Number(found?.["epoch"] ?? 0) + 1;
  const where = { epoch: found?.["epoch"], owner: found?.["owner"] };
  const claimed = await storage.update({ key, where, set: { epoch, owner: worker, beat: 1, durationMs: 1 } });
  if (!claimed.applied) return;
  let position = found?.["position"];
  for (let batch = random() * 5; batch > 0; batch--) {
    const next = String(Number(position ?? 0) + 1 + Math.floor(random() * 6));
    const move = { key, where: { epoch, owner: worker, position }, set: { position: next } };
    // A lost reply is as good as a lost lease here.
    const { applied } = await storage.update(move);
    if (!applied) return;
    position = next;
  }
}

/** What may happen to anybody. */
function isExpected(error: unknown): boolean {
  return [Crash, UncertainWriteError, ProjectionBusyError, ProjectionMissingError].some(
    (expected) => error instanceof expected,
  );
}

export interface RegistryHistory {
  readonly problems: readonly string[];
  readonly counts: Model["counts"];
}

/** Runs one history, and then looks whether everything comes to a good end in peace. */
export async function runRegistryHistory(
  seed: number,
  sabotage: Sabotage = (change) => change,
): Promise<RegistryHistory> {
  const model = new Model(seed, sabotage);
  const processes = Array.from({ length: 6 }, async (_, index) => {
    for (let step = 0; step < 8; step++) {
      try {
        await (index < 3 ? operate(model) : work(model, `w${index}.${step}`));
      } catch (error) {
        if (!isExpected(error)) model.problems.push(String(error));
      }
    }
  });
  await model.turns.runUntil(Promise.all(processes));
  await endInPeace(model);
  return { problems: model.problems.map((problem) => `seed ${seed}: ${problem}`), counts: model.counts };
}

async function endInPeace({ memory, runtime, problems }: Model): Promise<void> {
  const registry = createRegistry({ storage: memory, runtime: { ...runtime, sleep: async () => undefined } });
  const { live, next = live } = await registry.register(definitionOf(3), async () => 0);
  for (let slot = 0; slot < next.slots; slot++) {
    const key = { partition: LEASES, sort: slotResource("doc", next.number, slot) };
    await memory.update({ key, where: {}, set: { epoch: 1_000, position: "1000", beat: 1, durationMs: 1 } });
  }
  if (!(await registry.flip("doc", next.number))) problems.push("the last version does not become live");
  const context = {
    storage: createMemoryProjectionStorage(memory),
    runtime: { ...runtime, now: () => RETIRE_AFTER_MS },
    definition: undefined,
    signal: new AbortController().signal,
  };
  for (const retired of await listRetired(memory)) await retireBuild(retired, context);
  if ((await listRetired(memory)).length > 0) problems.push("a retired build stays");
}
