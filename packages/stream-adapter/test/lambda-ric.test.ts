import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, DEFAULT_TABLE_PREFIX } from "@tuppence/core";
import {
  findRuntimeInterfaceClient,
  mappingOptions,
  ricFunction,
  startEventSourceMapping,
} from "@tuppence/local/lambda";
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { seededRandom } from "@tuppence/test-support/seeded-random";
import { logEventSourceMapping } from "../src/lambda/index.ts";
import { configOf, environmentOf } from "@tuppence/test-support/database";
import { collect, pageEnds, problemsOf, write } from "./log-traffic.ts";

/** AWS's runtime interface client, where CI installs it; or why not: `pnpm --dir test/ric install`. */
const realClient = findRuntimeInterfaceClient(fileURLToPath(new URL("../../../test/ric/", import.meta.url)));
const cwd = fileURLToPath(new URL("handlers/", import.meta.url));
const tableName = `${DEFAULT_TABLE_PREFIX}-events`;

describe.skipIf(typeof realClient === "string")("in AWS's own runtime interface client", () => {
  const open = async (database: string, handler: string) => {
    if (typeof realClient === "string") throw new TypeError(realClient);
    const config = configOf(database);
    const client = new DynamoDBClient(config);
    const store = createEventStore({ client });
    await store.ensureTables();
    const fn = ricFunction({
      name: "log",
      client: realClient,
      handler: `log-handlers.${handler}`,
      cwd,
      timeoutMs: 60_000,
      env: environmentOf(config),
      log: false,
    });
    return { config, client, store, fn };
  };
  const traffic = { events: 400, streams: 20, eventsPerCommit: 3, random: seededRandom(1) };

  it("the handler built from our packages keeps the log", async () => {
    const { config, client, store, fn } = await open("riclog", "handler");
    await using log = fn;
    const settings = { ...logEventSourceMapping(), BatchSize: 50 };
    await using mapping = await startEventSourceMapping({
      config,
      tableName,
      function: log,
      ...mappingOptions(settings),
    });
    const written = await write(store, traffic);
    await mapping.whenCaughtUp();
    const places = await collect(store.readAll({ consistency: "strong" }));
    expect(problemsOf(places, written, await pageEnds(client, DEFAULT_TABLE_PREFIX))).toEqual([]);
    expect(mapping.stats).toMatchObject({ failures: 0, discarded: 0 });
  });

  it("the report of a failure has one identifier, from which on all comes again", async () => {
    const { config, client, store, fn } = await open("richalves", "halves");
    await using log = fn;
    const replies: {
      readonly sent: readonly (string | undefined)[];
      readonly reply: DynamoDBBatchResponse;
    }[] = [];
    await using mapping = await startEventSourceMapping({
      config,
      tableName,
      ...mappingOptions(logEventSourceMapping()),
      function: {
        name: log.name,
        async invoke(event, options) {
          const result = await log.invoke(event, options);
          expect(result.functionError).toBeUndefined();
          const { Records } = event as DynamoDBStreamEvent;
          replies.push({
            sent: Records.map(({ dynamodb }) => dynamodb?.SequenceNumber),
            reply: JSON.parse(result.payload) as DynamoDBBatchResponse,
          });
          return result;
        },
      },
    });
    const written = await write(store, traffic);
    await mapping.whenCaughtUp();
    for (const { sent, reply } of replies) {
      const half = Math.ceil(sent.length / 2);
      const batchItemFailures = half < sent.length ? [{ itemIdentifier: sent[half] }] : [];
      expect(reply).toStrictEqual({ batchItemFailures });
    }
    expect(mapping.stats.failures).toBeGreaterThan(0);
    const places = await collect(store.readAll({ consistency: "strong" }));
    expect(problemsOf(places, written, await pageEnds(client, DEFAULT_TABLE_PREFIX))).toEqual([]);
  });
});
