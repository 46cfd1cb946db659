import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { afterEach, describe, expect, it } from "vitest";
import { sdkCalls } from "../src/dynamodb/calls.ts";
import type { HttpRequest } from "../src/dynamodb/lean/client-config.ts";
import { interceptLeanCalls } from "../src/dynamodb/lean/interceptors.ts";
import { leanCalls } from "../src/dynamodb/lean/lean-calls.ts";
import { createEventStore, meterCapacity } from "../src/index.ts";
import { json, refusal, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

/** What a lean call takes from the client: where it goes, who signs, what the clock is, how often it is tried. */

const put = { TableName: "tuppence-events", Item: { p: { S: "a|1" }, s: { N: "1" } } };
const CREDENTIALS = { accessKeyId: "AKID", secretAccessKey: "secret" };
const REGION = "eu-central-1";

function clientOf(server: ScriptedServer, config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: server.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
    ...config,
  });
}

it("refuses what is no client of the SDK, at once", () => {
  for (const client of [
    undefined,
    {},
    { config: {} },
    { config: null },
    { send: () => undefined },
  ] as unknown[]) {
    const create = () => createEventStore({ client: client as DynamoDBClient, leanRequests: true });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(/lacks signer, .*requestHandler\.handle/);
  }
});

describe("where a request goes, and for where it is signed", () => {
  const configs: Readonly<Record<string, DynamoDBClientConfig>> = {
    "a Region": {},
    "another Region": { region: "us-gov-west-1" },
    China: { region: "cn-north-1" },
    "dual-stack": { useDualstackEndpoint: true },
    FIPS: { useFipsEndpoint: true, region: "us-east-1" },
    "both of them": { useFipsEndpoint: true, useDualstackEndpoint: true, region: "us-east-1" },
    "the Region local": { region: "local" },
    "an endpoint": { endpoint: "http://localhost:8000" },
    "an endpoint with a path": { endpoint: "https://proxy.example.org/dynamodb/eu" },
    "an account's endpoint": { credentials: { ...CREDENTIALS, accountId: "123456789012" } },
    "an account's endpoint, not wanted": {
      credentials: { ...CREDENTIALS, accountId: "123456789012" },
      accountIdEndpointMode: "disabled",
    },
    "an account's endpoint, missed": { accountIdEndpointMode: "required" },
    "FIPS of a partition without it": { useFipsEndpoint: true, useDualstackEndpoint: true, region: "local" },
    "a session": { credentials: { ...CREDENTIALS, sessionToken: "token" } },
    "rules of one's own": {
      endpointProvider: () => ({
        url: new URL("https://own.example.org/"),
        headers: { "x-own": ["1", "2"] },
      }),
    },
  };
  it.each(Object.entries(configs))("%s", async (_, config) => {
    expect(await requestOf(leanCalls, config)).toEqual(await requestOf(sdkCalls, config));
  });

  it("an account's endpoint is its own", async () => {
    const credentials = { ...CREDENTIALS, accountId: "123456789012" };
    const hostname = `123456789012.ddb.${REGION}.amazonaws.com`;
    expect(await requestOf(leanCalls, { credentials })).toMatchObject({
      hostname,
      headers: { host: hostname },
    });
  });

  afterEach(() => {
    delete process.env["AWS_ENDPOINT_URL_DYNAMODB"];
  });

  it("the environment's endpoint, unless it is to be ignored", async () => {
    process.env["AWS_ENDPOINT_URL_DYNAMODB"] = "http://from-environment:8000";
    for (const config of [{}, { ignoreConfiguredEndpointUrls: true }]) {
      const request = await requestOf(leanCalls, config);
      expect(request).toEqual(await requestOf(sdkCalls, config));
    }
    expect(await requestOf(leanCalls, {})).toMatchObject({ hostname: "from-environment", port: 8000 });
  });

  it("credentials that are changed are used from then on", async () => {
    await using server = await startScriptedServer(json(200, {}));
    const client = clientOf(server);
    const calls = leanCalls(client);
    await calls.putItem(put, undefined);
    client.config.credentials = async () => ({ ...CREDENTIALS, accessKeyId: "NEXT" });
    await calls.putItem(put, undefined);
    expect(
      server.received.map(({ headers }) => /Credential=(\w+)/.exec(String(headers.authorization))?.[1]),
    ).toEqual(["AKID", "NEXT"]);
    client.destroy();
  });
});

/** The request that a put would send, without what differs each time: taken from the client's own handler. */
async function requestOf(make: typeof sdkCalls, config: DynamoDBClientConfig): Promise<unknown> {
  let request: HttpRequest | undefined;
  const requestHandler = {
    handle: (sent: HttpRequest) => {
      request = sent;
      return Promise.reject(Object.assign(new Error("not sent"), { name: "AbortError" }));
    },
  };
  const client = new DynamoDBClient({
    region: REGION,
    credentials: CREDENTIALS,
    requestHandler: requestHandler as never,
    ...config,
  });
  const failure = await make(client)
    .putItem(put, undefined)
    .catch((error: unknown) => error);
  if (request === undefined) return String(failure);
  const { method, protocol, hostname, port, path, query, headers, body } = request;
  const { authorization = "", ...others } = headers;
  const same = Object.entries(others).filter(
    ([name]) =>
      ![
        "x-amz-date",
        "amz-sdk-invocation-id",
        "x-amz-user-agent",
        "user-agent",
        "x-amz-content-sha256",
      ].includes(name),
  );
  const scope = authorization.match(/Credential=\w+\/\d+\/([^,]+)/)?.[1];
  const payload: unknown = JSON.parse(body);
  return { method, protocol, hostname, port, path, query, headers: Object.fromEntries(same), scope, payload };
}

