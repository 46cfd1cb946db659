import { ThrottlingException } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { connect } from "@tuppence/test-support/database";
import { beforeAll, describe, expect, it } from "vitest";
import { accountEvents } from "../src/account.ts";
import { createApp } from "../src/app.ts";
import type { Problem } from "../src/problem.ts";

const client = connect("exampleHttpService");
const store = createEventStore({ client, events: accountEvents });
const problems: Problem[] = [];
const app = createApp(store, (problem) => problems.push(problem));

/** What happens to the next writes: they are sent, or refused as DynamoDB does under too much load, or their answer is lost. */
let fate: "sent" | "throttled" | "unheard" = "sent";

beforeAll(async () => {
  await store.ensureTables();
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== "PutItemCommand" || fate === "sent") return next(args);
        if (fate === "throttled") {
          throw new ThrottlingException({ message: "Slow down.", $metadata: { httpStatusCode: 400 } });
        }
        fate = "sent";
        await next(args);
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      },
    { step: "initialize", name: "fate" },
  );
});

let keys = 0;
let accounts = 0;

interface Call {
  readonly key?: string | undefined;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** A request with an Idempotency-Key of its own; `key: ""` leaves it out. */
async function call(
  request: string,
  body?: unknown,
  { key = `key-${++keys}`, ifMatch, ifNoneMatch }: Call = {},
) {
  const [method = "", path = ""] = request.split(" ");
  const headers = {
    ...(key !== "" && { "idempotency-key": key }),
    ...(ifMatch !== undefined && { "if-match": ifMatch }),
    ...(ifNoneMatch !== undefined && { "if-none-match": ifNoneMatch }),
  };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await app.request(path, { method, headers, ...(body !== undefined && { body: text }) });
  const content = await response.text();
  return {
    status: response.status,
    etag: response.headers.get("etag"),
    type: response.headers.get("content-type"),
    retryAfter: response.headers.get("retry-after"),
    body: content === "" ? undefined : (JSON.parse(content) as Record<string, unknown>),
  };
}

async function openAccount(): Promise<string> {
  const path = `/accounts/${++accounts}`;
  expect(await call(`PUT ${path}`, { owner: "Ada" })).toMatchObject({ status: 201, etag: '"1"' });
  return path;
}

describe("an account", () => {
  it("has its stream's version as ETag, and is not sent to who knows it", async () => {
    const path = await openAccount();
    expect(await call(`POST ${path}/deposits`, { cents: 500 })).toMatchObject({ status: 200, etag: '"2"' });
    const seen = await call(`GET ${path}`);
    expect(seen).toMatchObject({ status: 200, etag: '"2"', body: { owner: "Ada", cents: 500 } });
    for (const ifNoneMatch of ['"2"', 'W/"2"', '"1", "2"', "*"]) {
      const known = await call(`GET ${path}`, undefined, { ifNoneMatch });
      expect(known).toMatchObject({ status: 304, etag: '"2"', body: undefined });
    }
    expect(await call(`GET ${path}`, undefined, { ifNoneMatch: '"1"' })).toMatchObject({ status: 200 });
    expect(await call("GET /accounts/none")).toMatchObject({ status: 404, body: { code: "accountMissing" } });
  });

  it("changes its owner only for who has seen it as it is", async () => {
    const path = await openAccount();
    const change = (ifMatch?: string) => call(`PATCH ${path}`, { owner: "Grace" }, { ifMatch });
    expect(await change()).toMatchObject({ status: 428, type: "application/problem+json" });
    expect(await change("3")).toMatchObject({ status: 400, body: { code: "ifMatchInvalid" } });
    expect(await change('"7"')).toMatchObject({ status: 412, body: { code: "versionConflict" } });
    expect(await change('"1"')).toMatchObject({ status: 200, etag: '"2"', body: { owner: "Grace" } });
    expect(await change('"1"')).toMatchObject({ status: 412 });
    expect(await change("*")).toMatchObject({ status: 200, etag: '"3"' });
  });

  it("keeps to its rules, and says in words which", async () => {
    const path = await openAccount();
    expect(await call(`PUT ${path}`, { owner: "Bob" })).toMatchObject({
      status: 409,
      body: { code: "accountExists" },
    });
    expect(await call(`POST ${path}/withdrawals`, { cents: 1 })).toMatchObject({
      status: 409,
      body: { code: "notEnoughMoney", detail: "The account has 0 cents." },
    });
    expect(await call(`POST ${path}/deposits`, { cents: -1 })).toMatchObject({ status: 422 });
    expect(await call(`POST ${path}/deposits`, "{")).toMatchObject({
      status: 400,
      body: { code: "bodyInvalid" },
    });
    expect(await call("GET /elsewhere")).toMatchObject({ status: 404, body: { code: "notFound" } });
    await store.append(`account|${accounts}`, [], { close: true });
    expect(await call(`POST ${path}/deposits`, { cents: 1 })).toMatchObject({
      status: 410,
      body: { code: "streamClosed" },
    });
  });
});

describe("an Idempotency-Key", () => {
  it("makes a repetition change nothing, whatever has happened since", async () => {
    const path = await openAccount();
    const once = { key: `deposit-${path}` };
    expect(await call(`POST ${path}/deposits`, { cents: 500 }, once)).toMatchObject({
      status: 200,
      etag: '"2"',
    });
    expect(await call(`POST ${path}/withdrawals`, { cents: 400 })).toMatchObject({ etag: '"3"' });
    expect(await call(`POST ${path}/deposits`, { cents: 500 }, once)).toMatchObject({
      status: 200,
      etag: '"3"',
      body: { cents: 100 },
    });
    expect(await call(`POST ${path}/deposits`, { cents: 9 }, once)).toMatchObject({
      status: 422,
      body: { code: "idempotencyKeyReused" },
    });
    expect(await call(`POST ${path}/deposits`, { cents: 9 }, { key: "" })).toMatchObject({
      status: 400,
      body: { code: "idempotencyKeyMissing" },
    });
    expect(await call(`GET ${path}`)).toMatchObject({ etag: '"3"', body: { cents: 100 } });
  });

  it("goes with If-Match: what was done is not a conflict with itself", async () => {
    const path = await openAccount();
    const request = { key: `owner-${path}`, ifMatch: '"1"' };
    for (let repetition = 0; repetition < 3; repetition++) {
      expect(await call(`PATCH ${path}`, { owner: "Grace" }, request)).toMatchObject({
        status: 200,
        etag: '"2"',
      });
    }
  });
});

describe("many at once", () => {
  it("all get their deposits in, each once, however often they send it", async () => {
    const path = await openAccount();
    const deposits = Array.from({ length: 12 }, (_, at) =>
      call(`POST ${path}/deposits`, { cents: 10 }, { key: `${path}-${at % 6}` }),
    );
    for (const { status } of await Promise.all(deposits)) expect(status).toBe(200);
    expect(await call(`GET ${path}`)).toMatchObject({ etag: '"7"', body: { cents: 60 } });
  });

  it("one wins of those that have seen the same", async () => {
    const path = await openAccount();
    const owners = ["Grace", "Edsger", "Barbara", "Donald", "Frances"];
    const answers = await Promise.all(
      owners.map((owner) => call(`PATCH ${path}`, { owner }, { ifMatch: '"1"' })),
    );
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      200, 412, 412, 412, 412,
    ]);
    const winner = owners[answers.findIndex(({ status }) => status === 200)];
    expect(await call(`GET ${path}`)).toMatchObject({ etag: '"2"', body: { owner: winner } });
  });

  it("no more is withdrawn than there is", async () => {
    const path = await openAccount();
    await call(`POST ${path}/deposits`, { cents: 300 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => call(`POST ${path}/withdrawals`, { cents: 100 })),
    );
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      200, 200, 200, 409, 409,
    ]);
  });
});

describe("when something is wrong with DynamoDB", () => {
  it("the caller is told to send it again, and then it is done once", async () => {
    const path = await openAccount();
    const once = { key: `throttled-${path}` };
    fate = "throttled";
    expect(await call(`POST ${path}/deposits`, { cents: 5 }, once)).toMatchObject({
      status: 503,
      retryAfter: "1",
      body: { code: "throttled" },
    });
    expect(problems.at(-1)?.cause).toMatchObject({ name: "ThrottlingException" });
    fate = "sent";
    expect(await call(`POST ${path}/deposits`, { cents: 5 }, once)).toMatchObject({
      status: 200,
      etag: '"2"',
    });
  });

  it("an answer that got lost is no error", async () => {
    const path = await openAccount();
    fate = "unheard";
    expect(await call(`POST ${path}/deposits`, { cents: 5 })).toMatchObject({ status: 200, etag: '"2"' });
    expect(fate).toBe("sent");
  });
});
