import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, eventsTable, meterCapacity } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { createMemoryEventStore, createMemoryStorage } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { issueInvoice } from "../src/issue-invoice.ts";
import { registerUser } from "../src/register-user.ts";
import { runRaces } from "../src/run-races.ts";
import { schoolEvents, type SchoolStore } from "../src/school-events.ts";
import { subscribe, TooManyCoursesError } from "../src/subscribe.ts";

const server = await startDynamoDBLocal({ log: false });
const client = new DynamoDBClient(server.clientConfig("decisionraces"));
const storage = createMemoryStorage();
await createEventStore({ client }).ensureTables();

const PLACES: Record<string, () => SchoolStore> = {
  "in memory": () => createMemoryEventStore({ events: schoolEvents, storage }),
  "on DynamoDB": () => createEventStore({ client, events: schoolEvents }),
};

describe.each(Object.entries(PLACES))("8 processes %s", (_name, open) => {
  it("who want one place each: as many win as there are, the rule refuses the others", async () => {
    const [names, places, invoices, payments] = await runRaces(open);
    expect(names).toMatchObject({ stored: 1, refused: { NameTakenError: 7 } });
    expect(places).toMatchObject({ stored: 3, refused: { CourseFullError: 5 } });
    expect(invoices).toMatchObject({ stored: 8, refused: {}, numbers: [1, 2, 3, 4, 5, 6, 7, 8] });
    expect(payments).toMatchObject({ stored: 1, nothing: 7, refused: {} });
  });

  it("number 5 invoices each: 1 to 40, no gap, none twice", async () => {
    const stores = Array.from({ length: 8 }, open);
    const issued = await Promise.all(
      stores.map(async (store, racer) => {
        const numbers: number[] = [];
        for (let each = 0; each < 5; each++) {
          const { appends } = await issueInvoice(
            store,
            { order: `racer-${racer}-${each}`, cents: 1_00, year: 2027 },
            { maxAttempts: 1_000 },
          );
          for (const { events } of appends)
            for (const event of events) if (event.type === "InvoiceIssued") numbers.push(event.data.number);
        }
        return numbers;
      }),
    );
    const expected = Array.from({ length: 40 }, (_, index) => index + 1);
    expect(issued.flat().toSorted((one, other) => one - other)).toEqual(expected);
    const given: number[] = [];
    for await (const event of open().read("invoice-numbers|2027")) given.push(event.version);
    expect(given).toEqual(expected);
  });

  it("let no student take more courses than allowed, however many subscribe at once", async () => {
    const stores = Array.from({ length: 8 }, open);
    const courses = Array.from(stores.keys(), (index) => `limit-${index}`);
    for (const courseId of courses)
      await open().append(`course|${courseId}`, [{ type: "CourseOpened", data: { places: 1 } }]);
    const results = await Promise.allSettled(
      stores.map((store, index) => subscribe(store, { courseId: courses[index] ?? "", student: "eager" })),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    const refusals = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refusals.every((refusal) => refusal instanceof TooManyCoursesError)).toBe(true);
  });
});

it("unrelated decisions never conflict: no request more than each alone", async () => {
  const ownClient = new DynamoDBClient(server.clientConfig("decisionpeace"));
  await createEventStore({ client: ownClient }).ensureTables();
  const meter = meterCapacity(ownClient, { tables: [eventsTable()] });
  const results = await Promise.all(
    Array.from({ length: 30 }, (_, each) =>
      registerUser(createEventStore({ client: ownClient, events: schoolEvents }), {
        userId: `user-${each}`,
        name: `name-${each}`,
      }),
    ),
  );
  expect(results.map(({ attempts }) => attempts)).toEqual(results.map(() => 1));
  expect(meter.calls.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(meter.total()).toEqual({ requests: 30 * 2, readUnits: 30, writeUnits: 30 * 6 });
  ownClient.destroy();
});
