import { CreateTableCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import {
  type AlsoWrite,
  commitIdFrom,
  createEventStore,
  type Decider,
  defineEvents,
  type Encryption,
  type EventOf,
  forgotten,
  nextVersion,
  upcastData,
} from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
//#region decider-imports
import { testDecider } from "@tuppence/core/testing";
//#endregion decider-imports
import { expect, it } from "vitest";
import { z } from "zod";
import { connect } from "@tuppence/test-support/database";

it("other tables are written to with an append", async () => {
  const client = connect("docscore");
  const store = createEventStore({ client });
  await store.ensureTables();
  await client.send(
    new CreateTableCommand({
      TableName: "outbox",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    }),
  );
  const requestId = "request-1";
  const opened = { type: "CaseOpened", data: {} };
  const closed = { type: "CaseClosed", data: {} };
  const audited = (version: number): AlsoWrite => ({
    Put: { TableName: "outbox", Item: { id: { S: `case|1/${version}` } } },
  });
  //#region also
  const entry = { type: { S: "mail" }, id: { S: requestId } };
  const put = { TableName: "outbox", Item: entry, ConditionExpression: "attribute_not_exists(id)" };
  await store.append("case|1", [opened], { commitId: commitIdFrom(requestId), also: [{ Put: put }] });

  await store.append("case|1", [closed], { also: (events) => events.map(({ version }) => audited(version)) });
  //#endregion also
  const { Items = [] } = await client.send(new ScanCommand({ TableName: "outbox" }));
  expect(new Set(Items.map(({ id }) => id?.S))).toEqual(new Set(["case|1/2", "request-1"]));
});

it("an event type has versions", async () => {
  const split = (address: string) => {
    const [street = "", city = ""] = address.split(", ");
    return { street, city };
  };
  //#region versions
  const movedV1 = z.object({ address: z.string() });
  const movedV2 = nextVersion(movedV1, z.object({ street: z.string(), city: z.string() }), ({ address }) =>
    split(address),
  );
  const moved = nextVersion(
    movedV2,
    z.object({ street: z.string(), city: z.string(), country: z.string() }),
    (old) => ({ ...old, country: "NL" }),
  );
  const events = defineEvents({ Moved: moved }); // append takes and reads give the newest
  //#endregion versions
  expect(Object.keys(events)).toEqual(["Moved"]);
  expect(upcastData(moved, 1, { address: "Dam 1, Amsterdam" })).toEqual({
    street: "Dam 1",
    city: "Amsterdam",
    country: "NL",
  });
});

it("a person is forgotten", async () => {
  const moved = z.object({ customer: z.string() });
  const dropped = new Set<string>();
  const keys = {
    encrypt: (_subject: string, body: Uint8Array) => body.map((byte) => byte ^ 0x55),
    decrypt: (subject: string, body: Uint8Array) =>
      dropped.has(subject) ? undefined : body.map((byte) => byte ^ 0x55),
  };
  //#region forgetting
  const events = defineEvents({ Moved: moved, $forgotten: forgotten });
  const encryption: Encryption = {
    subjectOf: ({ data }) => (data as { customer?: string }).customer, // undefined: in the clear
    encrypt: (subject, body) => keys.encrypt(subject, body),
    decrypt: (subject, body) => keys.decrypt(subject, body), // undefined: the key was dropped
  };
  const store = createMemoryEventStore({ events, encryption }); // or createEventStore({ client, … })
  //#endregion forgetting
  await store.append("customer|ada", [{ type: "Moved", data: { customer: "ada" } }]);
  dropped.add("ada");
  for await (const event of store.read("customer|ada")) {
    expect(event).toMatchObject({ type: "$forgotten", data: { type: "Moved", subject: "ada" }, version: 1 });
  }
});

const accountEvents = defineEvents({
  Opened: z.object({ owner: z.string() }),
  Deposited: z.object({ amount: z.number() }),
  Withdrawn: z.object({ amount: z.number() }),
});
type AccountEvent = EventOf<typeof accountEvents>;
type Command =
  | { readonly kind: "open"; readonly owner: string }
  | { readonly kind: "deposit" | "withdraw"; readonly amount: number };

const account: Decider<Command, { readonly open: boolean; readonly balance: number }, AccountEvent> = {
  initialState: () => ({ open: false, balance: 0 }),
  evolve(state, event) {
    if (event.type === "Opened") return { ...state, open: true };
    const change = event.type === "Deposited" ? event.data.amount : -event.data.amount;
    return { ...state, balance: state.balance + change };
  },
  decide(command, { open, balance }) {
    if (command.kind === "open") return open ? [] : { type: "Opened", data: { owner: command.owner } };
    if (command.kind === "deposit") return { type: "Deposited", data: { amount: command.amount } };
    if (command.amount > balance) throw new Error("not enough money");
    return { type: "Withdrawn", data: { amount: command.amount } };
  },
};

it("a decider is tested without a store", () => {
  const opened = { type: "Opened", data: { owner: "Ada" } } as const;
  const deposited = { type: "Deposited", data: { amount: 5 } } as const;
  //#region decider
  const given = testDecider(account);
  given([opened])
    .when({ kind: "deposit", amount: 5 })
    .thenEvents([{ type: "Deposited", data: { amount: 5 } }]);
  given([opened]).when({ kind: "open", owner: "Bob" }).thenNothing();
  given([opened]).when({ kind: "withdraw", amount: 5 }).thenThrows("not enough money");
  given([opened, deposited]).thenState({ open: true, balance: 5 }); // after when(…): with what was decided
  given([opened, deposited]).thenState((state) => state.balance, 5); // only what a function sees in it
  //#endregion decider
});
