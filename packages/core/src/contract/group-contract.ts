import assert from "node:assert/strict";
import { createCommitId } from "../commit-id.ts";
import { assertRejects, collect, counted, newStreamId } from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

export function groupContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  describe("a group of commits", () => {
    it("says how its events will be stored, stores them together, and each stays a commit of its own", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const { version } = await store.append(streamId, counted(1));
      const commitId = createCommitId();
      const group = await store.openGroup(streamId, { expectedVersion: version });
      const first = await group.add(counted(2, 3), { metadata: { correlationId: "r1" } });
      const second = await group.add(counted(4), { commitId });
      assert.equal((await collect(store.read(streamId))).length, 1);
      const results = await group.append();
      assert.deepEqual(
        results.map((result) => [result.firstVersion, result.version, result.duplicate]),
        [
          [2, 3, false],
          [4, 4, false],
        ],
      );
      const stored = await collect(openStore().read(streamId, { fromVersion: 2 }));
      assert.deepEqual([...(first ?? []), ...(second ?? [])], stored);
      assert.deepEqual(
        results.flatMap((result) => result.events),
        stored,
      );
      assert.equal(results[1]?.commitId, commitId);
      for (const result of results) {
        const again = await openStore().append(streamId, counted(1), { commitId: result.commitId });
        assert.deepEqual([again.duplicate, again.version], [true, result.version]);
      }
    });

    it("is refused where the stream has moved on, also inside a commit and beyond the end", async () => {
      const streamId = newStreamId();
      await openStore().append(streamId, counted(1, 3));
      for (const expectedVersion of [1, 2, 4, 500]) {
        const opened = openStore().openGroup(streamId, { expectedVersion });
        await assertRejects(opened, { code: "versionConflict", expected: expectedVersion, actual: 3 });
      }
      const group = await openStore().openGroup(streamId, { expectedVersion: 3 });
      await group.add(counted(4));
      await openStore().append(streamId, counted(5));
      await assertRejects(group.append(), { code: "versionConflict", expected: 3, actual: 4, streamId });
      assert.equal((await collect(openStore().read(streamId))).length, 4);
    });

    it("takes no commit that is none, and none twice, and stays as it was", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const group = await store.openGroup(streamId, { expectedVersion: 0 });
      const commitId = createCommitId();
      await group.add(counted(1), { commitId });
      await assertRejects(group.add([]), { code: "noEvents" });
      await assertRejects(group.add([{ type: "Bad", data: () => 1 }]), { code: "invalidEvent" });
      await assert.rejects(group.add(counted(2), { commitId }), TypeError);
      await assert.rejects(group.add(counted(2), { commitId: "none" }), TypeError);
      assert.equal((await group.append()).length, 1);
      assert.equal((await collect(store.read(streamId))).length, 1);
      for (const expectedVersion of [-1, 1.5, Number.NaN])
        await assert.rejects(store.openGroup(streamId, { expectedVersion }), RangeError);
      assert.deepEqual(await (await store.openGroup(streamId, { expectedVersion: 1 })).append(), []);
    });
  });
}
