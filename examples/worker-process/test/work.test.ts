import { createProjections } from "@tuppence/projections";
import { configOf, connect } from "@tuppence/test-support/database";
import { afterAll, expect, it } from "vitest";
import { customers, openShop } from "../src/shop.ts";
import { WorkerProcess } from "./worker-process.ts";

const DATABASE = "exampleWorkerProcess";
const config = configOf(DATABASE);
const client = connect(DATABASE);
const { store } = openShop(client);
const processes: WorkerProcess[] = [];

afterAll(async () => {
  await Promise.all(processes.map((each) => each.end("SIGKILL")));
  client.destroy();
});

/** The program, told by its environment where everything is; leases are short, so that nobody waits for long. */
async function start(): Promise<WorkerProcess> {
  const started = new WorkerProcess({
    AWS_ENDPOINT_URL: config.endpoint,
    AWS_REGION: config.region,
    AWS_ACCESS_KEY_ID: DATABASE,
    AWS_SECRET_ACCESS_KEY: "none",
    LEASE_DURATION_MS: "2000",
    PAYMENT_TIME: "1s",
  });
  processes.push(started);
  await expect.poll(() => started.isStarted, { timeout: 60_000 }).toBe(true);
  return started;
}

async function place(order: string, customer: string): Promise<void> {
  const data = { order, customer, cents: 100 };
  await store.append(`order|${order}`, [{ type: "OrderPlaced", data }], { expectedVersion: "noStream" });
}

/** All that followed from an order. */
async function followedFrom(order: string): Promise<readonly string[]> {
  const types: string[] = [];
  for (const stream of [`letter|${order}`, `reminder|${order}`]) {
    for await (const { type } of store.read(stream)) types.push(type);
  }
  return types;
}

/** Waits until what has to follow from an order is there: each thing once. */
async function expectDone(orders: readonly string[]): Promise<void> {
  for (const order of orders) {
    await expect
      .poll(() => followedFrom(order), { timeout: 90_000, interval: 200 })
      .toEqual(["LetterSent", "PaymentReminded"]);
  }
}

it("does all work, hands it over when it is told to stop, and takes it over from who died", async () => {
  const first = await start();
  await place("1", "Ada");
  await place("2", "Grace");
  await expectDone(["1", "2"]);

  const second = await start();
  await place("3", "Ada");
  expect(await first.end("SIGTERM")).toBe(0);
  await place("4", "Ada");
  await expectDone(["3", "4"]);

  await place("5", "Grace");
  expect(await second.end("SIGKILL")).toBe("SIGKILL");
  await place("6", "Ada");
  const third = await start();
  await expectDone(["1", "2", "3", "4", "5", "6"]);
  const documents = createProjections({ client, store }).documents(customers);
  await expect.poll(() => documents.get("Ada")).toEqual({ orders: 4, cents: 400 });
  await expect.poll(() => documents.get("Grace")).toEqual({ orders: 2, cents: 200 });
  expect(await third.end("SIGTERM")).toBe(0);
});
