import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, createSequencer, DEFAULT_TABLE_PREFIX, type LateCommit } from "@tuppence/core";
import type { LocalClientConfig } from "@tuppence/local";
import {
  childProcessFunction,
  type ChildProcessFunctionOptions,
  inProcessFunction,
  type LocalFunction,
  mappingOptions,
  type ServiceMappingSettings,
  type ProcessFunction,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import type { Context, DynamoDBStreamEvent } from "aws-lambda";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { logRecordsHandler, StoppedAtRecordError } from "../src/index.ts";
import { createLambdaHandler, createLogHandler, logEventSourceMapping } from "../src/lambda/index.ts";
import { configOf, environmentOf } from "@tuppence/test-support/database";
import { collect, pageEnds, problemsOf, write } from "./log-traffic.ts";

const HANDLERS = new URL("handlers/log-handlers.mjs", import.meta.url);
const EVENTS = 400;
const TABLE = `${DEFAULT_TABLE_PREFIX}-events`;

/** Another with `SEED=…`. */
const seed = Number(process.env["SEED"] ?? 1);

interface Run {
  readonly database: string;
  readonly functions: (config: LocalClientConfig) => readonly LocalFunction[];
  /** Laid over those of `logEventSourceMapping()`. */
  readonly settings?: Partial<ServiceMappingSettings>;
  /** Called whenever the log was seen to have more. */
  readonly whenLogged?: (functions: readonly LocalFunction[]) => Promise<void>;
}

interface Outcome {
  readonly problems: readonly string[];
  readonly invocations: number;
  readonly failures: number;
}

/** Writes to a store whose log is fed by functions, and says what is wrong with it in the end. */
async function run({ database, functions, settings, whenLogged }: Run): Promise<Outcome> {
  const config = configOf(database);
  const client = new DynamoDBClient(config);
  const store = createEventStore({ client });
  await store.ensureTables();
  const all = functions(config);
  const options = mappingOptions({ ...logEventSourceMapping(), ...settings });
  const wiring = { config, tableName: TABLE, ...options };
  const mappings = await Promise.all(all.map((fn) => startEventSourceMapping({ ...wiring, function: fn })));
  const end = new AbortController();
  const watching = watch();
  async function watch(): Promise<void> {
    for await (const { events } of store.subscribeAll({ pollIntervalMs: 10, signal: end.signal })) {
      if (events.length > 0) await whenLogged?.(all);
    }
  }
  const traffic = { events: EVENTS, streams: 20, eventsPerCommit: 3, random: seededRandom(seed) };
  const written = await write(store, traffic);
  await Promise.all(mappings.map((mapping) => mapping.whenCaughtUp()));
  const log = await collect(store.readAll({ consistency: "strong" }));
  const problems = problemsOf(log, written, await pageEnds(client, DEFAULT_TABLE_PREFIX));
  end.abort();
  await Promise.all([watching, ...mappings.map((mapping) => mapping.stop())]);
  for (const fn of all) await (fn as Partial<ProcessFunction>).stop?.();
  const stats = mappings.map((mapping) => mapping.stats);
  return {
    problems,
    invocations: stats.reduce((sum, each) => sum + each.invocations, 0),
    failures: stats.reduce((sum, each) => sum + each.failures, 0),
  };
}

const inProcess = (config: LocalClientConfig): LocalFunction =>
  inProcessFunction({
    name: "log",
    timeoutMs: 60_000,
    handler: createLogHandler({ client: new DynamoDBClient(config) }),
  });

function inChildProcess(
  config: LocalClientConfig,
  options: Partial<ChildProcessFunctionOptions> = {},
): ProcessFunction {
  const env = { ...environmentOf(config), ...options.env };
  return childProcessFunction({
    name: "log",
    moduleUrl: HANDLERS,
    timeoutMs: 60_000,
    log: false,
    ...options,
    env,
  });
}

describe("the log is right as soon as the mapping has caught up", () => {
  it("with a function in this process", async () => {
    const { problems, failures } = await run({
      database: "loglambda",
      functions: (config) => [inProcess(config)],
    });
    expect(problems).toEqual([]);
    expect(failures).toBe(0);
  });

  it("with the parts of transactions in batches of their own", async () => {
    const { problems, failures } = await run({
      database: "loglambdaparts",
      functions: (config) => [inProcess(config)],
      settings: { BatchSize: 1 },
    });
    expect(problems).toEqual([]);
    expect(failures).toBe(0);
  });

  it("with two mappings, each with a sequencer of its own", async () => {
    const { problems, invocations } = await run({
      database: "loglambdatwo",
      functions: (config) => [inProcess(config), inProcess(config)],
      settings: { BatchSize: 7 },
    });
    expect(problems).toEqual([]);
    expect(invocations).toBeGreaterThan(2);
  });

  it("with a function that fails before and after its work", async () => {
    const { problems, failures } = await run({
      database: "loglambdafails",
      settings: { BatchSize: 7 },
      functions: (config) => {
        const random = seededRandom(seed);
        // A new one each time, as after a crash: it remembers nothing.
        const sequence = (): ReturnType<typeof createLogHandler> =>
          createLogHandler({ client: new DynamoDBClient(config) });
        let handler = sequence();
        const fail = (): never => {
          handler = sequence();
          throw new Error("crashed");
        };
        return [
          inProcessFunction({
            name: "log",
            timeoutMs: 60_000,
            handler: async (event: DynamoDBStreamEvent, context: Context) => {
              if (random() < 0.1) fail();
              const reply = await handler(event, context);
              return random() < 0.2 ? fail() : reply;
            },
          }),
        ];
      },
    });
    expect(problems).toEqual([]);
    expect(failures).toBeGreaterThan(0);
  });

  it("with a function whose processes are killed in the middle", async () => {
    let kills = 0;
    const { problems } = await run({
      database: "loglambdakilled",
      settings: { BatchSize: 20 },
      functions: (config) => [inChildProcess(config)],
      // A page was put just now, so its invocation is about to end.
      async whenLogged([fn]) {
        if (kills < 5 && (await (fn as ProcessFunction).kill())) kills += 1;
      },
    });
    expect(problems).toEqual([]);
    expect(kills).toBeGreaterThan(2);
  });

  it("with a function that is killed at its time limit, its work done and not told", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tuppence-log-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { problems, failures } = await run({
      database: "loglambdastalls",
      functions: (config) => [
        inChildProcess(config, {
          handlerName: "stallsOnce",
          timeoutMs: 3_000,
          env: { STALLED: join(folder, "stalled") },
        }),
      ],
    });
    expect(problems).toEqual([]);
    expect(failures).toBeGreaterThan(0);
  });
});

