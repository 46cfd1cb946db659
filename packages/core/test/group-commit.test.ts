import { describe, expect, it } from "vitest";
import { GroupCommit, type GroupEntry } from "../src/chain/group-commit.ts";

interface Entry extends GroupEntry {
  readonly name: string;
}

/** A writer whose writes end when the test says so. */
function heldWriter(maxGroupBytes: number) {
  const writes: { chain: string; names: string[]; end: (failure?: Error) => void }[] = [];
  const groups = new GroupCommit<Entry, string>((chain, entries) => {
    const names = entries.map((entry) => entry.name);
    return new Promise((resolve, reject) => {
      const end = (failure?: Error): void => {
        if (failure) reject(failure);
        else resolve(names.map((name) => name.toUpperCase()));
      };
      writes.push({ chain, names, end });
    });
  }, maxGroupBytes);
  const add = (name: string, rest: Partial<Entry> = {}, chain = "c"): Promise<string> =>
    groups.add(chain, { name, bytes: 1, ...rest });
  return { writes, add };
}

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("group commit", () => {
  it("writes at once when nothing is under way, and what waits together afterwards, in order", async () => {
    const { writes, add } = heldWriter(100);
    const results = ["a", "b", "c"].map((name) => add(name));
    expect(writes.map((write) => write.names)).toEqual([["a"]]);
    writes[0]?.end();
    await expect(results[0]).resolves.toBe("A");
    expect(writes.map((write) => write.names)).toEqual([["a"], ["b", "c"]]);
    const late = add("d");
    writes[1]?.end();
    expect(await Promise.all(results)).toEqual(["A", "B", "C"]);
    writes[2]?.end();
    expect(await late).toBe("D");
  });

  it("waits for more before each group, if it is told to", async () => {
    const written: string[][] = [];
    const waits: (() => void)[] = [];
    const gather = (): Promise<void> => new Promise((resolve) => waits.push(resolve));
    const groups = new GroupCommit<Entry, string>(
      async (_, entries) => {
        written.push(entries.map(({ name }) => name));
        return entries.map(({ name }) => name.toUpperCase());
      },
      100,
      gather,
    );
    const results = ["a", "b"].map((name) => groups.add("c", { name, bytes: 1 }));
    await macrotask();
    expect(written).toEqual([]);
    waits.shift()?.();
    expect(await Promise.all(results)).toEqual(["A", "B"]);
    const late = groups.add("c", { name: "d", bytes: 1 });
    waits.shift()?.();
    expect(await late).toBe("D");
    expect(written).toEqual([["a", "b"], ["d"]]);
  });

  it("keeps chains apart", () => {
    const { writes, add } = heldWriter(100);
    void add("a", {}, "one");
    void add("b", {}, "other");
    expect(writes.map((write) => `${write.chain}: ${write.names.join()}`)).toEqual(["one: a", "other: b"]);
  });

  it("limits a group, and lets a larger entry go alone", async () => {
    const { writes, add } = heldWriter(10);
    void add("first");
    for (const [name, bytes] of [
      ["a", 6],
      ["b", 4],
      ["c", 1],
      ["large", 50],
      ["d", 1],
    ] as const)
      void add(name, { bytes });
    for (let write = 0; write < 5; write++) {
      writes[write]?.end();
      await macrotask();
    }
    expect(writes.map((write) => write.names)).toEqual([["first"], ["a", "b"], ["c"], ["large"], ["d"]]);
  });

  it("fails those who were in the failed write, and goes on with the others", async () => {
    const { writes, add } = heldWriter(2);
    const results = ["a", "b", "c", "d"].map((name) => add(name));
    const settled = Promise.allSettled(results);
    writes[0]?.end();
    await macrotask();
    const failure = new Error("no");
    writes[1]?.end(failure);
    await macrotask();
    writes[2]?.end();
    expect(await settled).toEqual([
      { status: "fulfilled", value: "A" },
      { status: "rejected", reason: failure },
      { status: "rejected", reason: failure },
      { status: "fulfilled", value: "D" },
    ]);
  });

  it("takes back what is aborted while it waits, and leaves what is being written", async () => {
    const { writes, add } = heldWriter(100);
    const [written, waiting] = [new AbortController(), new AbortController()];
    const first = add("a", { signal: written.signal });
    const second = add("b", { signal: waiting.signal });
    const third = add("c");
    written.abort();
    waiting.abort();
    writes[0]?.end();
    await expect(first).resolves.toBe("A");
    await expect(second).rejects.toMatchObject({ name: "AbortError" });
    writes[1]?.end();
    await expect(third).resolves.toBe("C");
    expect(writes.map((write) => write.names)).toEqual([["a"], ["c"]]);
  });
});
