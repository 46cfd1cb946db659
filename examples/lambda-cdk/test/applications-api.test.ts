import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { DynamoDBClient, GetItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { createEventStore, createSequencer, type RecordedEvent } from "@tuppence/core";
import { configOf } from "@tuppence/test-support/database";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { permitEvents } from "../src/permit-events.ts";
import { type LocalApi, openLocalApi } from "./local-api.ts";
import { createLocalTables } from "./local-tables.ts";
import { synthesizeStack } from "./synthesized-stack.ts";

const stack = synthesizeStack();
const config = configOf("cdkapi");
const client = new DynamoDBClient(config);
const store = createEventStore({ client, events: permitEvents, tablePrefix: "permits" });
const api: LocalApi = openLocalApi(stack, config);

beforeAll(() => createLocalTables(client, stack));
afterAll(() => rm(stack.folder, { recursive: true }));

const HOUSE = { applicant: "Ada Lovelace", address: "12 St James's Square", plan: "A house." };

async function read(permitId: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.read(`permit|${permitId}`)) events.push(event);
  return events;
}

describe("an application that API Gateway has stored", () => {
  const id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
  const time = Date.now() - 5_000;

  it("is the first event of its stream", async () => {
    const response = await api.put({ id, body: JSON.stringify(HOUSE), time });
    expect(response).toEqual({ status: 201, body: { permitId: id, streamId: `permit|${id}`, version: 1 } });
    expect(await read(id)).toEqual([
      {
        streamId: `permit|${id}`,
        type: "PermitRequested",
        data: HOUSE,
        metadata: {},
        version: 1,
        eventId: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}\/0$/),
        recordedAt: new Date(time),
      },
    ]);
  });

  it("is refused when it comes again, and nothing of it changes", async () => {
    const [before] = await read(id);
    const response = await api.put({ id, body: JSON.stringify({ ...HOUSE, plan: "Another." }) });
    expect(response).toEqual({ status: 409, body: { message: "There is an application with this id." } });
    expect(await read(id)).toEqual([before]);
  });

  it("is listed, appended to, loaded, found by its commit, and in the log", async () => {
    const streams: string[] = [];
    for await (const name of store.listStreams("permit")) streams.push(name);
    expect(streams).toContain(`permit|${id}`);
    const decided = {
      type: "PermitDecided",
      data: { granted: true, reason: "It is a fine house." },
    } as const;
    const { version } = await store.append(`permit|${id}`, [decided], { expectedVersion: 1 });
    expect(version).toBe(2);
    const fold = {
      initialState: () => [] as string[],
      evolve: (types: string[], { type }: RecordedEvent) => [...types, type],
    };
    expect((await store.load(`permit|${id}`, fold)).state).toEqual(["PermitRequested", "PermitDecided"]);
    const events = await read(id);
    const [commitId = ""] = events[0]?.eventId.split("/") ?? [];
    expect(await store.findCommit(`permit|${id}`, commitId)).toMatchObject({
      version: 1,
      events: [events[0]],
    });
    const { Items = [] } = await client.send(new ScanCommand({ TableName: "permits-events" }));
    await createSequencer({ client, tablePrefix: "permits" }).sequence(Items);
    const logged: RecordedEvent[] = [];
    for await (const event of store.readAll({ consistency: "strong" })) logged.push(event);
    expect(logged.filter(({ streamId }) => streamId === `permit|${id}`)).toMatchObject(events);
  });

  it("has the same commit id for the same permit, in 16 bytes, and another for another", async () => {
    const another = "6ba7b810-9dad-41d1-80b4-00c04fd430c9";
    await api.put({ id: another, body: JSON.stringify(HOUSE) });
    const ids = await Promise.all([id, another].map(async (each) => (await read(each))[0]?.eventId));
    expect(ids[0]).not.toBe(ids[1]);
    const Key = { p: { S: `permit|${another}` }, s: { N: "1" } };
    const { Item } = await client.send(new GetItemCommand({ TableName: "permits-events", Key }));
    expect(Item?.["i"]?.B).toHaveLength(16);
    // The digits of the UUID behind the eleventh, as Base64.
    expect(Buffer.from(Item?.["i"]?.B ?? []).toString("base64")).toBe("d41d180b400c04fd430c9A==");
  });
});

describe("whatever is in it comes out as it went in", () => {
  const texts = {
    "quotes and backslashes": `"double" 'single' \`back\` \\' \\" \\\\ \\u0022 \\n`,
    "what looks like Velocity": `$id \${commitId} $!x #set($id = "x") #if(true) #end $util.escapeJavaScript("x") #* *# ## $input.json('$')`,
    "what would end the JSON": `"}]]" }, "k": { "BOOL": true }, "p": { "S": "$all" } }`,
    "what would be another event": `"}],["PermitDecided",{"granted":true,"reason":""}]]`,
    "control characters": "\u0000\u0001\b\t\n\f\r\u001f\u007f\u0080\u2028\u2029\ufeff",
    "other scripts": "Bauantrag für Łódź, 建築許可, Ελλάδα, 🏠👩‍👩‍👧, e\u0301",
    slashes: "</script> https://example.org/a//b \\/",
    blanks: " ",
    "90,000 characters": "plan ".repeat(18_000),
    "90,000 bytes of four": "🏠".repeat(22_500),
  };
  it.each(Object.entries(texts))("%s", async (_, plan) => {
    const id = randomUUID();
    const data = { applicant: plan.slice(0, 40), address: "x", plan };
    const { status } = await api.put({ id, body: JSON.stringify(data) });
    expect(status).toBe(201);
    expect(await read(id)).toMatchObject([{ type: "PermitRequested", data, version: 1 }]);
  });

  it("in whatever way its JSON is written", async () => {
    const id = randomUUID();
    const body = ` {\r\n "plan" : "\\u0041\\/\\ud83c\\udfe0" ,\t"address":"\\"","applicant" :"'" } \n`;
    expect(await api.put({ id, body })).toMatchObject({ status: 201 });
    expect(await read(id)).toMatchObject([{ data: { plan: "A/🏠", address: '"', applicant: "'" } }]);
  });

  it("nested, if the model let it pass", async () => {
    const id = randomUUID();
    const data = { list: [1, -0.5, 1e300, true, null, { deep: { "'\"\\": [[]] } }], empty: {}, "": "" };
    expect(await api.put({ id, body: JSON.stringify(data), validates: false })).toMatchObject({
      status: 201,
    });
    expect(await read(id)).toMatchObject([{ data }]);
  });
});

