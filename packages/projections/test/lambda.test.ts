import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, meterCapacity } from "@tuppence/core";
import {
  childProcessFunction,
  inProcessFunction,
  findRuntimeInterfaceClient,
  ricFunction,
  type ProcessFunctionOptions,
  type EventSourceMapping,
  type InvokeResult,
  type LocalFunction,
} from "@tuppence/local/lambda";
import type { DynamoDBStreamEvent } from "aws-lambda";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Projection } from "../src/definition/projection.ts";
import { defineProjection } from "../src/index.ts";
import { readSlotLeases } from "../src/builds/slot-leases.ts";
import {
  createProjectionHandler,
  type ProjectionHandlerOptions,
  projectionEventSourceMapping,
} from "../src/lambda/index.ts";
import { createProjectionWorker } from "../src/worker/create-projection-worker.ts";
import { connectFunction, feedLog } from "./log-feed.ts";
import { readDocuments } from "./permit-models.ts";
import { logEnd, openTown, problemsOfTown, readLog, TABLE_PREFIX, type Town } from "./permit-town.ts";
import { writePermits } from "./permit-traffic.ts";
import { SlotWatch } from "./slot-watch.ts";
import { seededRandom } from "@tuppence/test-support/seeded-random";

const HANDLERS = new URL("handlers/projection-handlers.mjs", import.meta.url);
/** AWS's runtime interface client, where CI installs it; or why not: `pnpm --dir test/ric install`. */
const realClient = findRuntimeInterfaceClient(fileURLToPath(new URL("../../../test/ric/", import.meta.url)));
const PATIENCE = { timeout: 60_000, interval: 50 };

/** Another with `SEED=…`. */
const seed = Number(process.env["SEED"] ?? 1);

/** The versions of each stream. */
function history(name: string, slots = 1): Projection {
  return defineProjection({
    name,
    version: 1,
    slots,
    key: ({ streamId }) => streamId,
    initialState: (): number[] => [],
    evolve: (versions, { version }) => [...versions, version],
  });
}

/** What `history` has to hold. */
async function historyOf(town: Town): Promise<Record<string, number[]>> {
  const all: Record<string, number[]> = {};
  for (const { streamId, version } of await readLog(town.store)) (all[streamId] ??= []).push(version);
  return all;
}

function live(name: string, slots = 1) {
  return { name, live: { number: 1, version: 1, slots } };
}

type Options = Partial<ProjectionHandlerOptions> & { readonly projections: readonly Projection[] };

/** A function that runs projections in this process. */
function projector(
  town: Town,
  { timeoutMs = 60_000, ...options }: Options & { timeoutMs?: number },
): LocalFunction {
  const client = new DynamoDBClient(town.config);
  const handler = createProjectionHandler({
    client,
    tablePrefix: TABLE_PREFIX,
    store: createEventStore({ client, tablePrefix: TABLE_PREFIX }),
    logger: { warn: () => undefined, error: () => undefined },
    ...options,
  });
  return inProcessFunction({ name: "projections", handler, timeoutMs });
}

/** Brings events into the log, by a mapping of its own on the same table. */
async function feed(town: Town): Promise<EventSourceMapping> {
  const mapping = await feedLog(town.config, TABLE_PREFIX);
  onTestFinished(() => mapping.stop());
  return mapping;
}

async function connect(town: Town, fn: LocalFunction): Promise<EventSourceMapping> {
  const wiring = { config: town.config, tablePrefix: TABLE_PREFIX, settings: projectionEventSourceMapping() };
  const mapping = await connectFunction({ ...wiring, function: fn });
  onTestFinished(() => mapping.stop());
  return mapping;
}

const BY_HAND = { Records: [] };
const DONE = { payload: JSON.stringify({ batchItemFailures: [] }), functionError: undefined };

