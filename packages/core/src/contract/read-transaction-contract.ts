import assert from "node:assert/strict";
import { appendCommits, assertRejects, counted, newStreamId, pseudoRandomText } from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

/** What was appended together, found again; and transactions that only check. */
export function readTransactionContract(
  { describe, it }: ContractRunner,
  { openStore }: ContractSubject,
): void {
  describe("readTransaction", () => {
    it("gives the whole transaction for any of its events", async () => {
      const store = openStore();
      const [a, b, closed] = [newStreamId(), newStreamId(), newStreamId()];
      await appendCommits(store, b, [2]);
      await appendCommits(store, closed, [1]);
      const large = [1, 2, 3].map((seed) => ({ type: "Large", data: pseudoRandomText(seed, 200_000) }));
      const { commitId, appends } = await store.transact([
        { streamId: a, events: large },
        { streamId: b, events: counted(3, 4) },
        { streamId: closed, events: [], close: true },
      ]);
      await store.append(b, counted(5));
      for (const event of appends.flatMap(({ events }) => events)) {
        const found = await openStore().readTransaction(event);
        assert.deepEqual({ ...found, capacity: undefined }, { commitId, appends, capacity: undefined });
      }
    });

    it("an append is a transaction of one stream, also where others share its item", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const appended = await Promise.all(
        [1, 3, 5, 7].map((from) => store.append(streamId, counted(from, from + 1))),
      );
      for (const { commitId, firstVersion, version, events } of appended) {
        const found = await openStore().readTransaction({ streamId, version });
        assert.equal(found?.commitId, commitId);
        assert.deepEqual(found.appends, [{ streamId, firstVersion, version, events }]);
      }
    });

    it("gives nothing for an event that is not there", async () => {
      const [store, streamId] = [openStore(), newStreamId()];
      assert.equal(await store.readTransaction({ streamId, version: 1 }), undefined);
      await appendCommits(store, streamId, [2]);
      await store.append(streamId, [], { close: true });
      assert.equal(await store.readTransaction({ streamId, version: 3 }), undefined);
      await assert.rejects(store.readTransaction({ streamId, version: 0 }), RangeError);
      await assertRejects(store.readTransaction({ streamId: "$all", version: 1 }), {
        code: "invalidStreamId",
      });
    });
  });

  describe("transact without writes", () => {
    it("resolves if every stream is where it is expected, and says which are not", async () => {
      const [store, late] = [openStore(), openStore()];
      const [a, b, closed, none] = [newStreamId(), newStreamId(), newStreamId(), newStreamId()];
      await appendCommits(store, a, [2]);
      await appendCommits(store, b, [1, 1]);
      await appendCommits(store, closed, [1]);
      await store.append(closed, [], { close: true });
      const checks = [
        { streamId: a, expectedVersion: 2 },
        { streamId: b, expectedVersion: "streamExists" },
        { streamId: closed, expectedVersion: 1 },
        { streamId: none, expectedVersion: "noStream" },
      ] as const;
      for (const each of [store, late]) {
        const { appends, duplicate } = await each.transact([], { checks });
        assert.deepEqual([appends, duplicate], [[], false]);
      }
      await store.append(a, counted(3));
      await store.append(none, counted(1, 2));
      for (const each of [late, store, openStore()]) {
        await assertRejects(each.transact([], { checks }), {
          code: "transactConflict",
          retryable: true,
        });
        const error = await each.transact([], { checks }).catch((reason: unknown) => reason);
        assert.deepEqual(
          (error as { conflicts: { streamId: string; actual: number }[] }).conflicts.map(
            ({ streamId, actual }) => [streamId, actual],
          ),
          [
            [a, 3],
            [none, 2],
          ],
        );
      }
    });
  });
}