/** Gets half of each batch done. */
function halves(config: LocalClientConfig): LocalFunction {
  const sequence = logRecordsHandler(createSequencer({ client: new DynamoDBClient(config) }), {});
  const handler = createLambdaHandler(
    async (records, context) => {
      const half = Math.ceil(records.length / 2);
      await sequence(records.slice(0, half), context);
      if (half < records.length) throw new StoppedAtRecordError(half);
    },
    { logger: { warn: () => undefined, error: () => undefined } },
  );
  return inProcessFunction({ name: "halves", timeoutMs: 60_000, handler });
}

describe("a handler that gets half of each batch done", () => {
  it("loses nothing with the settings that it needs", async () => {
    const { problems, failures } = await run({
      database: "loglambdahalves",
      functions: (config) => [halves(config)],
    });
    expect(problems).toEqual([]);
    expect(failures).toBeGreaterThan(0);
  });

  it("loses events without ReportBatchItemFailures, and that is seen", async () => {
    const { problems } = await run({
      database: "loglambdalost",
      functions: (config) => [halves(config)],
      settings: { FunctionResponseTypes: [] },
    });
    expect(problems).not.toEqual([]);
  });
});

it("a commit that comes behind a later one of its stream is reported", async () => {
  const config = configOf("loglambdalate");
  const client = new DynamoDBClient(config);
  const now = Date.now();
  const store = createEventStore({ client });
  const hourAgo = createEventStore({ client, runtime: { now: () => now - 3_600_000 } });
  await store.ensureTables();
  await hourAgo.append("permit|1", [{ type: "Old", data: {} }]);
  await store.append("permit|1", [{ type: "New", data: {} }]);
  const records: DynamoDBStreamEvent["Records"] = [];
  const recorder = inProcessFunction({
    name: "recorder",
    handler: async (event: DynamoDBStreamEvent) => void records.push(...event.Records),
  });
  await using mapping = await startEventSourceMapping({
    config,
    tableName: TABLE,
    function: recorder,
    ...mappingOptions(logEventSourceMapping()),
  });
  await mapping.whenCaughtUp();
  const onLate = vi.fn<(late: readonly LateCommit[]) => void>();
  const log = inProcessFunction({ name: "log", handler: createLogHandler({ client, onLate }) });
  const [old, young] = records;
  const reply = { payload: JSON.stringify({ batchItemFailures: [] }), functionError: undefined };
  expect(await log.invoke({ Records: [young] })).toEqual(reply);
  expect(onLate).not.toHaveBeenCalled();
  expect(await log.invoke({ Records: [old] })).toEqual(reply);
  expect(await log.invoke({ Records: [old, young] })).toEqual(reply);
  expect(onLate).toHaveBeenCalledExactlyOnceWith([{ streamId: "permit|1", version: 1, position: 2 }]);
  const places = await collect(store.readAll());
  expect(places.map(({ position, version }) => [position, version])).toEqual([
    [1, 2],
    [2, 1],
  ]);
});
