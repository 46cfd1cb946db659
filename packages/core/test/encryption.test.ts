import { setImmediate } from "node:timers/promises";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import type { Item } from "../src/capacity/item-size.ts";
import type { ChainStorage } from "../src/chain/storage.ts";
import { collect } from "../src/contract/fixtures.ts";
import { createKeyRing, encryptPersons } from "../src/contract/key-ring.ts";
import {
  createCommandHandler,
  createCommitId,
  type Decider,
  defineEvents,
  type EventOf,
  type Encryption,
  forgotten,
  type NewEventOf,
  nextVersion,
  type RecordedEvent,
  type VersionConflictError,
} from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { decryptText, encryptText } from "../src/store/sealed-body.ts";

const events = defineEvents({
  Moved: z.object({ person: z.string(), to: z.string() }),
  Counted: z.object({ number: z.number() }),
  $forgotten: forgotten,
});

function setUp(encryption?: Partial<Encryption>) {
  const storage = createMemoryStorage();
  const keys = createKeyRing();
  const open = () =>
    createMemoryEventStore({ storage, events, encryption: { ...encryptPersons(keys), ...encryption } });
  return { storage, keys, open, store: open() };
}

const moved = (person: string, to = "Secret Street 1") => ({ type: "Moved" as const, data: { person, to } });

async function itemsOf(storage: ChainStorage, chain: string): Promise<readonly Item[]> {
  const page = await storage.query({ chain, from: 1, to: 1e9, backward: false, consistency: "strong" });
  return page.items;
}

const shapes = (found: readonly RecordedEvent[]) =>
  found.map(({ type, data, metadata }) => [type, data, metadata]);

