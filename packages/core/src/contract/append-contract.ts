import assert from "node:assert/strict";
import { commitIdFrom, createCommitId } from "../commit-id.ts";
import { VersionConflictError } from "../conflict-errors.ts";
import {
  appendCommits,
  assertRejects,
  collect,
  counted,
  newStreamId,
  readVersions,
  pseudoRandomText,
} from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

export function appendContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  describe("append", () => {
    it("gives back what it stored, with versions from 1", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const first = await store.append(streamId, counted(1, 2));
      const second = await store.append(streamId, counted(3));
      assert.deepEqual([first.firstVersion, first.version, first.duplicate], [1, 2, false]);
      assert.deepEqual([second.firstVersion, second.version, second.duplicate], [3, 3, false]);
      assert.notEqual(first.commitId, second.commitId);
      assert.deepEqual([...first.events, ...second.events], await collect(openStore().read(streamId)));
    });

    it("records stream, version, event id and time, and lays an event's metadata over the commit's", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const before = Date.now();
      const { commitId } = await store.append(
        streamId,
        [
          { type: "A", data: null, metadata: { causationId: "c-1", tenant: "own" } },
          { type: "B", data: [1, "two", { three: true }] },
        ],
        { metadata: { correlationId: "r-1", tenant: "shared" } },
      );
      const [a, b] = await collect(openStore().read(streamId));
      assert.ok(a && b);
      assert.deepEqual(
        [a.type, a.data, a.streamId, a.version, a.eventId],
        ["A", null, streamId, 1, `${commitId}/0`],
      );
      assert.deepEqual(
        [b.type, b.data, b.version, b.eventId],
        ["B", [1, "two", { three: true }], 2, `${commitId}/1`],
      );
      assert.deepEqual(a.metadata, { correlationId: "r-1", causationId: "c-1", tenant: "own" });
      assert.deepEqual(b.metadata, { correlationId: "r-1", tenant: "shared" });
      assert.ok(a.recordedAt.getTime() >= before - 1 && a.recordedAt.getTime() <= Date.now() + 1);
      assert.deepEqual(a.recordedAt, b.recordedAt);
    });

    it("keeps every JSON value as it is", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const data = {
        "": "",
        é: '\u{1F600}\u0000\n"',
        nested: { deep: [[], {}, [null, false, 0.1, -1e-7, 1e21]] },
      };
      await store.append(streamId, [{ type: "Ünïcode|type", data }]);
      const [event] = await collect(openStore().read(streamId));
      assert.deepEqual([event?.type, event?.data], ["Ünïcode|type", data]);
    });

    it("any: follows whatever is there, also what other processes appended since", async () => {
      const [one, other] = [openStore(), openStore()];
      const streamId = newStreamId();
      for (let number = 1; number <= 9; number += 3) {
        await one.append(streamId, counted(number));
        await other.append(streamId, counted(number + 1, number + 2), { expectedVersion: "any" });
      }
      assert.deepEqual(await readVersions(one, streamId), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it("any: finds the end when another process is far ahead", async () => {
      const [one, other] = [openStore(), openStore()];
      const streamId = newStreamId();
      await one.append(streamId, counted(1));
      for (let number = 2; number <= 20; number++) await other.append(streamId, counted(number));
      const { version, capacity } = await one.append(streamId, counted(21));
      assert.equal(version, 21);
      assert.ok(capacity.requests <= 4, `${capacity.requests} requests`);
    });

    it("noStream: only when there is no stream", async () => {
      const streamId = newStreamId();
      await openStore().append(streamId, counted(1, 3), { expectedVersion: "noStream" });
      await openStore().append(streamId, counted(4), { expectedVersion: 3 });
      for (const store of [openStore(), openStore()]) {
        const refused = store.append(streamId, counted(1), { expectedVersion: "noStream" });
        await assertRejects(refused, { code: "versionConflict", expected: "noStream", actual: 4, streamId });
      }
      assert.deepEqual(await readVersions(openStore(), streamId), [1, 2, 3, 4]);
    });

    it("streamExists: only when there is a stream", async () => {
      const streamId = newStreamId();
      const refused = openStore().append(streamId, counted(1), { expectedVersion: "streamExists" });
      await assertRejects(refused, { code: "versionConflict", expected: "streamExists", actual: 0 });
      await openStore().append(streamId, counted(1));
      const { version } = await openStore().append(streamId, counted(2), { expectedVersion: "streamExists" });
      assert.equal(version, 2);
    });

    it("a number: only when it is the stream's version", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, [3, 3, 1]);
      // 5 is inside the commit 4..6, 6 is the end of an older commit, 500 is beyond the end.
      for (const expectedVersion of [0, 1, 3, 5, 6, 8, 500]) {
        const refused = openStore().append(streamId, counted(8), { expectedVersion });
        await assertRejects(refused, { code: "versionConflict", expected: expectedVersion });
      }
      assert.deepEqual(await readVersions(openStore(), streamId), [1, 2, 3, 4, 5, 6, 7]);
      const { version } = await openStore().append(streamId, counted(8), { expectedVersion: 7 });
      assert.equal(version, 8);
    });

    it("a number that this store has seen: only while it is the stream's version", async () => {
      const store = openStore();
      const streamId = newStreamId();
      await appendCommits(store, streamId, [3, 3, 1]);
      for (const expectedVersion of [0, 1, 3, 5, 6, 8, 500]) {
        const refused = store.append(streamId, counted(8), { expectedVersion });
        await assertRejects(refused, { code: "versionConflict", expected: expectedVersion, actual: 7 });
      }
      assert.deepEqual(await readVersions(openStore(), streamId), [1, 2, 3, 4, 5, 6, 7]);
    });

    it("a lost race brings back the winner's commit", async () => {
      const [loser, winner] = [openStore(), openStore()];
      const streamId = newStreamId();
      await appendCommits(winner, streamId, [1]);
      const { version } = await loser.load(streamId, { initialState: () => 0, evolve: (count) => count + 1 });
      const { events, commitId } = await winner.append(streamId, counted(2, 3), { expectedVersion: version });
      await assert.rejects(loser.append(streamId, counted(2), { expectedVersion: version }), (error) => {
        assert.ok(error instanceof VersionConflictError);
        assert.equal(error.actual, 3);
        assert.deepEqual(error.winningCommit?.events, events);
        assert.deepEqual(
          [error.winningCommit.commitId, error.winningCommit.firstVersion, error.winningCommit.version],
          [commitId, 2, 3],
        );
        return true;
      });
    });

    it("concurrent appends to one stream all get a place of their own, in the order of the calls", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const results = await Promise.all(counted(1, 50).map((event) => store.append(streamId, [event])));
      assert.deepEqual(
        results.map((result) => result.version),
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      assert.equal(new Set(results.map((result) => result.commitId)).size, 50);
      const stored = await collect(openStore().read(streamId));
      assert.deepEqual(
        results.flatMap((result) => result.events),
        stored,
      );
    });

    it("concurrent appends with metadata of their own keep it apart", async () => {
      const store = openStore();
      const streamId = newStreamId();
      await Promise.all(
        counted(1, 9).map((event, index) =>
          store.append(
            streamId,
            [event],
            index % 3 === 0 ? {} : { metadata: { correlationId: `r${index}` } },
          ),
        ),
      );
      const events = await collect(openStore().read(streamId));
      assert.deepEqual(
        events.map((event) => event.metadata.correlationId),
        [undefined, "r1", "r2", undefined, "r4", "r5", undefined, "r7", "r8"],
      );
    });
  });

  describe("append again with the same commit id", () => {
    for (const expectedVersion of ["any", "noStream", "streamExists", 0, 1, 3] as const) {
      it(`${expectedVersion}: writes nothing and gives the first result, however often and late`, async () => {
        const streamId = newStreamId();
        const existing =
          { any: 2, noStream: 0, streamExists: 2 }[String(expectedVersion)] ?? Number(expectedVersion);
        const first = openStore();
        if (existing > 0) await first.append(streamId, counted(1, existing), { expectedVersion: 0 });
        const options = { expectedVersion, commitId: commitIdFrom(`${streamId}/request`) };
        const events = counted(existing + 1, existing + 2);
        const { capacity: _, duplicate, ...result } = await first.append(streamId, events, options);
        assert.equal(duplicate, false);
        await first.append(streamId, counted(existing + 3, existing + 5));
        await first.append(streamId, counted(existing + 6));
        for (const store of [first, openStore(), openStore()]) {
          const { capacity: __, ...again } = await store.append(streamId, events, options);
          assert.deepEqual(again, { ...result, duplicate: true });
        }
        assert.equal((await readVersions(openStore(), streamId)).length, existing + 6);
      });
    }

    it("finds a commit that went into one put with others", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const results = await Promise.all(counted(1, 5).map((event) => store.append(streamId, [event])));
      for (const [index, { commitId, version }] of results.entries()) {
        const again = await openStore().append(streamId, counted(index + 1), { commitId });
        assert.deepEqual([again.duplicate, again.version, again.commitId], [true, version, commitId]);
      }
      assert.deepEqual(await readVersions(store, streamId), [1, 2, 3, 4, 5]);
    });

    it("finds the end when other processes go on writing", async () => {
      const streamId = newStreamId();
      const writers = Array.from({ length: 8 }, () => openStore());
      const write = async (store: (typeof writers)[number], writer: number): Promise<void> => {
        for (let number = 0; number < 10; number++) {
          const commitId = commitIdFrom(`${streamId}/${writer}/${number}`);
          const event = { type: "Written", data: { writer, number } };
          assert.equal((await store.append(streamId, [event], { commitId })).duplicate, false);
          assert.equal((await store.append(streamId, [event], { commitId })).duplicate, true);
        }
      };
      await Promise.all(writers.map(write));
      const stored = await collect(openStore().read(streamId));
      assert.equal(new Set(stored.map((event) => JSON.stringify(event.data))).size, 80);
      assert.equal(stored.length, 80);
    });

    it("the same id in another stream is another commit", async () => {
      const store = openStore();
      const commitId = createCommitId();
      for (const streamId of [newStreamId(), newStreamId()]) {
        const { duplicate } = await store.append(streamId, counted(1), { commitId });
        assert.equal(duplicate, false);
      }
    });
  });

  describe("an append larger than an item", () => {
    const large = (number: number): string => pseudoRandomText(number, 60_000);
    const events = Array.from({ length: 10 }, (_, index) => ({
      type: "Large",
      data: { text: large(index) },
    }));

    it("is atomic and read back in order", async () => {
      const store = openStore();
      const streamId = newStreamId();
      await store.append(streamId, counted(1));
      const result = await store.append(streamId, events, { expectedVersion: 1 });
      assert.deepEqual([result.firstVersion, result.version], [2, 11]);
      await store.append(streamId, counted(12), { expectedVersion: 11 });
      const stored = await collect(openStore().read(streamId));
      assert.deepEqual(stored.slice(1, 11), result.events);
      assert.equal(stored.length, 12);
      for (const expectedVersion of [2, 3, 5, 6, 9, 10, 11]) {
        const refused = openStore().append(streamId, counted(1), { expectedVersion });
        await assertRejects(refused, { code: "versionConflict", actual: 12 });
      }
    });

    it("is recognised when it is repeated", async () => {
      const streamId = newStreamId();
      const options = { expectedVersion: 0, commitId: createCommitId() };
      const { capacity: _, ...first } = await openStore().append(streamId, events, options);
      await openStore().append(streamId, counted(11));
      for (const expectedVersion of [0, "any"] as const) {
        const { capacity: __, ...again } = await openStore().append(streamId, events, {
          ...options,
          expectedVersion,
        });
        assert.deepEqual(again, { ...first, duplicate: true });
      }
    });
  });
}
