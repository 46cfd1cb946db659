import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collect, pseudoRandomText } from "../src/contract/fixtures.ts";
import { createKeyRing, encryptPersons } from "../src/contract/key-ring.ts";
import { createMemoryBlobs } from "../src/contract/memory-blobs.ts";
import { createFolderBlobs } from "../src/folder-blobs/index.ts";
import { type Blobs, createCommitId, createEventStore, eventsTable, meterCapacity } from "../src/index.ts";
import { createMemoryEventStore, createMemoryStorage } from "../src/memory/index.ts";
import { connect } from "./test-database.ts";

function setUp(hook?: Partial<Blobs>) {
  const storage = createMemoryStorage();
  const blobs = createMemoryBlobs();
  const keys = createKeyRing();
  const encryption = encryptPersons(keys);
  const open = () => createMemoryEventStore({ storage, encryption, blobs: { ...blobs, ...hook } });
  const itemsOf = async (chain: string) =>
    (await storage.query({ chain, from: 1, to: 99, backward: false, consistency: "strong" })).items;
  return { storage, blobs, keys, encryption, open, store: open(), itemsOf };
}

/** 600,000 characters of which 450,000 bytes are left when they are compressed. */
const large = (seed: number) => ({ type: "Scanned", data: { scan: pseudoRandomText(seed, 600_000) } });
const small = { type: "Counted", data: { number: 1 } };

