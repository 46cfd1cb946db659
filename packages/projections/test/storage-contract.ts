import { beforeAll, describe, expect, it } from "vitest";
import type { DocumentRecord } from "../src/documents/document.ts";
import type { DocumentPut, ProjectionStorage } from "../src/storage/projection-storage.ts";

const STRONG = { consistency: "strong" } as const;

export function recordOf(state: unknown, more: Partial<DocumentRecord> = {}): DocumentRecord {
  const text = state === undefined ? undefined : JSON.stringify(state);
  return { state: text, position: 1, revision: 1, streams: new Map(), ...more };
}

export function putOf(key: string, record: DocumentRecord, partition: string): DocumentPut {
  return { partition, key, record };
}

/** What everything that runs on a `ProjectionStorage` relies on. */
export function describeProjectionStorage(name: string, createStorage: () => ProjectionStorage): void {
  describe(`projection storage: ${name}`, () => {
    const storage = createStorage();
    const { documents } = storage;
    const keysOf = async (
      partition: string,
      options: { readonly prefix?: string; readonly after?: string; readonly limit?: number } = {},
    ): Promise<readonly string[]> => {
      const page = await documents.list(partition, { ...STRONG, ...options });
      return page.documents.map(([key]) => key);
    };
    beforeAll(() => storage.ensureTables());

    it("creates what is missing, however often it is asked", () => storage.ensureTables());

    it("gives back what was put, be it large, null, or kept behind for some streams", async () => {
      const partition = "round@1|0";
      const records: [string, DocumentRecord][] = [
        ["null", recordOf(null)],
        ["text", recordOf("ß 𝄞 \ud800", { position: 7 })],
        ["large", recordOf({ lines: Array.from({ length: 2_000 }, (_, line) => ({ line, amount: 10 })) })],
        [
          "behind",
          recordOf(
            { a: [] },
            {
              streams: new Map([
                ["s|1", 3],
                ["ü", 9_007_199_254_740_991],
              ]),
            },
          ),
        ],
        ["taken away", recordOf(undefined, { position: 12 })],
        ["x".repeat(1_024), recordOf(1)],
      ];
      for (const [key, record] of records) {
        expect(await documents.put(putOf(key, record, partition))).toEqual({ applied: true });
      }
      const keys = records.map(([key]) => key);
      expect(await documents.getMany(partition, [...keys, "none", "null"], STRONG)).toEqual(new Map(records));
      const [first] = records;
      expect(await documents.getMany(partition, ["null"], STRONG)).toEqual(new Map(first && [first]));
      expect(await documents.getMany(partition, ["none"], STRONG)).toEqual(new Map());
      expect(await documents.getMany(partition, [], STRONG)).toEqual(new Map());
      expect(await documents.getMany("round@1|1", keys, STRONG)).toEqual(new Map());
    });

    it("puts a document only in the place of the revision before, and tells what is there instead", async () => {
      const put = (record: DocumentRecord): ReturnType<typeof documents.put> =>
        documents.put(putOf("k", record, "guard@1|0"));
      expect(await put(recordOf(2, { revision: 2 }))).toEqual({ applied: false, found: undefined });
      expect(await put(recordOf(1))).toEqual({ applied: true });
      expect(await put(recordOf("other"))).toEqual({ applied: false, found: recordOf(1) });
      expect(await put(recordOf(3, { revision: 3 }))).toEqual({ applied: false, found: recordOf(1) });
      const trace = recordOf(undefined, { revision: 2, position: 5 });
      expect(await put(trace)).toEqual({ applied: true });
      expect(await put(recordOf("other"))).toEqual({ applied: false, found: trace });
      expect(await put(recordOf("back", { revision: 3 }))).toEqual({ applied: true });
      expect(await documents.getMany("guard@1|0", ["k"], STRONG)).toEqual(
        new Map([["k", recordOf("back", { revision: 3 })]]),
      );
    });

    it("lets one of many win", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, writer) => documents.put(putOf("k", recordOf(writer), "race@1|0"))),
      );
      expect(outcomes.filter(({ applied }) => applied)).toHaveLength(1);
    });

    it("makes a transaction as a whole or not at all, and says what was refused", async () => {
      const partition = "transact@1|0";
      const key = { partition: "transact", sort: "position" };
      const move = (from: number | undefined, to: number): object => ({
        key,
        where: { at: from },
        set: { at: to },
      });
      const transact = (
        from: number | undefined,
        puts: readonly DocumentPut[],
      ): ReturnType<typeof storage.transact> =>
        storage.transact({
          control: [move(from, (from ?? 0) + 1) as never],
          documents: puts,
        });
      const a = putOf("a", recordOf("a"), partition);
      const b = putOf("b", recordOf("b"), partition);
      const later = putOf("b", recordOf("b2", { revision: 2 }), partition);
      expect(await transact(undefined, [a, later])).toEqual({ applied: false, refused: [2] });
      expect(await keysOf(partition)).toEqual([]);
      expect(await transact(undefined, [a, b])).toEqual({ applied: true });
      expect(await transact(7, [a, later])).toEqual({ applied: false, refused: [0, 1] });
      expect(await transact(1, [later])).toEqual({ applied: true });
      expect(await storage.control.find(key)).toEqual({ at: 2 });
      const found = await documents.getMany(partition, ["a", "b"], STRONG);
      expect([found.get("a")?.state, found.get("b")?.state]).toEqual(['"a"', '"b2"']);
    });

    it("lists in order of the keys' bytes, in pages, by prefix, and behind a key", async () => {
      const partition = "list@1|0";
      // As UTF-16, "𝄞" would come before U+FFEE.
      const keys = ["A", "a", "a/", "a/1", "a/10", "a/2", "a0", "b", "\uffee", "𝄞"];
      for (const key of keys.toReversed()) await documents.put(putOf(key, recordOf(key), partition));
      expect(await keysOf(partition)).toEqual(keys);
      expect(await keysOf("list@1|1")).toEqual([]);
      expect(await keysOf(partition, { prefix: "a/" })).toEqual(["a/", "a/1", "a/10", "a/2"]);
      expect(await keysOf(partition, { after: "a/10" })).toEqual(keys.slice(5));
      expect(await keysOf(partition, { after: "a/11" })).toEqual(keys.slice(5));
      expect(await keysOf(partition, { prefix: "a/", after: "a/" })).toEqual(["a/1", "a/10", "a/2"]);
      expect(await keysOf(partition, { prefix: "a/", after: "A" })).toEqual(["a/", "a/1", "a/10", "a/2"]);
      expect(await keysOf(partition, { prefix: "a/", after: "a0" })).toEqual([]);
      expect(await keysOf(partition, { prefix: "c" })).toEqual([]);
      const first = await documents.list(partition, { ...STRONG, limit: 4 });
      expect(first.documents.map(([key]) => key)).toEqual(keys.slice(0, 4));
      expect(first.more).toBe(true);
      const rest = await documents.list(partition, { ...STRONG, limit: 100, after: "a/1" });
      expect(rest.documents.map(([key]) => key)).toEqual(keys.slice(4));
      expect(rest.more).toBe(false);
    });

    it("reads more than a batch, and takes documents away for good", async () => {
      const partition = "many@1|0";
      const keys = Array.from({ length: 230 }, (_, index) => `key ${index}`);
      await Promise.all(keys.map((key) => documents.put(putOf(key, recordOf(key), partition))));
      const found = await documents.getMany(partition, keys, STRONG);
      expect(found.size).toBe(230);
      expect(found.get("key 117")?.state).toBe('"key 117"');
      await documents.deleteMany(partition, [...keys.slice(0, 24), "none"]);
      await documents.deleteMany(partition, []);
      expect([...(await documents.getMany(partition, keys, STRONG)).keys()].toSorted()).toEqual(
        keys.slice(24).toSorted(),
      );
    });

    it("gives up with the signal's reason", async () => {
      const signal = AbortSignal.abort(new Error("enough"));
      const partition = "abort@1|0";
      await expect(documents.put(putOf("k", recordOf(1), partition), signal)).rejects.toThrow();
      await expect(documents.getMany(partition, ["k"], { ...STRONG, signal })).rejects.toThrow();
      await expect(documents.list(partition, { ...STRONG, signal })).rejects.toThrow();
      expect(await keysOf(partition)).toEqual([]);
    });
  });
}
