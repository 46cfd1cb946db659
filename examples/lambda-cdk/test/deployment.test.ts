import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { auditLog, createEventStore } from "@tuppence/core";
import type { EventSourceMapping } from "@tuppence/local/lambda";
import { createProjections } from "@tuppence/projections";
import { createQueue } from "@tuppence/queue";
import { createScheduler } from "@tuppence/scheduler";
import type { DynamoDBStreamEvent } from "aws-lambda";
import { configOf } from "@tuppence/test-support/database";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { LETTERS, lettersPlace } from "../src/letter.ts";
import { permitEvents } from "../src/permit-events.ts";
import { permits } from "../src/permits.ts";
import { openLocalApi } from "./local-api.ts";
import { type LocalStackFunction, realClient, startLocalFunction } from "./local-functions.ts";
import { createLocalTables } from "./local-tables.ts";
import { roleOf, statementsOf } from "./role-policy.ts";
import { synthesizeStack } from "./synthesized-stack.ts";

/** The bundles that would be deployed, in the runtime of Lambda, woken as their mappings say, allowed what their roles allow. */
const stack = synthesizeStack();
const config = configOf("cdkstack");
const client = new DynamoDBClient(config);
const place = { client, tablePrefix: "permits" };
const store = createEventStore({ ...place, events: permitEvents });
const documents = createProjections({ ...place, store }).documents(permits);
const letters = createQueue({ ...lettersPlace(place), name: LETTERS });
const scheduler = createScheduler(place);
const api = openLocalApi(stack, config);

const functions: LocalStackFunction[] = [];
const mappings: EventSourceMapping[] = [];

beforeAll(async () => {
  await createLocalTables(client, stack);
  for (const name of ["Log", "Projections", "Letters", "Deadlines"]) {
    const fn = await startLocalFunction(stack, name, { config });
    functions.push(fn);
    mappings.push(await fn.connect());
  }
});

afterAll(async () => {
  await Promise.all(mappings.map((mapping) => mapping.stop()));
  await Promise.all(functions.map((fn) => fn[Symbol.asyncDispose]()));
  await rm(stack.folder, { recursive: true });
});

const DAY_MS = 86_400_000;

async function request(time: number): Promise<string> {
  const id = randomUUID();
  const body = JSON.stringify({ applicant: "Ada", address: "12 St James's Square", plan: "A house." });
  expect(await api.put({ id, body, time })).toMatchObject({ status: 201 });
  return id;
}

async function typesOf(permitId: string): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of store.read(`permit|${permitId}`)) types.push(type);
  return types;
}

/** All of it is there once; until then it is looked at again and again. */
function becomes(permitId: string, permit: object): Promise<void> {
  const get = (): Promise<unknown> => documents.get(permitId).catch((error: Error) => error.message);
  return expect.poll(get, { timeout: 120_000, interval: 100 }).toMatchObject(permit);
}

describe(`the stack, ${typeof realClient === "string" ? "in our own runtime" : "in AWS's own runtime interface client"}`, () => {
  it("does all that follows from an application, and nothing twice", async () => {
    const old = await request(Date.now() - 9 * 7 * DAY_MS);
    const young = await request(Date.now());
    await becomes(young, { applicant: "Ada", state: "requested", isLate: false, lettersSent: 1 });
    expect(await scheduler.get(`decide|${young}`)).toMatchObject({ state: "pending" });
    const decided = { type: "PermitDecided", data: { granted: true, reason: "" } } as const;
    await store.append(`permit|${young}`, [decided], { expectedVersion: 2 });
    await becomes(young, { state: "granted", isLate: false, lettersSent: 2 });
    expect(await scheduler.get(`decide|${young}`)).toMatchObject({ state: "cancelled" });
    // Eight weeks are over: as soon as DynamoDB removes the doorbell.
    await becomes(old, { state: "requested", isLate: true, lettersSent: 1 });
    for (const mapping of mappings) await mapping.whenCaughtUp();
    expect(await typesOf(young)).toEqual(["PermitRequested", "LetterSent", "PermitDecided", "LetterSent"]);
    expect((await typesOf(old)).toSorted()).toEqual(["DeadlinePassed", "LetterSent", "PermitRequested"]);
    expect(await letters.status("post")).toMatchObject({ depth: 0, parked: 0 });
    const report = await auditLog({ ...place, graceMs: 0 });
    expect(report).toMatchObject({ positions: 7, streams: 2, missing: [], outOfOrder: [], repeated: [] });
    expect(mappings.map(({ stats }) => stats.failures)).toEqual([0, 0, 0, 0]);
    expect(functions.flatMap(({ endpoint }) => endpoint.refused)).toEqual([]);
  });

  it("would not, if a role allowed an action less", async () => {
    const statements = statementsOf(stack, roleOf(stack, "Log")).map((statement) => ({
      ...statement,
      actions: statement.actions.filter((action) => action !== "dynamodb:PutItem"),
    }));
    const log = await startLocalFunction(stack, "Log", { config, statements });
    onTestFinished(() => log[Symbol.asyncDispose]());
    const id = randomUUID();
    const newImage = {
      p: { S: `permit|${id}` },
      s: { N: "1" },
      i: { B: Buffer.alloc(16, 7).toString("base64") },
      t: { N: String(Date.now()) },
      e: { S: `[["PermitRequested",{}]]` },
    };
    const dynamodb = { SequenceNumber: "1", Keys: { p: newImage.p, s: newImage.s }, NewImage: newImage };
    const event: DynamoDBStreamEvent = {
      Records: [{ eventID: id, eventName: "INSERT", eventSource: "aws:dynamodb", dynamodb }],
    };
    const { payload } = await log.function.invoke(event);
    expect(JSON.parse(payload)).toEqual({ batchItemFailures: [{ itemIdentifier: "1" }] });
    expect(log.endpoint.refused).toContain("PutItem permits-events");
  });
});
