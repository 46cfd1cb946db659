import assert from "node:assert/strict";
import { createCommitId } from "../commit-id.ts";
import type { EventStore } from "../store/event-store.ts";
import type { TransferredCommit } from "../store/transferred-commit.ts";
import {
  assertRejects,
  collect,
  counted,
  newStreamId,
  pseudoRandomText,
  readVersions,
  untilListed,
} from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

/** Export and import. All stores of a contract share their data, so an import here goes to streams of other names. */
export function transferContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  describe("export and import", () => {
    it("keep versions, ids, times, metadata and commits, through lines of JSON", async () => {
      const source = newStreamId();
      await appendVariety(openStore(), source);
      const exported = await collect(openStore().exportCommits({ streamId: source }));
      assert.deepEqual(
        exported.map((commit) => [commit.firstVersion, commit.events.length]),
        [
          [1, 1],
          [2, 2],
          [4, 1],
          [5, 1],
          [6, 1],
          [7, 6],
        ],
      );
      const target = newStreamId();
      const result = await openStore().importCommits(overTheWire(exported, target));
      assert.deepEqual([result.commits, result.events, result.duplicates], [6, 12, 0]);
      const copy = await collect(openStore().read(target));
      const original = await collect(openStore().read(source));
      assert.deepEqual(
        copy,
        original.map((event) => ({ ...event, streamId: target })),
      );
      const again = await collect(openStore().exportCommits({ streamId: target }));
      assert.deepEqual(again, overTheWire(exported, target));
    });

    it("an import that was interrupted can be repeated, and the stream goes on after it", async () => {
      const source = newStreamId();
      await appendVariety(openStore(), source);
      const target = newStreamId();
      const commits = overTheWire(await collect(openStore().exportCommits({ streamId: source })), target);
      await openStore().importCommits(commits.slice(0, 3));
      const result = await openStore().importCommits(commits);
      assert.deepEqual([result.commits, result.duplicates], [6, 3]);
      assert.equal((await collect(openStore().read(target))).length, 12);
      const { version } = await openStore().append(target, counted(13), { expectedVersion: 12 });
      assert.equal(version, 13);
    });

    it("a category is exported stream by stream, all streams likewise", async () => {
      const category = newStreamId("transfer").replace("|", "-");
      const names = Array.from({ length: 5 }, (_, number) => `${category}|${number}`);
      const store = openStore();
      for (const name of names) {
        await store.append(name, counted(1, 2));
        await store.append(name, counted(3));
      }
      await untilListed(() => collect(store.listStreams(category)), names.length);
      const exported = await collect(openStore().exportCommits({ category }));
      const expected = names.flatMap((name) => [`${name} 1`, `${name} 3`]);
      assert.deepEqual(
        exported.map((commit) => `${commit.streamId} ${commit.firstVersion}`),
        expected,
      );
      const all = await collect(openStore().exportCommits());
      const ofCategory = all.filter((commit) => commit.streamId.startsWith(`${category}|`));
      const byName = (one: TransferredCommit, other: TransferredCommit): number =>
        one.streamId < other.streamId ? -1 : Number(one.streamId > other.streamId);
      assert.deepEqual(ofCategory.toSorted(byName), exported);
    });

    it("commits of another kind of store need no ids, and get the times they say", async () => {
      const streamId = newStreamId();
      const recordedAt = "2011-10-11T13:45:40.276Z";
      await openStore().importCommits([
        { streamId, firstVersion: 1, recordedAt, events: counted(1, 2) },
        { streamId, firstVersion: 3, recordedAt, events: counted(3) },
      ]);
      assert.deepEqual(await readVersions(openStore(), streamId), [1, 2, 3]);
      const [event] = await collect(openStore().read(streamId));
      assert.equal(event?.recordedAt.toISOString(), recordedAt);
    });

    it("refuse what would leave a gap, what is taken, and what is no commit", async () => {
      const streamId = newStreamId();
      const store = openStore();
      const commit = (firstVersion: number, more: Partial<TransferredCommit> = {}): TransferredCommit => ({
        streamId,
        firstVersion,
        commitId: createCommitId(),
        events: counted(firstVersion),
        ...more,
      });
      const first = commit(1);
      await store.importCommits([first, commit(2)]);
      await assertRejects(store.importCommits([commit(4)]), {
        code: "versionConflict",
        expected: 3,
        actual: 2,
      });
      await assertRejects(store.importCommits([commit(2)]), { code: "versionConflict", expected: 1 });
      for (const wrong of [
        commit(0),
        commit(3, { streamId: "$all" }),
        commit(3, { commitId: "no id" }),
        commit(3, { recordedAt: "yesterday" }),
        commit(3, { events: [] }),
        commit(3, { events: [{ type: "Bad", data: Number.NaN }] }),
        null as never,
      ]) {
        await assertRejects(openStore().importCommits([first, wrong]), { code: "invalidImport", index: 1 });
      }
      assert.deepEqual(await readVersions(openStore(), streamId), [1, 2]);
    });
  });
}

/** Commits of every form: one event, several, a group, compressed, and larger than an item. */
async function appendVariety(store: EventStore, streamId: string): Promise<void> {
  await store.append(streamId, counted(1));
  await store.append(
    streamId,
    [
      { type: "A", data: 1 },
      { type: "B", data: 2, metadata: { own: true } },
    ],
    {
      metadata: { correlationId: "r-1" },
    },
  );
  await Promise.all([4, 5, 6].map((number) => store.append(streamId, counted(number))));
  await store.append(
    streamId,
    Array.from({ length: 6 }, (_, seed) => ({ type: "Large", data: pseudoRandomText(seed, 120_000) })),
  );
}

/** What a backup goes through; to a stream of another name. */
function overTheWire(commits: readonly TransferredCommit[], streamId: string): TransferredCommit[] {
  return commits.map((commit) => ({
    ...(JSON.parse(JSON.stringify(commit)) as TransferredCommit),
    streamId,
  }));
}