describe("projections in a function", () => {
  it("are as far as the log as soon as both mappings have caught up", async () => {
    const town = await openTown("projectionlambda");
    const log = await feed(town);
    const chains = new Set<string | undefined>();
    const inner = projector(town, { projections: [history("history", 2)] });
    const mapping = await connect(town, {
      name: inner.name,
      invoke(event, options) {
        for (const { dynamodb } of (event as DynamoDBStreamEvent).Records)
          chains.add(dynamodb?.Keys?.["p"]?.S);
        return inner.invoke(event, options);
      },
    });
    await writePermits(town.store, { events: 300, permits: 30, random: seededRandom(seed) });
    await log.whenCaughtUp();
    await mapping.whenCaughtUp();
    expect(await readDocuments(town.storage, live("history", 2))).toEqual(await historyOf(town));
    expect([...chains]).toEqual(["$all"]);
    expect(mapping.stats.failures).toBe(0);
  });

  it("go on from the stored position in the next invocation when the time of one is over", async () => {
    const town = await openTown("projectionlambdatime");
    const log = await feed(town);
    await writePermits(town.store, { events: 300, permits: 10, random: seededRandom(seed) });
    await log.whenCaughtUp();
    const effects: number[] = [];
    const letters = defineProjection({
      name: "letters",
      version: 1,
      async react({ position }) {
        // An effect takes its time.
        await new Promise((resolve) => setTimeout(resolve, 5));
        effects.push(position);
      },
    });
    const fn = projector(town, { projections: [letters], timeoutMs: 2_000, marginMs: 1_000 });
    const watch = new SlotWatch(town.storage.control);
    const replies: InvokeResult[] = [];
    await vi.waitFor(async () => {
      replies.push(await fn.invoke(BY_HAND));
      // Let go in time, so that the next one need not wait until the lease is over.
      const slots = await watch.look();
      expect(slots.get("letters@1#0")?.owner).toBeUndefined();
      expect(replies.at(-1)).toEqual(DONE);
    }, PATIENCE);
    expect(JSON.parse(replies[0]?.payload ?? "")).toMatchObject({ errorType: "InvocationEndingError" });
    expect(replies.length).toBeGreaterThan(1);
    expect(watch.problems).toEqual([]);
    const positions = Array.from({ length: await logEnd(town.store) }, (_, index) => index + 1);
    expect([...new Set(effects)]).toEqual(positions);
  });

  it("let their slots go when a handler does not come to its end in time", async () => {
    const town = await openTown("projectionlambdastuck");
    const log = await feed(town);
    await writePermits(town.store, { events: 30, permits: 10, random: seededRandom(seed) });
    await log.whenCaughtUp();
    let isStuck = true;
    const handled: number[] = [];
    const slow = defineProjection({
      name: "slow",
      version: 1,
      batch: { maxEvents: 10 },
      async handle(events, { after, signal }) {
        if (isStuck && after >= 10)
          await new Promise((_, reject) => signal.addEventListener("abort", reject));
        handled.push(...events.map(({ position }) => position));
      },
    });
    const fn = projector(town, { projections: [slow], timeoutMs: 2_000, marginMs: 1_000 });
    expect((await fn.invoke(BY_HAND)).functionError).toBe("Unhandled");
    const [lease] = await slotsOf(town);
    expect(lease).toMatchObject({ position: "10" });
    expect(lease).not.toHaveProperty("owner");
    isStuck = false;
    expect(await fn.invoke(BY_HAND)).toEqual(DONE);
    expect(handled).toEqual(Array.from({ length: await logEnd(town.store) }, (_, index) => index + 1));
  });

  it("that halt fail the invocation until they are repaired, and the others go on", async () => {
    const town = await openTown("projectionlambdahalts");
    const log = await feed(town);
    let isBroken = true;
    const strict = defineProjection({
      name: "strict",
      version: 1,
      onFailure: "halt",
      key: ({ streamId }) => streamId,
      initialState: (): number[] => [],
      evolve(versions, { version, type }) {
        if (isBroken && type === "Poison") throw new Error("not yet");
        return [...versions, version];
      },
    });
    const errors: unknown[] = [];
    const caughtUp = new Set<string>();
    const fn = projector(town, {
      projections: [strict, history("history")],
      logger: { warn: () => undefined, error: ({ error }: { error?: unknown }) => errors.push(error) },
      onEvent: (event) => event.type === "caughtUp" && caughtUp.add(event.projection),
    });
    const mapping = await connect(town, fn);
    for (const type of ["Fine", "Poison", "Fine"]) {
      await town.store.append("permit|1", [{ type, data: {} }]);
      await log.whenCaughtUp();
    }
    await vi.waitFor(async () => {
      expect(mapping.stats.failures).toBeGreaterThan(1);
      expect(await readDocuments(town.storage, live("history"))).toEqual({ "permit|1": [1, 2, 3] });
    }, PATIENCE);
    expect(new Set(errors.map(String))).toEqual(new Set(["Error: not yet"]));
    expect(caughtUp.has("history")).toBe(true);
    expect(await readDocuments(town.storage, live("strict"))).toEqual({ "permit|1": [1] });
    const slot = async () => (await town.projections.status("strict"))[0]?.live.slots[0];
    // Also between two invocations.
    expect(await slot()).toMatchObject({
      state: "halted",
      position: 1,
      error: "Error: not yet",
      errorPosition: 2,
    });
    isBroken = false;
    await mapping.whenCaughtUp();
    expect(await slot()).toMatchObject({ state: "waiting", position: 3, error: undefined });
    expect(await readDocuments(town.storage, live("strict"))).toEqual({ "permit|1": [1, 2, 3] });
  });

  it("run side by side with a worker that has the same definitions", async () => {
    const town = await openTown("projectionlambdaworker");
    const log = await feed(town);
    const projections = [history("history", 4), history("other")];
    const mapping = await connect(town, projector(town, { projections }));
    const { client, store } = town;
    await using worker = createProjectionWorker({
      client,
      tablePrefix: TABLE_PREFIX,
      store,
      projections,
      leaseDurationMs: 1_000,
    });
    worker.start();
    const watch = new SlotWatch(town.storage.control);
    await writePermits(town.store, { events: 400, permits: 30, random: seededRandom(seed) });
    await log.whenCaughtUp();
    await watch.look();
    await mapping.whenCaughtUp();
    await worker.reached();
    await watch.look();
    const expected = await historyOf(town);
    expect(await readDocuments(town.storage, live("history", 4))).toEqual(expected);
    expect(await readDocuments(town.storage, live("other"))).toEqual(expected);
    expect(watch.problems).toEqual([]);
    expect(mapping.stats.failures).toBe(0);
  });

  it("survive that the function's processes are killed in the middle", async () => {
    const town = await openTown("projectionlambdakilled");
    const log = await feed(town);
    await using fn = childProcessFunction({ ...processOptions(town), moduleUrl: HANDLERS });
    const mapping = await connect(town, fn);
    const watch = new SlotWatch(town.storage.control);
    const random = seededRandom(seed);
    let kills = 0;
    for (; kills < 2; kills++) {
      const end = await logEnd(town.store);
      await writePermits(town.store, { events: 150, permits: 30, random });
      // One of its slots has got on: it is in the middle of its work.
      await vi.waitFor(
        async () => {
          const slots = [...(await watch.look()).values()];
          expect(slots.some(({ position, owner }) => position > end && owner !== undefined)).toBe(true);
        },
        { ...PATIENCE, interval: 5 },
      );
      expect(await fn.kill()).toBe(true);
    }
    await log.whenCaughtUp();
    await mapping.whenCaughtUp();
    await watch.look();
    const { problems } = await problemsOfTown(town);
    expect(problems).toEqual([]);
    expect(watch.problems).toEqual([]);
  });

  it("make a build live that was built anew, by hand, before the invocation ends", async () => {
    const town = await openTown("projectionlambdarebuild");
    const log = await feed(town);
    for (let count = 0; count < 40; count++)
      await town.store.append("permit|1", [{ type: "Fine", data: {} }]);
    await log.whenCaughtUp();
    const counted = defineProjection({
      name: "counted",
      version: 1,
      slots: 2,
      // Its last batch is full: that it is at the log's end shows only when it looks for more.
      batch: { maxEvents: 10 },
      key: ({ streamId, version }) => [streamId, `other${version}`],
      initialState: () => 0,
      evolve: (count) => count + 1,
    });
    const fn = projector(town, { projections: [counted] });
    expect(await fn.invoke(BY_HAND)).toEqual(DONE);
    for (const number of [2, 3, 4]) {
      await town.projections.rebuild("counted");
      expect(await fn.invoke(BY_HAND)).toEqual(DONE);
      const [registration] = await town.projections.list();
      expect(registration).toMatchObject({ live: { number }, next: undefined });
    }
  });

  it("cost what is said of them", async () => {
    const town = await openTown("projectionlambdacosts");
    const log = await feed(town);
    const client = new DynamoDBClient(town.config);
    const fn = projector(town, {
      client,
      store: createEventStore({ client, tablePrefix: TABLE_PREFIX }),
      projections: [history("history")],
      // No renewal, however slow this machine is.
      leaseDurationMs: 600_000,
    });
    const mapping = await connect(town, fn);
    const append = async (): Promise<void> => {
      await town.store.append("permit|1", [{ type: "Fine", data: {} }]);
      await log.whenCaughtUp();
      await mapping.whenCaughtUp();
    };
    await append();
    const meter = meterCapacity(client);
    const { invocations } = mapping.stats;
    await append();
    expect(mapping.stats.invocations - invocations).toBe(1);
    const { requests, readUnits, writeUnits } = meter.total();
    const looks = meter.calls.filter(
      ({ operation, readUnits: units }) => operation === "Query" && units === 1,
    );
    // 3 for the slot, 2 for all, and the document.
    expect(writeUnits).toBe(6);
    // Besides the parked events of its slot, each look takes two of these; how many there are is a matter of time.
    expect(readUnits - looks.length).toBeLessThanOrEqual(4.5);
    expect(requests - looks.length).toBeLessThanOrEqual(15);
  });
});

