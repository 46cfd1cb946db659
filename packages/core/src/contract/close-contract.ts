import assert from "node:assert/strict";
import { createCommitId } from "../commit-id.ts";
import { appendCommits, assertRejects, collect, counted, newStreamId, readVersions } from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

export function closeContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  describe("close", () => {
    const LAST = { "with its last event": 1, "without events": 0 } as const;
    for (const [how, count] of Object.entries(LAST)) {
      const last = count === 0 ? [] : counted(3);
      const version = 2 + count;

      it(`${how}: every later append is refused, of a store that knows, knew or never saw it`, async () => {
        const [writer, stale] = [openStore(), openStore()];
        const streamId = newStreamId();
        await appendCommits(writer, streamId, [1, 1]);
        await readVersions(stale, streamId);
        const closed = await writer.append(streamId, last, { expectedVersion: 2, close: true });
        assert.deepEqual([closed.version, closed.events.length], [version, count]);
        for (const open of [() => writer, () => stale, openStore]) {
          for (const expectedVersion of ["any", "streamExists", version, version + 1] as const) {
            const refused = open().append(streamId, counted(9), { expectedVersion });
            await assertRejects(refused, { code: "streamClosed", streamId, version, retryable: false });
          }
          await assertRejects(open().append(streamId, counted(9), { expectedVersion: "noStream" }), {
            code: "streamClosed",
          });
          await assertRejects(open().append(streamId, [], { close: true }), { code: "streamClosed" });
        }
        const all = Array.from({ length: version }, (_, index) => index + 1);
        assert.deepEqual(await readVersions(openStore(), streamId), all);
        assert.deepEqual(
          await readVersions(openStore(), streamId, { direction: "backward" }),
          all.toReversed(),
        );
        assert.deepEqual(await readVersions(openStore(), streamId, { direction: "backward", limit: 1 }), [
          version,
        ]);
        assert.equal(await openStore().streamExists(streamId), true);
      });

      it(`${how}: repeated with its commit id, it is recognised`, async () => {
        const streamId = newStreamId();
        await appendCommits(openStore(), streamId, [2]);
        const commitId = createCommitId();
        for (const expectedVersion of [2, "any", "streamExists"] as const) {
          for (const store of [openStore(), openStore()]) {
            const { duplicate, version: at } = await store.append(streamId, last, {
              expectedVersion,
              commitId,
              close: true,
            });
            assert.equal(at, version);
            assert.equal(duplicate || expectedVersion === 2, true);
          }
        }
      });

      it(`${how}: exported and imported, it stays closed`, async () => {
        const store = openStore();
        const streamId = newStreamId();
        await appendCommits(store, streamId, [2]);
        await store.append(streamId, last, { close: true });
        const commits = await collect(store.exportCommits({ streamId }));
        assert.equal(commits.at(-1)?.closes, true);
        const copy = newStreamId();
        const moved = commits.map((commit) => ({ ...commit, streamId: copy }));
        await store.importCommits(moved);
        await assertRejects(openStore().append(copy, counted(4)), { code: "streamClosed", version });
        const { duplicates } = await openStore().importCommits(moved);
        assert.equal(duplicates, commits.length);
      });
    }

    it("an append that was stored before the stream was closed is still recognised", async () => {
      const [store, other] = [openStore(), openStore()];
      const streamId = newStreamId();
      const commitId = createCommitId();
      const first = await store.append(streamId, counted(1), { commitId, expectedVersion: 0 });
      await other.append(streamId, [], { close: true });
      for (const expectedVersion of [0, "noStream", "any", "streamExists"] as const) {
        for (const open of [() => store, () => other, openStore]) {
          const again = await open().append(streamId, counted(1), { commitId, expectedVersion });
          assert.deepEqual([again.duplicate, again.events], [true, first.events]);
        }
      }
    });

    it("of writers racing with the one that closes, none writes after it", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, [1]);
      const results = await Promise.allSettled(
        Array.from({ length: 12 }, (_, index) =>
          openStore().append(streamId, index === 6 ? [] : [{ type: "A", data: index }], {
            close: index === 6,
          }),
        ),
      );
      const stored = await collect(openStore().read(streamId));
      const accepted = results.filter((result) => result.status === "fulfilled").length;
      // All accepted ones but the closing one hold an event, and so does the first append.
      assert.equal(stored.length, accepted);
      assert.equal(results[6]?.status, "fulfilled");
      await assertRejects(openStore().append(streamId, counted(1)), { code: "streamClosed" });
    });

    it("a stream that does not exist can't be closed without events", async () => {
      const store = openStore();
      const streamId = newStreamId();
      await assertRejects(store.append(streamId, [], { close: true }), {
        code: "versionConflict",
        actual: 0,
      });
      for (const expectedVersion of [0, "noStream"] as const) {
        await assert.rejects(store.append(streamId, [], { close: true, expectedVersion }), RangeError);
      }
      assert.equal(await openStore().streamExists(streamId), false);
      await store.append(streamId, counted(1), { close: true, expectedVersion: "noStream" });
      await assertRejects(store.append(streamId, counted(2)), { code: "streamClosed" });
    });
  });
}
