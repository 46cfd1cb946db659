import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
import { connect } from "@tuppence/test-support/database";
const client = connect("howtoappend");
//#region open
import { commitIdFrom, createCommandHandler, createEventStore, OutcomeUnknownError } from "@tuppence/core";
import { type OrderEvent, orderEvents } from "./order-events.ts";

const store = createEventStore({ client, events: orderEvents }); // keep it for the life of the process
//#endregion open

//#region fold
interface Order {
  readonly cents: number;
  readonly paid: number;
}

const order = {
  initialState: (): Order => ({ cents: 0, paid: 0 }),
  evolve(state: Order, event: OrderEvent): Order {
    if (event.type === "OrderPlaced") return { ...state, cents: event.data.cents };
    if (event.type === "OrderPaid") return { ...state, paid: state.paid + event.data.cents };
    return state;
  },
};
//#endregion fold

it("appends, loads, and meets conflicts", async () => {
  const printed = capturePrinted();
  await store.ensureTables();

  //#region append
  const placed = await store.append(
    "order|1",
    [{ type: "OrderPlaced", data: { customer: "ada", cents: 12_50 } }],
    { expectedVersion: "noStream", metadata: { correlationId: "request-1" } },
  );
  console.log(placed.version, placed.capacity);
  //#endregion append

  //#region load
  const { state, version } = await store.load("order|1", order);
  console.log(state, version);
  //#endregion load

  //#region expected
  const paid = await store.append("order|1", [{ type: "OrderPaid", data: { cents: state.cents } }], {
    expectedVersion: version, // refused if anything has happened since the load
  });
  console.log(paid.version);
  //#endregion expected

  //#region handler
  const pay = createCommandHandler({
    store,
    decider: {
      ...order,
      decide: (cents: number, { cents: total, paid: so }: Order) =>
        so + cents > total ? [] : { type: "OrderPaid" as const, data: { cents } },
    },
  });
  const result = await pay("order|1", 5_00);
  console.log(result.events.length, result.state, result.attempts);
  //#endregion handler

  //#region idempotent
  const shipped = [{ type: "OrderShipped", data: { parcel: "parcel-7" } }] as const;
  const once = { commitId: commitIdFrom("ship-order-1") };
  const first = await store.append("order|1", shipped, once);
  const again = await store.append("order|1", shipped, once);
  console.log(first.version, first.duplicate);
  console.log(again.version, again.duplicate);
  //#endregion idempotent

  //#region read
  for await (const { version: at, type, metadata } of store.read("order|1", {
    direction: "backward",
    limit: 2,
  })) {
    console.log(at, type, metadata);
  }
  const asOf = await store.load("order|1", order, { toVersion: 1 });
  console.log(asOf.state);
  //#endregion read

  //#region close
  await store.append("order|1", [], { close: true });
  //#endregion close
  await expect(store.append("order|1", shipped)).rejects.toMatchObject({ code: "streamClosed" });
  await expectAllShown("how-to/append-and-load.md", printed, {
    append: 1,
    load: 1,
    expected: 1,
    handler: 1,
    idempotent: 2,
    read: 3,
  });
});

it("asks again when the outcome is not known", async () => {
  const shipped = [{ type: "OrderShipped", data: { parcel: "parcel-8" } }] as const;
  //#region unknown
  async function appendSurely(streamId: string, commitId: string): Promise<number> {
    try {
      return (await store.append(streamId, shipped, { commitId })).version;
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
      return appendSurely(streamId, commitId); // in production: after a pause, and not for ever
    }
  }
  //#endregion unknown
  let puts = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context["commandName"] !== "PutItemCommand") return next(args);
      const [outcome] = await Promise.allSettled([next(args)]);
      if (++puts <= 5) throw Object.assign(new Error("The reply is lost."), { name: "TimeoutError" });
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    },
    { step: "finalizeRequest", priority: "high", name: "lost-replies" },
  );
  try {
    const version = await appendSurely("order|2", commitIdFrom("ship-order-2"));
    expect(version).toBe(1);
    const versions: number[] = [];
    for await (const event of store.read("order|2")) versions.push(event.version);
    expect(versions).toEqual([1]);
    expect(puts).toBe(6);
  } finally {
    client.middlewareStack.remove("lost-replies");
  }
});
