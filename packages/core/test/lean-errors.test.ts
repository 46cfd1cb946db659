import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { ConditionalCheckFailedException, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";
import { wasApplied } from "../src/dynamodb/aws-errors.ts";
import { type DynamoDBCalls, sdkCalls } from "../src/dynamodb/calls.ts";
import { leanCalls } from "../src/dynamodb/lean/lean-calls.ts";
import { createEventStore } from "../src/index.ts";
import { json, refusal, type Reply, startScriptedServer } from "./scripted-server.ts";
import { connect } from "./test-database.ts";

/** Whatever goes wrong, a lean call and the SDK's command fail alike, or succeed after as many attempts. */

const TableName = "tuppence-events";
const put = (slot: number) => ({
  TableName,
  Item: { p: { S: "errors|1" }, s: { N: String(slot) }, e: { B: new Uint8Array([1, 2]) } },
  ConditionExpression: "attribute_not_exists(p)",
  ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
});

type Action = (calls: DynamoDBCalls) => Promise<unknown>;
const putOnce: Action = (calls) => calls.putItem(put(1), undefined);

interface Outcome {
  readonly result?: unknown;
  readonly error?: Record<string, unknown>;
  readonly wasApplied?: string;
}

/** All that a caller can see, but for the ids and pauses that differ from call to call. */
async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    return { result: tidy((await work) ?? {}) };
  } catch (failure) {
    const error = failure as Error & { code?: string; $response?: { statusCode?: number } };
    return {
      error: {
        name: error.name,
        class: error.constructor.name,
        // The SDK adds a hint at its `$response`.
        message: error.message.split("\n")[0],
        status: error.$response?.statusCode,
        ...tidy(error),
      },
      wasApplied: wasApplied(error),
    };
  }
}

function tidy(output: object): Record<string, unknown> {
  const { $metadata, cause, ...fields } = output as { $metadata?: object; cause?: unknown };
  const metadata = Object.entries($metadata ?? {}).filter(
    ([name, value]) => value !== undefined && !["requestId", "totalRetryDelay"].includes(name),
  );
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), cause: String(cause), metadata: Object.fromEntries(metadata) };
}

/** Does the same both ways, each with a client of its own. */
async function bothWays(open: () => DynamoDBClient, act: Action): Promise<{ lean: Outcome; sdk: Outcome }> {
  const [sdk, lean] = [open(), open()];
  try {
    return { sdk: await outcomeOf(act(sdkCalls(sdk))), lean: await outcomeOf(act(leanCalls(lean))) };
  } finally {
    sdk.destroy();
    lean.destroy();
  }
}

describe("DynamoDB refuses", () => {
  beforeAll(async () => {
    await createEventStore({ client: connect("leanerrors") }).ensureTables();
    await sdkCalls(connect("leanerrors")).putItem(put(1), undefined);
  });

  const cases: Readonly<Record<string, Action>> = {
    "a condition failed, with the item": putOnce,
    "a cancelled transaction, with items": (calls) =>
      calls.transactWriteItems({ TransactItems: [{ Put: put(2) }, { Put: put(1) }] }, undefined),
    "no such table": (calls) => calls.putItem({ ...put(1), TableName: "nowhere" }, undefined),
    "no such table, queried": (calls) =>
      calls.query(
        {
          TableName: "nowhere",
          KeyConditionExpression: "p = :p",
          ExpressionAttributeValues: { ":p": { S: "" } },
        },
        undefined,
      ),
    "an invalid expression": (calls) => calls.putItem({ ...put(1), ConditionExpression: "what?" }, undefined),
    "an item without its key": (calls) => calls.putItem({ TableName, Item: { p: { S: "x" } } }, undefined),
    "an empty input": (calls) => calls.putItem({} as never, undefined),
  };
  it.each(Object.entries(cases))("%s", async (_, act) => {
    const { lean, sdk } = await bothWays(() => connect("leanerrors"), act);
    expect(sdk.error).toBeDefined();
    expect(lean).toEqual(sdk);
  });

  it("the SDK's classes can be told by instanceof, and the items have their bytes", async () => {
    const calls = leanCalls(connect("leanerrors"));
    const refused = await calls.putItem(put(1), undefined).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConditionalCheckFailedException);
    expect(refused).toMatchObject({ Item: put(1).Item, $metadata: { attempts: 1, httpStatusCode: 400 } });
    const cancelled = await calls
      .transactWriteItems({ TransactItems: [{ Put: put(2) }, { Put: put(1) }] }, undefined)
      .catch((error: unknown) => error);
    expect(cancelled).toBeInstanceOf(TransactionCanceledException);
    expect(cancelled).toMatchObject({
      CancellationReasons: [{ Code: "None" }, { Code: "ConditionalCheckFailed", Item: put(1).Item }],
    });
  });
});