/** A function in processes of its own, which finds everything in its environment. */
function processOptions({ config, ledgerTable, lettersFile }: Town): ProcessFunctionOptions {
  return {
    name: "projections",
    timeoutMs: 60_000,
    log: false,
    env: {
      AWS_ENDPOINT_URL_DYNAMODB: config.endpoint,
      AWS_REGION: config.region,
      AWS_ACCESS_KEY_ID: config.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: config.credentials.secretAccessKey,
      TABLE_PREFIX,
      LEDGER_TABLE: ledgerTable,
      LETTERS_FILE: lettersFile,
      LEASE_MS: "1000",
    },
  };
}

describe.skipIf(typeof realClient === "string")("in AWS's own runtime interface client", () => {
  it("the handler built from our packages keeps the read models", async () => {
    if (typeof realClient === "string") throw new TypeError(realClient);
    const town = await openTown("projectionric");
    const log = await feed(town);
    await using fn = ricFunction({
      ...processOptions(town),
      client: realClient,
      handler: "projection-handlers.handler",
      cwd: fileURLToPath(new URL(".", HANDLERS)),
    });
    const mapping = await connect(town, fn);
    await writePermits(town.store, { events: 150, permits: 30, random: seededRandom(seed) });
    await log.whenCaughtUp();
    await mapping.whenCaughtUp();
    const { problems } = await problemsOfTown(town);
    expect(problems).toEqual([]);
    expect(mapping.stats).toMatchObject({ failures: 0, discarded: 0 });
  });
});

async function slotsOf({ storage }: Town) {
  return [...(await readSlotLeases(storage.control, "strong")).values()];
}
