import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Capacity, commitIdFrom, createEventStore, eventsTable, meterCapacity } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { beforeAll, describe, expect, it } from "vitest";
import { issueInvoice } from "../src/issue-invoice.ts";
import { receivePayment } from "../src/receive-payment.ts";
import { registerUser } from "../src/register-user.ts";
import { schoolEvents, type SchoolStore } from "../src/school-events.ts";
import { subscribe } from "../src/subscribe.ts";

/** Requests and capacity units, exactly: the table of docs/decisions.md. */

const server = await startDynamoDBLocal({ log: false });
const client = new DynamoDBClient(server.clientConfig("decisioncosts"));
const meter = meterCapacity(client, { tables: [eventsTable()] });
const open = (): SchoolStore => createEventStore({ client, events: schoolEvents });

/** Measures a call; what it says it consumed, if it says so, has to be the same. */
async function costOf(act: () => Promise<{ readonly capacity: Capacity }>): Promise<readonly number[]> {
  meter.reset();
  const result = await act().catch(() => undefined);
  const { requests, readUnits, writeUnits } = meter.total();
  expect(result?.capacity ?? meter.total()).toEqual(meter.total());
  return [requests, readUnits, writeUnits];
}

beforeAll(async () => {
  await open().ensureTables();
  for (const course of ["a", "b", "c", "d"])
    await open().append(`course|${course}`, [{ type: "CourseOpened", data: { places: 2 } }]);
});

describe("requests, RCU and WCU", () => {
  it("a user name: 2, 1 and 6; one that is taken: 1, 1 and 0", async () => {
    const warm = open();
    for (const [index, store] of [open(), warm, warm].entries()) {
      const register = () => registerUser(store, { userId: `u${index}`, name: `name-${index}` });
      expect(await costOf(register)).toEqual([2, 1, 6]);
      expect(await costOf(register)).toEqual([1, 1, 0]);
    }
  });

  it("a subscription: 3, 2 and 4, a student's first one WCU more; a refusal: 3, 6 and 0", async () => {
    const warm = open();
    const subscription = (store: SchoolStore, courseId: string, student: string) => () =>
      subscribe(store, { courseId, student });
    expect(await costOf(subscription(open(), "a", "ada"))).toEqual([3, 2, 5]);
    expect(await costOf(subscription(open(), "b", "ada"))).toEqual([3, 2, 4]);
    expect(await costOf(subscription(warm, "a", "bob"))).toEqual([3, 2, 5]);
    expect(await costOf(subscription(warm, "b", "bob"))).toEqual([3, 2, 4]);
    expect(await costOf(subscription(warm, "a", "eve"))).toEqual([3, 6, 0]);
    const unverified = () => subscribe(warm, { courseId: "a", student: "eve" }, { verifyRefusals: false });
    expect(await costOf(unverified)).toEqual([2, 2, 0]);
  });

  it("an invoice: 3, 2 and 5, the first of a year one WCU more, however many there are; one issued before: 3, 6 and 0", async () => {
    const invoice = (store: SchoolStore, order: number) => () =>
      issueInvoice(store, { order: `order-${order}`, cents: 1_00, year: 2026 });
    expect(await costOf(invoice(open(), 0))).toEqual([3, 2, 6]);
    const warm = open();
    for (let order = 1; order < 60; order++) expect(await costOf(invoice(warm, order))).toEqual([3, 2, 5]);
    expect(await costOf(invoice(open(), 60))).toEqual([3, 2, 5]);
    expect(await costOf(invoice(open(), 5))).toEqual([3, 6, 0]);
  });

  it("a payment with a token: 2, 1 and 5, in a process that has not seen the account 3, 2 and 5; repeated: 1, 1 and 0", async () => {
    const warm = open();
    const payment = (store: SchoolStore, token: number) => () =>
      receivePayment(store, { token: `token-${token}`, account: "school", cents: 1_00 });
    expect(await costOf(payment(warm, 0))).toEqual([3, 2, 6]);
    for (let token = 1; token < 5; token++) expect(await costOf(payment(warm, token))).toEqual([2, 1, 5]);
    expect(await costOf(payment(open(), 5))).toEqual([3, 2, 5]);
    expect(await costOf(payment(open(), 5))).toEqual([1, 1, 0]);
  });

  it("a repetition by commit id: the reads, and 1 request and 1 RCU for each stream written to", async () => {
    const commitId = commitIdFrom("subscription-1");
    const again = (store: SchoolStore) => () =>
      subscribe(store, { courseId: "c", student: "carl" }, { commitId });
    expect(await costOf(again(open()))).toEqual([3, 2, 5]);
    expect(await costOf(again(open()))).toEqual([4, 4, 0]);
  });

  it("a conflict: 1 request and the write units of a refused transaction, no read", async () => {
    const [store, rival] = [open(), open()];
    let meddle = (): Promise<unknown> => subscribe(rival, { courseId: "d", student: "faster" });
    const slow: SchoolStore = {
      ...store,
      async transact(writes, options) {
        await meddle();
        meddle = async () => undefined;
        meter.reset();
        return store.transact(writes, options);
      },
    };
    const { attempts, capacity } = await subscribe(slow, { courseId: "d", student: "slower" });
    expect(attempts).toBe(2);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 5 });
    expect(capacity).toEqual({ requests: 4, readUnits: 2, writeUnits: 4 + 5 });
  });
});