describe("an encrypted event", () => {
  it("is read as it was appended, and nothing of it is stored in the clear but type and subject", async () => {
    const { storage, store } = setUp();
    const own = { ...moved("ada"), metadata: { note: "Secret own" } };
    const appended = await store.append("p|1", [own], { metadata: { by: "Secret shared" } });
    const wanted = [["Moved", own.data, { by: "Secret shared", note: "Secret own" }]];
    expect(shapes(appended.events)).toEqual(wanted);
    const read = await collect(store.read("p|1"));
    expect(shapes(read)).toEqual(wanted);
    expect(read).toEqual(appended.events);
    const [item] = await itemsOf(storage, "p|1");
    expect(item?.["e"]).toEqual({ S: '[[1,"Moved","ada"]]' });
    expect(item?.["x"]).toBeUndefined();
    expect(item?.["b"]?.L?.length).toBe(1);
    const everything = JSON.stringify(item, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
    );
    expect(everything).not.toContain("Secret");
  });

  it("stands among others in one append, whose metadata stays in the clear with those", async () => {
    const { storage, store, keys, open } = setUp();
    const mixed = [
      { type: "Counted" as const, data: { number: 1 } },
      moved("ada"),
      moved("bob"),
      moved("ada"),
    ];
    await store.append("p|1", mixed, { metadata: { trace: "t" } });
    keys.drop("ada");
    const gone = ["$forgotten", { type: "Moved", subject: "ada" }, {}];
    const all = [
      ["Counted", { number: 1 }, { trace: "t" }],
      gone,
      ["Moved", moved("bob").data, { trace: "t" }],
      gone,
    ];
    expect(shapes(await collect(open().read("p|1")))).toEqual(all);
    expect((await itemsOf(storage, "p|1"))[0]?.["x"]?.S).toBe('{"trace":"t"}');
    for (let from = 1; from <= 4; from++) {
      const range = { fromVersion: from, limit: 2 };
      expect(shapes(await collect(open().read("p|1", range)))).toEqual(all.slice(from - 1, from + 1));
      const backward = { ...range, direction: "backward" } as const;
      const wanted = all.slice(Math.max(0, from - 2), from).reverse();
      expect(shapes(await collect(open().read("p|1", backward)))).toEqual(wanted);
    }
  });

  it("is decrypted only when it is read", async () => {
    const { storage, keys, store } = setUp();
    await store.append(
      "p|1",
      ["a", "b", "c", "d"].map((person) => moved(person)),
    );
    const asked: string[] = [];
    const decrypt: Encryption["decrypt"] = (subject, body) => {
      asked.push(subject);
      return keys.decrypt(subject, body);
    };
    const reader = createMemoryEventStore({ storage, encryption: { ...encryptPersons(keys), decrypt } });
    await collect(reader.read("p|1", { fromVersion: 2, limit: 2 }));
    expect(asked.splice(0)).toEqual(["b", "c"]);
    await collect(reader.read("p|1", { direction: "backward", limit: 1 }));
    expect(asked).toEqual(["d"]);
  });

  it("that is forgotten reaches load, handlers, duplicates and winners as $forgotten", async () => {
    const { keys, store, open } = setUp();
    const commitId = createCommitId();
    await store.append("p|1", [moved("ada")], { commitId, expectedVersion: 0 });
    keys.drop("ada");
    const decider: Decider<string, string[], EventOf<typeof events>> = {
      initialState: () => [],
      evolve: (seen, event) => [
        ...seen,
        event.type === "$forgotten" ? `no ${event.data.subject}` : event.type,
      ],
      decide: () => ({ type: "Counted", data: { number: 2 } }),
    };
    expect((await open().load("p|1", decider)).state).toEqual(["no ada"]);
    const handled = await createCommandHandler({ store: open(), decider })("p|1", "count");
    expect(handled.state).toEqual(["no ada", "Counted"]);
    const gone = { type: "$forgotten", data: { type: "Moved", subject: "ada" }, metadata: {}, version: 1 };
    const again = await open().append("p|1", [moved("ada")], { commitId, expectedVersion: 0 });
    expect(again).toMatchObject({ duplicate: true, events: [gone] });
    const conflict = await open()
      .append("p|1", [moved("bob")], { expectedVersion: 0 })
      .catch((error: unknown) => error as VersionConflictError);
    expect(conflict).toMatchObject({ code: "versionConflict", winningCommit: { events: [gone] } });
  });

  it("is forgotten whatever the definitions know, and is upcast while it is not", async () => {
    const { storage, keys, store } = setUp();
    await store.append("p|1", [moved("ada")]);
    const newer = nextVersion(events.Moved, z.object({ city: z.string() }), ({ to }) => ({ city: to }));
    const encryption = encryptPersons(keys);
    const next = createMemoryEventStore({ storage, encryption, events: defineEvents({ Moved: newer }) });
    expect((await collect(next.read("p|1")))[0]?.data).toEqual({ city: "Secret Street 1" });
    await next.append("p|2", [{ type: "Moved", data: { city: "X" }, metadata: { person: "ada" } }]);
    await expect(collect(store.read("p|2"))).rejects.toMatchObject({
      code: "unknownEventType",
      schemaVersion: 2,
    });
    keys.drop("ada");
    const none = createMemoryEventStore({ storage, encryption, events: {} });
    expect(shapes(await collect(none.read("p|1")))).toEqual([
      ["$forgotten", { type: "Moved", subject: "ada" }, {}],
    ]);
  });

  it("fails without the hook, naming the subject", async () => {
    const { storage, store } = setUp();
    await store.append("p|1", [moved("ada")]);
    const blind = createMemoryEventStore({ storage });
    await expect(collect(blind.read("p|1"))).rejects.toMatchObject({
      code: "encryptionMissing",
      retryable: false,
      streamId: "p|1",
      version: 1,
      subject: "ada",
    });
    await expect(blind.append("p|1", [moved("b")], { expectedVersion: 0 })).rejects.toMatchObject({
      code: "versionConflict",
      winningCommit: undefined,
    });
  });

  it("that was changed from outside is told", async () => {
    const { storage, keys, store } = setUp();
    await store.append("p|1", [moved("ada")]);
    const changed = async (change: (item: Item) => Item): Promise<unknown> => {
      const [item = {}] = await itemsOf(storage, "p|1");
      const other = createMemoryStorage();
      await other.putNew(change(item), undefined);
      const reader = createMemoryEventStore({ storage: other, encryption: encryptPersons(keys) });
      return collect(reader.read("p|1"));
    };
    await expect(changed((item) => ({ ...item, e: { S: '[[1,"Counted","ada"]]' } }))).rejects.toMatchObject({
      code: "integrity",
    });
    await expect(changed((item) => ({ ...item, b: { L: [] } }))).rejects.toMatchObject({ code: "integrity" });
    await expect(changed((item) => ({ ...item, e: { S: '[[9,"Moved","ada"]]' } }))).rejects.toThrow(
      "can't read",
    );
    const flip = (item: Item): Item => {
      const body = Buffer.from(item["b"]?.L?.[0]?.B ?? []);
      body[30] = (body[30] ?? 0) ^ 1;
      return { ...item, b: { L: [{ B: body }] } };
    };
    // The cipher's own error comes through.
    await expect(changed(flip)).rejects.toThrow(/unable to authenticate/i);
  });
});