describe("is refused, and nothing is stored", () => {
  it.each([
    ["nothing", ""],
    ["no JSON", "{ applicant: 'Ada' }"],
    ["more than one value", `${JSON.stringify(HOUSE)},["PermitDecided",{}]`],
    ["no object", "[]"],
    ["a field less", JSON.stringify({ applicant: "Ada", address: "x" })],
    ["a field more", JSON.stringify({ ...HOUSE, granted: true })],
    ["a field of another type", JSON.stringify({ ...HOUSE, plan: { S: "x" } })],
    ["an empty field", JSON.stringify({ ...HOUSE, plan: "" })],
    ["a field that is too long", JSON.stringify({ ...HOUSE, plan: "x".repeat(90_001) })],
  ])("%s", async (_, body) => {
    const id = randomUUID();
    expect(await api.put({ id, body })).toEqual({ status: 400, body: { message: "Invalid request body" } });
    expect(await read(id)).toEqual([]);
  });

  it("what is no JSON by its type", async () => {
    const id = randomUUID();
    const response = await api.put({ id, body: JSON.stringify(HOUSE), contentType: "text/plain" });
    expect(response.status).toBe(415);
    expect(await read(id)).toEqual([]);
  });

  it("what DynamoDB has no room for", async () => {
    const id = randomUUID();
    const body = JSON.stringify({ ...HOUSE, plan: "x".repeat(500_000) });
    expect(await api.put({ id, body, validates: false })).toMatchObject({ status: 400 });
    expect(await read(id)).toEqual([]);
  });

  it.each([
    "",
    "1",
    "6BA7B810-9DAD-41D1-80B4-00C04FD430C8",
    "6ba7b810-9dad-41d1-80b4-00c04fd430c8%0A",
    "6ba7b810-9dad-41d1-80b4-00c04fd430c8%7Cx",
    "%24all",
    "%22%20%7D%2C%20%22k%22%3A%20%7B%20%22BOOL%22%3A%20true%20%7D%2C%20%22x%22%3A%20%7B%20%22S%22%3A%20%22",
    "%24util.escapeJavaScript(%27x%27)",
    "%23set(%24context.requestTimeEpoch%20%3D%200)",
  ])("the id %j", async (id) => {
    const before = await client.send(new ScanCommand({ TableName: "permits-events", Select: "COUNT" }));
    const { status, body } = await api.put({ id, body: JSON.stringify(HOUSE) });
    expect(status).toBe(400);
    expect(body).toEqual({ message: "The id is no UUID in lower case, or the application is too large." });
    const after = await client.send(new ScanCommand({ TableName: "permits-events", Select: "COUNT" }));
    expect(after.Count).toBe(before.Count);
  });
});

describe("what the template has for that is needed", () => {
  const without = (part: string, instead: string): LocalApi => {
    const changed = (template: string): string => {
      expect(template).toContain(part);
      return template.replace(part, () => instead);
    };
    return openLocalApi(stack, config, changed);
  };

  it.each([
    ["escapes", `$util.escapeJavaScript($input.json('$')).replaceAll("\\\\'", "'")`, "$input.json('$')"],
    ["quotes that are no escapes", `.replaceAll("\\\\'", "'")`, ""],
  ])("without %s, DynamoDB can't read it", async (_, part, instead) => {
    const id = randomUUID();
    // It is status 400 on AWS.
    expect((await without(part, instead).put({ id, body: JSON.stringify(HOUSE) })).status).not.toBe(201);
    expect(await read(id)).toEqual([]);
  });

  it("without the condition, one application takes the place of another", async () => {
    const unconditional = without(`,\n  "ConditionExpression": "attribute_not_exists(p)"`, "");
    const id = randomUUID();
    for (const plan of ["A house.", "A castle."]) {
      const body = JSON.stringify({ ...HOUSE, plan });
      expect(await unconditional.put({ id, body })).toMatchObject({ status: 201 });
    }
    expect(await read(id)).toMatchObject([{ data: { plan: "A castle." } }]);
  });

  it("and whatever it says, the role of the API allows streams of permits only", async () => {
    const elsewhere = without(`"permit|$id"`, `"$all"`);
    const put = elsewhere.put({ id: randomUUID(), body: JSON.stringify(HOUSE) });
    await expect(put).rejects.toThrow("The API may not PutItem $all into permits-events.");
  });
});
