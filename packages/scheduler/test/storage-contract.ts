import type { ControlUpdate } from "@tuppence/core/leases";
import { beforeAll, describe, expect, it } from "vitest";
import type { ItemRange, ScheduleStorage } from "../src/storage/schedule-storage.ts";

/** What everything that runs on a `ScheduleStorage` relies on. */
export function describeScheduleStorage(name: string, createStorage: () => ScheduleStorage): void {
  describe(`schedule storage: ${name}`, () => {
    const storage = createStorage();
    const put = (partition: string, sort: string, set: Record<string, string | number>): Promise<unknown> =>
      storage.update({ key: { partition, sort }, where: {}, set });
    const sorts = async (range: Partial<ItemRange> & { readonly partition: string }): Promise<string[]> => {
      const { items } = await storage.query({ consistency: "strong", ...range });
      return items.map(([sort]) => sort);
    };
    beforeAll(() => storage.ensureTables());

    it("creates what is missing, however often it is asked", () => storage.ensureTables());

    it("changes an item that is as it was seen, and tells what is there otherwise", async () => {
      const key = { partition: "change", sort: "k" };
      expect(await storage.update({ key, where: { st: "b" }, set: { st: "c" } })).toMatchObject({
        applied: false,
        item: undefined,
      });
      expect(await storage.update({ key, where: { st: undefined }, set: { st: "a", n: 1 } })).toEqual({
        applied: true,
        item: { st: "a", n: 1 },
      });
      expect(await storage.update({ key, where: { st: undefined }, set: { st: "x" } })).toMatchObject({
        applied: false,
        item: { st: "a", n: 1 },
      });
      await storage.update({ key, where: { st: "a", n: 1 }, set: { st: "b", n: undefined } });
      expect(await storage.find(key)).toEqual({ st: "b" });
      await storage.delete(key);
      expect(await storage.find(key)).toBeUndefined();
    });

    it("makes changes together or not at all, and takes away what is as it was seen", async () => {
      const key = (sort: string): { partition: string; sort: string } => ({ partition: "together", sort });
      const create = (sort: string): object => ({
        key: key(sort),
        where: { st: undefined },
        set: { st: "a" },
      });
      const transact = (...changes: object[]): ReturnType<typeof storage.transact> =>
        storage.transact(changes as never, []);
      expect(await transact(create("1"), create("2"))).toEqual({ applied: true });
      expect(await transact(create("3"), create("2"))).toEqual({ applied: false, refused: [1] });
      expect(await transact({ delete: key("1"), where: { st: "b" } })).toEqual({
        applied: false,
        refused: [0],
      });
      expect(await transact({ delete: key("1"), where: { st: "a" } })).toEqual({ applied: true });
      expect(await sorts({ partition: "together" })).toEqual(["2"]);
    });

    it("changes many items, each on its own conditions, and looks at many", async () => {
      const key = (sort: string): { partition: string; sort: string } => ({ partition: "many", sort });
      const many = async (...updates: ControlUpdate[]): Promise<unknown[]> =>
        (await storage.updateMany(updates)).map((result) =>
          result.status === "fulfilled" ? result.value : result.reason,
        );
      const create = (sort: string): ControlUpdate => ({
        key: key(sort),
        where: { st: undefined },
        set: { st: "a", n: 1, gone: undefined },
      });
      const applied = expect.objectContaining({ applied: true });
      const refused = (item: object | undefined): unknown =>
        expect.objectContaining({ applied: false, item });
      expect(await many(create("1"), create("2"), create("3"))).toEqual([applied, applied, applied]);
      const set = { st: "b", n: undefined, ttl: 7 };
      const change = (sort: string, where: ControlUpdate["where"]): ControlUpdate => ({
        key: key(sort),
        where,
        set,
      });
      expect(
        await many(
          change("1", { st: "a", n: 1, none: undefined }),
          change("2", { st: "a", n: 2 }),
          change("none", { st: "a" }),
          create("3"),
          change("4", {}),
        ),
      ).toEqual([
        applied,
        refused({ st: "a", n: 1 }),
        refused(undefined),
        refused({ st: "a", n: 1 }),
        applied,
      ]);
      // There, but not what may not be there.
      expect(await many(change("1", { n: undefined }), change("3", { st: undefined }))).toEqual([
        applied,
        refused({ st: "a", n: 1 }),
      ]);
      const found = await storage.findMany(["1", "2", "3", "4", "none"].map(key));
      const b = { st: "b", ttl: 7 };
      const a = { st: "a", n: 1 };
      expect(found.map((result) => (result.status === "fulfilled" ? result.value : result.reason))).toEqual([
        b,
        a,
        a,
        b,
        undefined,
      ]);
    });

    it("lets one of many win", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, writer) =>
          storage.update({
            key: { partition: "race", sort: "k" },
            where: { tk: undefined },
            set: { tk: writer },
          }),
        ),
      );
      expect(outcomes.filter(({ applied }) => applied)).toHaveLength(1);
    });

    it("reads a range in order of its sort keys' bytes, in pages", async () => {
      const partition = "range";
      const keys = ["0001", "0002", "0010", "A", "a", "a-1", "a-2", "b", "\uffee", "𝄞"];
      for (const sort of keys.toReversed()) await put(partition, sort, { n: 1 });
      expect(await sorts({ partition })).toEqual(keys);
      expect(await sorts({ partition: "range2" })).toEqual([]);
      expect(await sorts({ partition, from: "0002", to: "a" })).toEqual(["0002", "0010", "A", "a"]);
      expect(await sorts({ partition, from: "a-2" })).toEqual(["a-2", "b", "\uffee", "𝄞"]);
      expect(await sorts({ partition, to: "0009" })).toEqual(["0001", "0002"]);
      expect(await sorts({ partition, from: "a", to: "a\u{10ffff}", after: "a" })).toEqual(["a-1", "a-2"]);
      const first = await storage.query({ partition, limit: 3, consistency: "strong" });
      expect([first.items.map(([sort]) => sort), first.more]).toEqual([keys.slice(0, 3), true]);
      const rest = await storage.query({ partition, after: "0010", consistency: "strong" });
      expect([rest.items.map(([sort]) => sort), rest.more]).toEqual([keys.slice(3), false]);
      expect(rest.items[0]?.[1]).toEqual({ n: 1 });
    });

    it("gives up with the signal's reason", async () => {
      const signal = AbortSignal.abort(new Error("enough"));
      const update = { key: { partition: "abort", sort: "k" }, where: {}, set: { n: 1 } };
      await expect(storage.update(update, signal)).rejects.toThrow();
      await expect(storage.query({ partition: "abort", consistency: "strong", signal })).rejects.toThrow();
      expect(await sorts({ partition: "abort" })).toEqual([]);
    });
  });
}