describe("a body above an item", () => {
  it("goes to a blob with all its metadata, others of its append don't", async () => {
    const { blobs, store, open, itemsOf } = setUp();
    const own = { ...large(1), metadata: { a: 1 } };
    const appended = await store.append("s|1", [small, own, small], { metadata: { b: 2 } });
    const [item] = await itemsOf("s|1");
    expect(item?.["e"]?.S).toMatch(
      new RegExp(
        String.raw`^\[\["Counted",\{"number":1\}\],\[2,"Scanned","${appended.commitId}/1-[0-9a-f]{32}",\d+,"[\w+/]+="\],\[`,
      ),
    );
    expect(item?.["x"]?.S).toBe('{"b":2}');
    expect([...blobs.bodies.values()].map((body) => body.byteLength > 400_000)).toEqual([true]);
    const read = await collect(open().read("s|1"));
    expect(read).toEqual(appended.events);
    expect(read[1]).toMatchObject({ data: own.data, metadata: { a: 1, b: 2 } });
    const alone = await store.append("s|2", [large(2)], { metadata: { b: 2 } });
    expect((await itemsOf("s|2"))[0]?.["x"]).toBeUndefined();
    expect(await collect(open().read("s|2"))).toEqual(alone.events);
  });

  it("is encrypted before, and forgotten with its key", async () => {
    const { blobs, keys, store, open, itemsOf } = setUp();
    const event = { type: "Scanned", data: { person: "ada", scan: pseudoRandomText(3, 600_000) } };
    await store.append("s|1", [event]);
    expect((await itemsOf("s|1"))[0]?.["e"]?.S).toMatch(/^\[\[3,"Scanned","ada","/);
    expect((await collect(open().read("s|1")))[0]?.data).toEqual(event.data);
    keys.drop("ada");
    expect(await collect(open().read("s|1"))).toMatchObject([
      { type: "$forgotten", data: { type: "Scanned", subject: "ada" } },
    ]);
    expect(blobs.bodies.size).toBe(1);
  });

  it("is an error without the hook, as before", async () => {
    const { storage, store } = setUp();
    const bare = createMemoryEventStore({ storage });
    await expect(bare.append("s|1", [large(1)])).rejects.toMatchObject({
      code: "eventTooLarge",
      limitOf: "item",
    });
    await store.append("s|1", [small, large(1)]);
    await expect(collect(bare.read("s|1"))).rejects.toMatchObject({ code: "blobsMissing", version: 2 });
    await expect(collect(bare.exportCommits())).rejects.toMatchObject({ code: "blobsMissing", version: 2 });
    expect(await collect(bare.read("s|1", { toVersion: 1 }))).toHaveLength(1);
  });

  it("that is missing or changed is corruption", async () => {
    const { blobs, store, open } = setUp();
    await store.append("s|1", [large(1)]);
    const [[name, body] = ["", new Uint8Array()]] = blobs.bodies;
    const wrong = Uint8Array.from(body).fill(7, 9, 10);
    for (const found of [wrong, body.subarray(1), new Uint8Array()]) {
      blobs.bodies.set(name, found);
      await expect(collect(open().read("s|1"))).rejects.toMatchObject({ code: "integrity", slot: 1 });
    }
    blobs.bodies.delete(name);
    await expect(collect(open().read("s|1"))).rejects.toThrow("is missing");
  });

  it("is put before the commit; what fails or is refused writes nothing", async () => {
    const { itemsOf, store } = setUp({ put: () => Promise.reject(new Error("no space")) });
    await expect(store.append("s|1", [large(1)])).rejects.toThrow("no space");
    expect(await itemsOf("s|1")).toEqual([]);
    const other = setUp();
    const many = Array.from({ length: 16 }, (_, seed) => ({
      type: "L",
      data: pseudoRandomText(seed, 400_000),
    }));
    await expect(other.store.append("s|1", [large(1), ...many])).rejects.toMatchObject({
      limitOf: "transaction",
    });
    expect(other.blobs.bodies.size).toBe(0);
  });

  it("of a repeated append has the same name; another body under its id takes another", async () => {
    const { blobs, encryption, storage, store, open } = setUp();
    const options = { commitId: createCommitId(), expectedVersion: 0 } as const;
    await store.append("s|1", [large(1)], options);
    await open().append("s|1", [large(1)], options);
    expect(blobs.bodies.size).toBe(1);
    const other = await open().append("s|1", [large(2)], options);
    expect(other).toMatchObject({ duplicate: true, events: [large(1)] });
    expect(blobs.bodies.size).toBe(2);
    expect(await collect(open().read("s|1"))).toMatchObject([large(1)]);
    // The control: named by commit and index alone, what is stored would be gone.
    const byIndex: Blobs = {
      put: (name, body) => blobs.put(name.replace(/-.*/, ""), body),
      get: (name) => blobs.get(name.replace(/-.*/, "")),
    };
    const careless = createMemoryEventStore({ storage, encryption, blobs: byIndex });
    await careless.append("s|2", [large(1)], options);
    await careless.append("s|2", [large(2)], options).catch(() => undefined);
    await expect(collect(careless.read("s|2"))).rejects.toMatchObject({ code: "integrity" });
  });

  it("is carried by exports, and placed anew by imports", async () => {
    const { keys, store, open } = setUp();
    const secret = { type: "Scanned", data: { person: "ada", scan: pseudoRandomText(3, 600_000) } };
    await store.append("s|1", [small, large(1)], { metadata: { b: 2 } });
    await store.append("s|1", [secret]);
    const lines = (await collect(store.exportCommits())).map((commit) => JSON.stringify(commit));
    const blobs = createMemoryBlobs();
    const target = createMemoryEventStore({ encryption: encryptPersons(keys), blobs });
    for (let time = 0; time < 2; time++) await target.importCommits(lines.map((line) => JSON.parse(line)));
    expect(blobs.bodies.size).toBe(2);
    expect(await collect(target.read("s|1"))).toEqual(await collect(open().read("s|1")));
    const bare = createMemoryEventStore();
    const refused = bare.importCommits(lines.map((line) => JSON.parse(line)));
    await expect(refused).rejects.toMatchObject({ code: "eventTooLarge" });
  });

  it("are fetched side by side for an item, and come in order", async () => {
    let underWay = 0;
    let most = 0;
    const { blobs, store, open } = setUp({
      async get(name) {
        most = Math.max(most, ++underWay);
        await new Promise(setImmediate);
        underWay--;
        return blobs.get(name);
      },
    });
    const appended = await store.append("s|1", [large(1), small, large(2), large(3)]);
    expect(await collect(open().read("s|1"))).toEqual(appended.events);
    expect(most).toBe(3);
  });

  it("costs one request and one write unit in DynamoDB", async () => {
    const client = connect("blobs");
    await createEventStore({ client }).ensureTables();
    const meter = meterCapacity(client, { tables: [eventsTable()] });
    const keys = createKeyRing();
    const store = createEventStore({ client, blobs: createMemoryBlobs(), encryption: encryptPersons(keys) });
    await store.append("s|1", [small]);
    meter.reset();
    await store.append("s|1", [large(1)]);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    meter.reset();
    const text = pseudoRandomText(1, 289);
    await store.append("s|1", [{ type: "Noted", data: { person: "ada", text } }]);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    meter.reset();
    const read = await collect(store.read("s|1"));
    expect(read.map(({ data }) => data)).toEqual([small.data, large(1).data, { person: "ada", text }]);
    expect(meter.total()).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
  });
});

describe("blobs in a folder", () => {
  it("are whole or not there, and never outside of it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "blobs-"));
    const blobs = createFolderBlobs(join(folder, "new"));
    const store = createMemoryEventStore({ blobs });
    const appended = await store.append("s|1", [large(1)]);
    expect(await collect(store.read("s|1"))).toEqual(appended.events);
    expect(await blobs.get("none/0-00")).toBeUndefined();
    await Promise.all([1, 2, 3].map((value) => blobs.put("a/b", Uint8Array.of(value))));
    expect((await blobs.get("a/b"))?.byteLength).toBe(1);
    expect(await readdir(join(folder, "new", "a"))).toEqual(["b"]);
    await writeFile(join(folder, "secret"), "secret");
    for (const name of [
      "../secret",
      "a/../../secret",
      "/etc/passwd",
      "",
      "a//b",
      ".hidden",
      "a/.b",
      "a\0b",
      "a\\b",
      "a\n",
    ]) {
      await expect(blobs.get(name)).rejects.toThrow(TypeError);
      await expect(blobs.put(name, new Uint8Array())).rejects.toThrow(TypeError);
    }
    // A folder is in the way: what was begun is removed.
    await blobs.put("c/d/e", new Uint8Array());
    await expect(blobs.put("c/d", new Uint8Array())).rejects.toThrow();
    expect(await readdir(join(folder, "new", "c"))).toEqual(["d"]);
  });
});
