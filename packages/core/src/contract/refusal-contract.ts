import assert from "node:assert/strict";
import { MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES } from "../limits.ts";
import { assertRejects, collect, counted, newStreamId, pseudoRandomText } from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";
import { numberSchema } from "./number-schema.ts";

/** Bad input is refused with a clear error before anything is sent, and nothing is stored. */
export function refusalContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  describe("refuses before anything is sent", () => {
    const cyclic: Record<string, unknown> = { inner: {} };
    (cyclic["inner"] as Record<string, unknown>)["outer"] = cyclic;
    const noJson: readonly [name: string, data: unknown, path: string][] = [
      ["undefined", undefined, "data"],
      ["undefined in a property", { a: { b: undefined } }, "data.a.b"],
      ["undefined in a list", [1, undefined], "data[1]"],
      ["NaN", { a: Number.NaN }, "data.a"],
      ["an infinite number", [[Number.NEGATIVE_INFINITY]], "data[0][0]"],
      ["a cycle", cyclic, "data.inner.outer"],
      ["a bigint", { "odd key": 1n }, 'data["odd key"]'],
      ["a function", { f: () => 1 }, "data.f"],
      ["a symbol", Symbol("s"), "data"],
      ["a date", { at: new Date(0) }, "data.at"],
      ["a map", new Map(), "data"],
    ];
    for (const [name, data, path] of noJson) {
      it(`${name} in an event's data`, async () => {
        const store = openStore();
        const streamId = newStreamId();
        const refused = store.append(streamId, [...counted(1), { type: "Bad", data }]);
        await assertRejects(refused, { code: "invalidEvent", eventIndex: 1, eventType: "Bad", path });
        assert.deepEqual(await collect(store.read(streamId)), []);
      });
    }

    it("metadata that is no JSON object", async () => {
      const store = openStore();
      const metadata = { deep: [Number.NaN] };
      const own = store.append(newStreamId(), [{ type: "A", data: 1, metadata }]);
      await assertRejects(own, { code: "invalidEvent", eventIndex: 0, path: "metadata.deep[0]" });
      const shared = store.append(newStreamId(), counted(1), { metadata });
      await assertRejects(shared, { code: "invalidEvent", path: "options.metadata.deep[0]" });
      const noObject = store.append(newStreamId(), counted(1), { metadata: [] as never });
      await assertRejects(noObject, { code: "invalidEvent", path: "options.metadata" });
    });

    it("an event without a type", async () => {
      for (const event of [{ type: "", data: 1 }, { data: 1 }, null]) {
        const refused = openStore().append(newStreamId(), [event as never]);
        await assertRejects(refused, { code: "invalidEvent", eventIndex: 0, path: "type" });
      }
    });

    it("an append without events", async () => {
      await assertRejects(openStore().append(newStreamId(), []), { code: "noEvents" });
    });

    it("data that does not match its schema, and stores what the schema gives out", async () => {
      const store = openStore({ events: { Numbered: numberSchema } });
      const streamId = newStreamId();
      const wrong = [
        { type: "Numbered", data: { number: 1 } },
        { type: "Numbered", data: { number: "x" } },
      ] as const;
      const expected = { code: "invalidEvent", eventIndex: 1, eventType: "Numbered", path: "data.number" };
      await assertRejects(store.append(streamId, wrong), expected);
      await assertRejects(store.append(streamId, [{ type: "Unheard", data: {} } as never]), {
        code: "invalidEvent",
        path: "type",
      });
      const { events } = await store.append(streamId, [{ type: "Numbered", data: { number: "42" } }]);
      assert.deepEqual(events[0]?.data, { number: 42 });
      assert.deepEqual(await collect(store.read(streamId)), events);
    });

    it("an event above an item, an append above a transaction", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const event = (length: number) => ({ type: "Large", data: pseudoRandomText(length, length) });
      const above = store.append(streamId, [...counted(1), event(700_000)]);
      await assertRejects(above, {
        code: "eventTooLarge",
        eventIndex: 1,
        limit: MAX_ITEM_BYTES,
        limitOf: "item",
      });
      const many = store.append(
        streamId,
        Array.from({ length: 30 }, (_, index) => event(200_000 + index)),
      );
      await assertRejects(many, {
        code: "eventTooLarge",
        limit: MAX_TRANSACTION_BYTES,
        limitOf: "transaction",
      });
      assert.deepEqual(await collect(store.read(streamId)), []);
    });

    it("but not an event above an item that compresses below it", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const { events } = await store.append(streamId, [{ type: "Long", data: "long ".repeat(200_000) }]);
      assert.deepEqual(await collect(store.read(streamId)), events);
    });

    const badNames = ["", "$all", "$", "|1", "x".repeat(1025), "c|\ud800", 7, undefined];
    for (const name of badNames) {
      it(`the stream name ${String(name).slice(0, 8)}`, async () => {
        const store = openStore();
        const streamId = name as string;
        await assertRejects(store.append(streamId, counted(1)), { code: "invalidStreamId", streamId });
        await assertRejects(store.streamExists(streamId), { code: "invalidStreamId" });
        await assertRejects(store.load(streamId, { initialState: () => 0, evolve: () => 1 }), {
          code: "invalidStreamId",
        });
        assert.throws(() => store.read(streamId), { code: "invalidStreamId" });
      });
    }

    it("versions, limits and commit ids that are none", async () => {
      const store = openStore();
      const streamId = newStreamId();
      for (const expectedVersion of [-1, 1.5, Number.NaN, 2 ** 53, "latest" as never]) {
        await assert.rejects(store.append(streamId, counted(1), { expectedVersion }), RangeError);
      }
      for (const commitId of ["", "abc", "01M84JF4HJVW3Y6TNB0FKV2HH!", "8".padEnd(26, "0")]) {
        await assert.rejects(store.append(streamId, counted(1), { commitId }), TypeError);
      }
      for (const wrong of [0, -1, 1.5]) {
        assert.throws(() => store.read(streamId, { fromVersion: wrong }), RangeError);
        assert.throws(() => store.read(streamId, { toVersion: wrong }), RangeError);
        assert.throws(() => store.read(streamId, { limit: wrong }), RangeError);
        assert.throws(() => store.listStreams("contract", { limit: wrong }), RangeError);
      }
      assert.throws(() => store.read(streamId, { asOf: new Date("never") }), RangeError);
      assert.deepEqual(await collect(store.read(streamId)), []);
    });

    it("an append whose signal is aborted already", async () => {
      const store = openStore();
      const streamId = newStreamId();
      for (const expectedVersion of ["any", 0] as const) {
        const refused = store.append(streamId, counted(1), { expectedVersion, signal: AbortSignal.abort() });
        await assert.rejects(refused, { name: "AbortError" });
      }
      assert.deepEqual(await collect(store.read(streamId)), []);
    });
  });
}