describe("the hook", () => {
  it("sees the event as it will be stored, with all its metadata", async () => {
    const seen: unknown[] = [];
    const { store } = setUp({
      subjectOf(event) {
        seen.push(event);
        return undefined;
      },
    });
    await store.append("p|1", [{ ...moved("ada"), metadata: { a: 2 } }], { metadata: { a: 1, b: 1 } });
    expect(seen).toEqual([{ streamId: "p|1", ...moved("ada"), metadata: { a: 2, b: 1 } }]);
  });

  it.each<[string, Partial<Encryption>, string]>([
    ["subjectOf throws", { subjectOf: () => raise("whose?") }, "whose?"],
    ["subjectOf names nobody", { subjectOf: () => "" }, "an empty text"],
    ["subjectOf gives no text", { subjectOf: () => 7 as never }, "gave 7"],
    ["encrypt throws", { encrypt: () => raise("no key") }, "no key"],
    ["encrypt fails later", { encrypt: async () => raise("no key") }, "no key"],
    ["encrypt gives no bytes", { encrypt: () => "text" as never }, "has to give a Uint8Array"],
  ])("stops an append before anything is written: %s", async (_, hook, message) => {
    const { storage, store } = setUp(hook);
    for (const expectedVersion of ["any", 0] as const) {
      await expect(store.append("p|1", [moved("a"), moved("b")], { expectedVersion })).rejects.toThrow(
        message,
      );
    }
    expect(await itemsOf(storage, "p|1")).toEqual([]);
  });

  it("stops a read with what decrypt throws", async () => {
    const { store } = setUp({ decrypt: () => raise("key service is down") });
    await store.append("p|1", [moved("ada")]);
    await expect(collect(store.read("p|1"))).rejects.toThrow("key service is down");
  });

  it("may take its time: appends of one tick stay in their order", async () => {
    const finished: number[] = [];
    const { storage, keys } = setUp();
    const store = createMemoryEventStore({
      storage,
      encryption: {
        ...encryptPersons(keys),
        async encrypt(subject, body) {
          const number = Number(subject);
          for (let turn = 0; turn < 20 - number; turn++) await setImmediate();
          finished.push(number);
          return keys.encrypt(subject, body);
        },
      },
    });
    const clear = { type: "Counted", data: { number: 99 } };
    const appends = Array.from({ length: 12 }, (_, number) =>
      store.append("p|1", [number % 4 === 3 ? clear : moved(String(number))]),
    );
    const versions = (await Promise.all(appends)).map(({ version }) => version);
    expect(finished).toEqual([10, 9, 8, 6, 5, 4, 2, 1, 0]);
    expect(versions).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    // One that fails does not hold up those after it.
    const failing = store.append("p|1", [{ type: "Counted", data: Number.NaN }]);
    const after = store.append("p|1", [clear]);
    await expect(failing).rejects.toMatchObject({ code: "invalidEvent" });
    expect((await after).version).toBe(13);
  });

  it("its bodies are compressed before", async () => {
    const { storage, store } = setUp();
    await store.append("p|1", [moved("ada", "again and ".repeat(300))]);
    const [item] = await itemsOf(storage, "p|1");
    expect(item?.["b"]?.L?.[0]?.B?.byteLength).toBeLessThan(200);
  });

  it("groups of appends keep metadata where it belongs", async () => {
    const { storage, store, open } = setUp();
    const number = (value: number) => [{ type: "Counted" as const, data: { number: value } }];
    await Promise.all([
      store.append("p|1", number(1), { metadata: { by: "1" } }),
      store.append("p|1", [moved("ada")], { metadata: { by: "2" } }),
      store.append("p|1", number(3), { metadata: { by: "3" } }),
      store.append("p|1", [...number(4), moved("bob")], { metadata: { by: "4" } }),
    ]);
    expect((await itemsOf(storage, "p|1")).length).toBe(2);
    const read = await collect(open().read("p|1"));
    expect(read.map(({ type, metadata }) => [type, metadata["by"]])).toEqual([
      ["Counted", "1"],
      ["Moved", "2"],
      ["Counted", "3"],
      ["Counted", "4"],
      ["Moved", "4"],
    ]);
  });
});

