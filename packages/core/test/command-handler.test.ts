import { describe, expect, it } from "vitest";
import { z } from "zod";
import { collect } from "../src/contract/fixtures.ts";
import {
  commitIdFrom,
  createCommandHandler,
  createEventStore,
  type Decider,
  defineEvents,
  type EventOf,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { connect } from "./test-database.ts";

const events = defineEvents({
  Opened: z.object({ owner: z.string() }),
  Deposited: z.object({ amount: z.number().positive() }),
  Withdrawn: z.object({ amount: z.number().positive() }),
});
type Event = EventOf<typeof events>;
type Command =
  | { readonly kind: "open"; readonly owner: string }
  | { readonly kind: "deposit" | "withdraw"; readonly amount: number };
interface Account {
  readonly open: boolean;
  readonly balance: number;
}

const account: Decider<Command, Account, Event> = {
  initialState: () => ({ open: false, balance: 0 }),
  evolve(state, event) {
    switch (event.type) {
      case "Opened":
        return { ...state, open: true };
      case "Deposited":
        return { ...state, balance: state.balance + event.data.amount };
      case "Withdrawn":
        return { ...state, balance: state.balance - event.data.amount };
    }
  },
  decide(command, state) {
    if (command.kind === "open") return state.open ? [] : { type: "Opened", data: { owner: command.owner } };
    if (!state.open) throw new Error("no such account");
    if (command.kind === "deposit") return { type: "Deposited", data: { amount: command.amount } };
    if (command.amount > state.balance) throw new Error("not enough money");
    return [{ type: "Withdrawn", data: { amount: command.amount } }];
  },
};

describe("a command handler", () => {
  const open = () => {
    const store = createMemoryEventStore({ events });
    return { store, handle: createCommandHandler({ store, decider: account }) };
  };

  it("says which stream it was about, for whoever waits for its events", async () => {
    const { store, handle } = open();
    const command = { kind: "open", owner: "Ada" } as const;
    expect(await handle("account|1", command)).toMatchObject({ streamId: "account|1", version: 1 });
    const inBatch = createCommandHandler({ store, decider: account, batch: true });
    expect(await inBatch("account|2", command)).toMatchObject({ streamId: "account|2", version: 1 });
    expect(await inBatch("account|2", command)).toMatchObject({ streamId: "account|2", events: [] });
  });

  it("appends what is decided and gives the state after it", async () => {
    const { store, handle } = open();
    const opened = await handle(
      "account|1",
      { kind: "open", owner: "Ada" },
      { metadata: { correlationId: "r1" } },
    );
    expect(opened).toMatchObject({
      version: 1,
      state: { open: true, balance: 0 },
      attempts: 1,
      duplicate: false,
    });
    const deposited = await handle("account|1", { kind: "deposit", amount: 5 });
    expect(deposited).toMatchObject({ version: 2, state: { open: true, balance: 5 } });
    expect([...opened.events, ...deposited.events]).toEqual(await collect(store.read("account|1")));
    expect(opened.events[0]?.metadata).toEqual({ correlationId: "r1" });
  });

  it("appends nothing when nothing is decided", async () => {
    const { store, handle } = open();
    await handle("account|1", { kind: "open", owner: "Ada" });
    const again = await handle("account|1", { kind: "open", owner: "Ada" });
    expect(again).toMatchObject({
      version: 1,
      events: [],
      commitId: undefined,
      duplicate: false,
      state: { open: true },
    });
    expect(await collect(store.read("account|1"))).toHaveLength(1);
  });

  it("passes on what decide throws, and appends nothing", async () => {
    const { store, handle } = open();
    await expect(handle("account|1", { kind: "deposit", amount: 5 })).rejects.toThrow("no such account");
    expect(await store.streamExists("account|1")).toBe(false);
  });

  it("recognises a command that is sent again, even when the state no longer allows it", async () => {
    const { store, handle } = open();
    await handle("account|1", { kind: "open", owner: "Ada" });
    await handle("account|1", { kind: "deposit", amount: 5 });
    const commitId = commitIdFrom("withdrawal-1");
    const first = await handle("account|1", { kind: "withdraw", amount: 5 }, { commitId });
    expect(first.commitId).toBe(commitId);
    const again = await handle("account|1", { kind: "withdraw", amount: 5 }, { commitId });
    expect(again).toMatchObject({ duplicate: true, events: first.events, version: 3, attempts: 0 });
    await handle("account|1", { kind: "deposit", amount: 1 });
    expect(await handle("account|1", { kind: "withdraw", amount: 5 }, { commitId })).toMatchObject({
      duplicate: true,
      version: 4,
    });
    expect(await collect(store.read("account|1"))).toHaveLength(4);
  });

  it("holds a command to the version its sender saw", async () => {
    const { handle } = open();
    await handle("account|1", { kind: "open", owner: "Ada" });
    const late = handle("account|1", { kind: "deposit", amount: 1 }, { expectedVersion: 0 });
    await expect(late).rejects.toMatchObject({ code: "versionConflict", expected: 0, actual: 1 });
    await expect(
      handle("account|1", { kind: "deposit", amount: 1 }, { expectedVersion: 1 }),
    ).resolves.toMatchObject({ version: 2 });
  });

  it("gives the conflict to the caller after the last attempt", async () => {
    const storage = createMemoryStorage();
    const [store, rival] = [createMemoryEventStore({ storage }), createMemoryEventStore({ storage })];
    const decide = async () => {
      await rival.append("hot|1", [{ type: "Rival", data: null }]);
      return { type: "Own", data: null };
    };
    const handle = createCommandHandler({
      store,
      maxAttempts: 3,
      runtime: { random: Math.random, sleep: async () => undefined },
      decider: { initialState: () => 0, evolve: (count: number) => count + 1, decide },
    });
    await expect(handle("hot|1", null)).rejects.toMatchObject({
      code: "versionConflict",
      expected: 2,
      actual: 3,
    });
    expect((await collect(store.read("hot|1"))).map((event) => event.type)).toEqual([
      "Rival",
      "Rival",
      "Rival",
    ]);
    expect(() => createCommandHandler({ store, maxAttempts: 0, decider: { ...account } as never })).toThrow(
      RangeError,
    );
  });
});

describe("8 writers of 12 events on one stream", () => {
  const client = connect("contention");
  const open = () => createEventStore({ client });
  const WRITERS = 8;
  const EACH = 12;
  const total = WRITERS * EACH;
  const everyone = Array.from({ length: WRITERS }, (_, writer) => writer);
  const check = async (streamId: string): Promise<void> => {
    const stored = await collect(open().read(streamId));
    expect(stored.map((event) => event.version)).toEqual(
      Array.from({ length: total }, (_, index) => index + 1),
    );
    const written = stored.map((event) => event.data as { writer: number; number: number });
    expect(new Set(written.map(({ writer, number }) => `${writer}/${number}`)).size).toBe(total);
    for (const writer of everyone) {
      const own = written.filter((each) => each.writer === writer).map((each) => each.number);
      expect(own).toEqual(own.toSorted((one, other) => one - other));
    }
  };

  it.each([
    ["one process, any", true, "any"],
    ["8 processes, any", false, "any"],
    ["one process, by handler", true, "handler"],
    ["8 processes, by handler", false, "handler"],
  ] as const)("%s: 96 events, 1..96, no loss, no duplicate", async (name, shared, mode) => {
    const streamId = `contention|${name}`;
    const one = open();
    await one.ensureTables();
    await Promise.all(
      everyone.map(async (writer) => {
        const store = shared ? one : open();
        const handle = createCommandHandler({
          store,
          maxAttempts: 1_000,
          decider: {
            initialState: () => 0,
            evolve: (count: number) => count + 1,
            decide: (command: number) => ({ type: "Written", data: { writer, number: command } }),
          },
        });
        for (let number = 1; number <= EACH; number++) {
          if (mode === "handler") await handle(streamId, number);
          else await store.append(streamId, [{ type: "Written", data: { writer, number } }]);
        }
      }),
    );
    await check(streamId);
  });
});