describe("on the way", () => {
  const throttled = refusal(400, "ProvisionedThroughputExceededException");
  const html: Reply = (response) => void response.writeHead(502).end("<html>Bad gateway</html>");
  const cut: Reply = (response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write('{"Attributes":');
    response.socket?.destroySoon();
  };
  const cutRefusal: Reply = (response) => {
    response.writeHead(400, { "content-length": "100" });
    response.write('{"__type":');
    response.socket?.destroySoon();
  };
  const hangUp: Reply = (response) => void response.socket?.destroy();
  const success = json(200, {});

  /** Each case: what the server replies, how many requests there are, and whether the call succeeds. */
  const cases: readonly [string, readonly Reply[], number, "succeeds" | "fails"][] = [
    ["throttled, then not", [throttled, throttled, success], 3, "succeeds"],
    ["throttled for good", [throttled], 3, "fails"],
    ["throttled by another name", [refusal(400, "ThrottlingException"), success], 2, "succeeds"],
    ["throttled by status", [json(429, {}), success], 2, "succeeds"],
    ["500, then success", [refusal(500, "InternalServerError"), success], 2, "succeeds"],
    ["500 for good", [refusal(500, "InternalServerError")], 3, "fails"],
    ["503 without a body", [(response) => void response.writeHead(503).end()], 3, "fails"],
    ["501, which is not retried", [json(501, {})], 1, "fails"],
    ["a conflict of transactions", [refusal(400, "TransactionConflictException")], 1, "fails"],
    ["a transaction in progress", [refusal(400, "TransactionInProgressException"), success], 2, "succeeds"],
    ["another Region's write", [refusal(400, "ReplicatedWriteConflictException")], 3, "fails"],
    ["an unrecognised client", [refusal(400, "UnrecognizedClientException")], 1, "fails"],
    ["no permission", [refusal(400, "AccessDeniedException")], 1, "fails"],
    [
      "a type of its own in the header",
      [json(400, {}, { "x-amzn-errortype": "OddException:http://x" })],
      1,
      "fails",
    ],
    [
      "a type with an address, and Message",
      [json(400, { __type: "x#Odd:http://y", Message: "Why" })],
      1,
      "fails",
    ],
    ["no type at all", [json(400, {})], 1, "fails"],
    ["a proxy's page", [html], 3, "fails"],
    ["a proxy's page, then success", [html, success], 2, "succeeds"],
    ["a page instead of a success", [(response) => void response.writeHead(200).end("<html>")], 1, "fails"],
    ["a reply that is cut", [cut], 3, "fails"],
    ["a reply that is cut, then success", [cut, success], 2, "succeeds"],
    ["a refusal that is cut", [cutRefusal], 3, "fails"],
    ["a socket that hangs up", [hangUp], 3, "fails"],
    ["a socket that hangs up, then success", [hangUp, hangUp, success], 3, "succeeds"],
    [
      "an expired signature",
      [refusal(400, "InvalidSignatureException", { message: "Signature expired: now" }), success],
      2,
      "succeeds",
    ],
    ["a wrong signature", [refusal(400, "InvalidSignatureException")], 1, "fails"],
  ];
  it.each(cases)("%s", async (_, script, requests, end) => {
    const outcomes: Outcome[] = [];
    for (const make of [sdkCalls, leanCalls]) {
      await using server = await startScriptedServer(...script);
      const client = connect("leanerrors", { endpoint: server.endpoint, maxAttempts: 3 });
      const outcome = await outcomeOf(putOnce(make(client)));
      client.destroy();
      expect(server.received).toHaveLength(requests);
      outcomes.push(outcome);
    }
    const [sdk, lean] = outcomes;
    expect(sdk?.error === undefined ? "succeeds" : "fails").toBe(end);
    expect(lean).toEqual(sdk);
  });

  it("what may have been written is never taken for refused", async () => {
    for (const reply of [
      html,
      cut,
      hangUp,
      json(500, {}),
      (response) => void response.writeHead(200).end("<html>"),
    ] as Reply[]) {
      await using server = await startScriptedServer(reply);
      const { sdk, lean } = await bothWays(
        () => connect("leanerrors", { endpoint: server.endpoint, maxAttempts: 3 }),
        putOnce,
      );
      expect([sdk.wasApplied, lean.wasApplied]).toEqual(["unknown", "unknown"]);
    }
  });

  it("nobody listens", async () => {
    const server = await startScriptedServer();
    await server[Symbol.asyncDispose]();
    const { lean, sdk } = await bothWays(
      () => connect("leanerrors", { endpoint: server.endpoint, maxAttempts: 3 }),
      putOnce,
    );
    expect(sdk.error).toMatchObject({ code: "ECONNREFUSED", metadata: { attempts: 3 } });
    expect(lean).toEqual(sdk);
  });

  it("aborted before, during, and while it waits for the next attempt", async () => {
    const silent: Reply = () => undefined;
    const during = (calls: DynamoDBCalls, abortOn: (abort: () => void) => void): Promise<unknown> => {
      const controller = new AbortController();
      abortOn(() => controller.abort());
      return calls.putItem(put(1), controller.signal);
    };
    const before = await bothWays(
      () => connect("leanerrors"),
      (calls) => calls.putItem(put(1), AbortSignal.abort(new Error("no longer"))),
    );
    expect(before.sdk.error).toMatchObject({ name: "AbortError" });
    expect(before.lean).toEqual(before.sdk);
    for (const reply of [silent, throttled]) {
      const outcomes: Outcome[] = [];
      for (const make of [sdkCalls, leanCalls]) {
        let abort = (): void => undefined;
        await using server = await startScriptedServer((response, request) => {
          reply(response, request);
          if (reply === silent) abort();
          else response.on("close", () => setImmediate(abort));
        });
        const client = connect("leanerrors", { endpoint: server.endpoint });
        outcomes.push(await outcomeOf(during(make(client), (by) => void (abort = by))));
        client.destroy();
      }
      expect(outcomes[0]?.error).toMatchObject({ name: "AbortError" });
      expect(outcomes[1]).toEqual(outcomes[0]);
    }
  });

  it("credentials that are not to be had, or not valid", async () => {
    for (const credentials of [
      () => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" })),
      async () => ({ accessKeyId: 1 }) as never,
    ] satisfies DynamoDBClientConfig["credentials"][]) {
      const { lean, sdk } = await bothWays(() => connect("leanerrors", { credentials }), putOnce);
      expect(sdk.error).toBeDefined();
      expect(lean).toEqual(sdk);
    }
  });
});