it("a transaction has one token for all its attempts, and its own where it was given one", async () => {
  await using server = await startScriptedServer(refusal(500, "InternalServerError"), json(200, {}));
  const client = clientOf(server);
  const input = { TransactItems: [{ Put: put }] };
  await leanCalls(client).transactWriteItems(input, undefined);
  await leanCalls(client).transactWriteItems(input, undefined);
  await leanCalls(client).transactWriteItems({ ...input, ClientRequestToken: "mine" }, undefined);
  const tokens = server.received.map(
    ({ body }) => (JSON.parse(body) as { ClientRequestToken: string }).ClientRequestToken,
  );
  expect(tokens).toEqual([tokens[0], tokens[0], expect.stringMatching(/^[\w-]{36}$/), "mine"]);
  expect(tokens[2]).not.toBe(tokens[0]);
  const attempts = server.received.map(({ headers }) => headers["amz-sdk-request"]);
  expect(attempts).toEqual(["attempt=1; max=4", "attempt=2; max=4", "attempt=1; max=4", "attempt=1; max=4"]);
  const ids = new Set(server.received.map(({ headers }) => headers["amz-sdk-invocation-id"]));
  expect(ids.size).toBe(3);
  client.destroy();
});

it("a clock that is off is corrected by the replies, and the request signed again with the right time", async () => {
  const anHour = 3_600_000;
  const date = new Date(Date.now() + anHour).toUTCString();
  for (const make of [sdkCalls, leanCalls]) {
    await using server = await startScriptedServer(
      json(400, { __type: "x#InvalidSignatureException", message: "Signature not yet current" }, { date }),
      json(200, {}, { date }),
    );
    const client = clientOf(server);
    await make(client).putItem(put, undefined);
    expect(Math.abs(client.config.systemClockOffset - anHour)).toBeLessThan(60_000);
    const hours = server.received.map(({ headers }) => String(headers["x-amz-date"]).slice(9, 11));
    expect((Number(hours[1]) - Number(hours[0]) + 24) % 24).toBeGreaterThanOrEqual(1);
    client.destroy();
  }
});

it("a retry strategy of one's own decides, and what it wants waited for is waited for", async () => {
  const seen: unknown[] = [];
  const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => count });
  const retryStrategy = {
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (
      before: { getRetryCount(): number },
      { errorType, retryAfterHint }: { errorType: string; retryAfterHint?: Date },
    ) => {
      seen.push(errorType, retryAfterHint instanceof Date);
      return token(before.getRetryCount() + 1);
    },
    recordSuccess: () => void seen.push("success"),
  };
  await using server = await startScriptedServer(
    json(500, {}),
    json(501, {}, { "retry-after": "0.01" }),
    refusal(400, "ThrottlingException"),
    refusal(400, "ValidationException"),
    json(200, {}),
  );
  const client = clientOf(server, { retryStrategy });
  const output = await leanCalls(client).putItem(put, undefined);
  expect(output).toMatchObject({ $metadata: { attempts: 5, totalRetryDelay: 1 + 2 + 3 + 4 } });
  expect(seen).toEqual([
    "TRANSIENT",
    false,
    "SERVER_ERROR",
    true,
    "THROTTLING",
    false,
    "CLIENT_ERROR",
    false,
    "success",
  ]);
  client.destroy();
});

it("a retry strategy of the older kind is refused before anything is sent", async () => {
  await using server = await startScriptedServer(json(200, {}));
  const client = clientOf(server, { retryStrategy: { retry: () => undefined } as never });
  await expect(leanCalls(client).putItem(put, undefined)).rejects.toThrow(TypeError);
  expect(server.received).toEqual([]);
  client.destroy();
});

it("interceptors see each call and each attempt, and meters each attempt, until they are taken off", async () => {
  await using server = await startScriptedServer(refusal(500, "InternalServerError"), json(200, {}));
  const client = clientOf(server);
  const calls = leanCalls(client);
  const seen: string[] = [];
  const remove = interceptLeanCalls(client, {
    call: ({ operation }, next) => (seen.push(`call ${operation}`), next({ ...put, ReturnValues: "NONE" })),
    attempt: ({ operation, input }, next) => (seen.push(`attempt ${operation}`), next(input)),
  });
  const meter = meterCapacity(client);
  await calls.putItem(put, undefined);
  expect(seen).toEqual(["call PutItem", "attempt PutItem", "attempt PutItem"]);
  expect(meter.calls.map((call) => call.error)).toEqual(["InternalServerError", undefined]);
  expect(JSON.parse(server.received[1]?.body ?? "")).toEqual({ ...put, ReturnValues: "NONE" });
  remove();
  meter.detach();
  await calls.putItem(put, undefined);
  expect([seen.length, meter.calls.length]).toEqual([3, 2]);
  client.destroy();
});