describe("an export", () => {
  it("carries ciphertext, an import stores it as it is, and forgotten stays forgotten", async () => {
    const { storage, keys, store, open } = setUp();
    await store.append("p|1", [moved("ada"), { type: "Counted", data: { number: 1 } }], {
      metadata: { t: 1 },
    });
    await store.append("p|1", [moved("bob")]);
    const exported = await collect(createMemoryEventStore({ storage }).exportCommits());
    const lines = exported.map((commit) => JSON.stringify(commit));
    expect(lines.join()).not.toContain("Secret");
    const target = createMemoryStorage();
    const copy = createMemoryEventStore({ storage: target });
    await copy.importCommits(lines.map((line) => JSON.parse(line)));
    const stored = async (place: ChainStorage): Promise<unknown[]> =>
      (await itemsOf(place, "p|1")).map((item) => ({ ...item, t: 0, u: 0, r: 0 }));
    expect(await stored(target)).toEqual(await stored(storage));
    const reader = createMemoryEventStore({ storage: target, encryption: encryptPersons(keys) });
    expect(await collect(reader.read("p|1"))).toEqual(await collect(open().read("p|1")));
    keys.drop("ada");
    expect((await collect(reader.read("p|1"))).map(({ type }) => type)).toEqual([
      "$forgotten",
      "Counted",
      "Moved",
    ]);
  });

  it("that was tampered with is refused", async () => {
    const { store } = setUp();
    const sealed = { type: "Moved", subject: "ada", body: "AAAA" };
    const wrong: object[] = [
      { ...sealed, body: "no base64!" },
      { ...sealed, body: "" },
      { ...sealed, body: 7 },
      { ...sealed, subject: "" },
      { type: "Moved", body: "AAAA" },
      { ...sealed, type: "" },
    ];
    for (const event of wrong) {
      const commits = [{ streamId: "p|1", firstVersion: 1, events: [event as never] }];
      await expect(store.importCommits(commits)).rejects.toMatchObject({ code: "invalidImport" });
    }
  });
});

describe("a text under several keys", () => {
  it("is unreadable once any of them is dropped", async () => {
    const subjects = ["a", "b", "c"];
    for (const dropped of subjects) {
      const keys = createKeyRing();
      const sealed = await encryptText(keys, subjects, "state");
      expect(await decryptText(keys, subjects, sealed)).toBe("state");
      keys.drop(dropped);
      expect(await decryptText(keys, subjects, sealed)).toBeUndefined();
    }
    const keys = createKeyRing();
    const long = "long ".repeat(1_000);
    const sealed = await encryptText(keys, ["a"], long);
    expect(sealed.byteLength).toBeLessThan(100);
    expect(await decryptText(keys, ["a"], sealed)).toBe(long);
    expect(await decryptText(keys, [], await encryptText(keys, [], "clear"))).toBe("clear");
    expect(await decryptText(keys, ["a"], await encryptText(keys, ["a"], ""))).toBe("");
  });
});

describe("the type of what is forgotten", () => {
  it("is read and evolved, never appended", async () => {
    expectTypeOf<NewEventOf<typeof events>["type"]>().toEqualTypeOf<"Moved" | "Counted">();
    expectTypeOf<Extract<EventOf<typeof events>, { type: "$forgotten" }>["data"]>().toEqualTypeOf<{
      readonly type: string;
      readonly subject: string;
    }>();
    const { store } = setUp();
    const made = { type: "$forgotten" as const, data: { type: "Moved", subject: "ada" } };
    // @ts-expect-error Only the store makes these.
    await expect(store.append("p|1", [made])).rejects.toMatchObject({ code: "invalidEvent", path: "type" });
    expect(() => defineEvents({ $forgotten: z.object({}) })).toThrow(TypeError);
  });
});

function raise(message: string): never {
  throw new Error(message);
}
