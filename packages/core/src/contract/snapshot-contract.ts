import assert from "node:assert/strict";
import type { RecordedEvent } from "../events.ts";
import { createStateCache } from "../state-cache.ts";
import { createKeyRing, encryptPersons } from "./key-ring.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Fold } from "../store/read-options.ts";
import { snapshotAfter } from "../store/next-snapshot.ts";
import type { SnapshotPolicy } from "../store/snapshot.ts";
import {
  appendCommits,
  assertRejects,
  collect,
  counted,
  newStreamId,
  pseudoRandomText,
  readVersions,
} from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

interface Sum {
  readonly count: number;
  readonly sum: number;
  readonly padding: string;
}

interface Told {
  readonly names: readonly string[];
  readonly padding: string;
}

/** Adds up the numbers of `counted`; its state can be made large. */
function summing(
  policy: (SnapshotPolicy<Sum> & { readonly padding?: string | undefined }) | undefined,
): Fold<Sum, RecordedEvent> {
  const padding = policy?.padding ?? "";
  return {
    initialState: () => ({ count: 0, sum: 0, padding }),
    evolve: ({ count, sum }, event) => ({
      count: count + 1,
      sum: sum + (event.data as { number: number }).number,
      padding,
    }),
    snapshot: policy,
  };
}

/** Appends commits of these sizes, as one does who loads before. */
async function appendWithSnapshots(
  store: EventStore,
  streamId: string,
  { fold, sizes }: { readonly fold: Fold<Sum, RecordedEvent>; readonly sizes: readonly number[] },
): Promise<number> {
  let { version } = await store.load(streamId, fold);
  for (const size of sizes) {
    const loaded = await store.load(streamId, fold);
    const appended = await store.append(streamId, counted(version + 1, version + size), {
      expectedVersion: loaded.version,
      snapshot: snapshotAfter(fold, loaded),
    });
    assert.equal(appended.snapshotError, undefined);
    version = appended.version;
  }
  return version;
}

const SUM_TO = (version: number): number => (version * (version + 1)) / 2;

export function snapshotContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  const policies: Record<string, SnapshotPolicy<Sum> & { readonly padding?: string }> = {
    "where it is free": { version: "1" },
    "every 3 events": { version: "1", every: 3 },
    "every event": { version: "1", every: 1 },
    "of 2 KB, every 3 events": { version: "1", every: 3, padding: pseudoRandomText(1, 2_500) },
    "of 20 KB, every 3 events": { version: "1", every: 3, padding: pseudoRandomText(1, 26_000) },
    "saved as a list": {
      version: "1",
      every: 2,
      save: ({ count, sum, padding }) => [count, sum, padding],
      restore: (saved, version) => {
        const [count, sum, padding] = saved as [number, number, string];
        return version === "1" ? { count, sum, padding } : undefined;
      },
    },
  };

  describe("snapshots", () => {
    for (const [name, policy] of Object.entries(policies)) {
      it(`${name}: a load gives what folding all events gives, at every version`, async () => {
        const streamId = newStreamId();
        const fold = summing(policy);
        const sizes = [1, 1, 2, 5, 1, 1, 1, 3, 1, 1];
        const version = await appendWithSnapshots(openStore(), streamId, { fold, sizes });
        const plain = summing(undefined);
        for (let toVersion = 1; toVersion <= version; toVersion++) {
          const { state } = await openStore().load(streamId, fold, { toVersion });
          assert.deepEqual([state.count, state.sum], [toVersion, SUM_TO(toVersion)]);
        }
        const loaded = await openStore().load(streamId, fold);
        assert.equal(loaded.version, version);
        const { state } = await openStore().load(streamId, plain);
        assert.deepEqual({ ...loaded.state, padding: "" }, state);
        assert.equal(loaded.snapshotVersion > 0, true);
        assert.equal(version - loaded.snapshotVersion < (policy.every ?? 1) + Math.max(...sizes), true);
        const all = Array.from({ length: version }, (_, index) => index + 1);
        assert.deepEqual(await readVersions(openStore(), streamId), all);
        assert.deepEqual(
          await readVersions(openStore(), streamId, { direction: "backward" }),
          all.toReversed(),
        );
        const later = await openStore().load(streamId, fold, {
          from: await openStore().load(streamId, fold, { toVersion: 4 }),
        });
        assert.deepEqual([later.state.sum, later.version], [SUM_TO(version), version]);
        const asOf = await openStore().load(streamId, fold, { asOf: new Date() });
        assert.equal(asOf.state.sum, SUM_TO(version));
      });
    }

    it("of a load that later appends have overtaken is not stored", async () => {
      const streamId = newStreamId();
      const [slow, fast] = [openStore(), openStore()];
      const fold = summing({ version: "1", every: 1, padding: pseudoRandomText(1, 20_000) });
      await appendWithSnapshots(slow, streamId, { fold, sizes: [1] });
      const loaded = await slow.load(streamId, fold);
      await appendWithSnapshots(fast, streamId, { fold, sizes: [1, 1] });
      await assertRejects(
        slow.append(streamId, counted(2), {
          expectedVersion: loaded.version,
          snapshot: snapshotAfter(fold, loaded),
        }),
        { code: "versionConflict" },
      );
      assert.equal((await openStore().load(streamId, fold)).snapshotVersion, 3);
      await assert.rejects(
        slow.append(streamId, counted(4), { snapshot: snapshotAfter(fold, loaded) }),
        TypeError,
      );
    });

    for (const padding of ["", pseudoRandomText(2, 20_000)]) {
      it(`old and new code run at once, states of ${padding.length} bytes`, async () => {
        const streamId = newStreamId();
        const old = summing({ version: "1", every: 2, padding });
        const next: Fold<Sum, RecordedEvent> = {
          ...summing({ version: "2", every: 3, padding }),
          evolve: ({ count, sum }, event) => ({
            count: count + 100,
            sum: sum + 2 * (event.data as { number: number }).number,
            padding,
          }),
        };
        let version = 0;
        for (let turn = 0; turn < 12; turn++) {
          const fold = turn % 3 === 1 ? next : old;
          version = await appendWithSnapshots(openStore(), streamId, { fold, sizes: [1 + (turn % 2)] });
          const [one, two] = [await openStore().load(streamId, old), await openStore().load(streamId, next)];
          assert.deepEqual([one.state.count, one.state.sum], [version, SUM_TO(version)]);
          assert.deepEqual([two.state.count, two.state.sum], [100 * version, 2 * SUM_TO(version)]);
        }
      });
    }

    it("a new version of the fold can take over from the old one's", async () => {
      const streamId = newStreamId();
      const old = summing({ version: "1", every: 1 });
      const version = await appendWithSnapshots(openStore(), streamId, { fold: old, sizes: [2, 2] });
      let evolved = 0;
      const next: Fold<{ readonly total: number }, RecordedEvent> = {
        initialState: () => ({ total: 0 }),
        evolve: ({ total }, event) => {
          evolved += 1;
          return { total: total + (event.data as { number: number }).number };
        },
        snapshot: {
          version: "2",
          restore: (saved, from) =>
            from === "1" ? { total: (saved as unknown as Sum).sum } : (saved as { readonly total: number }),
        },
      };
      const loaded = await openStore().load(streamId, next);
      assert.deepEqual([loaded.state.total, loaded.version, evolved], [SUM_TO(version), version, 0]);
    });

    it("a state that is no JSON is refused before anything is stored, and so is a policy that is none", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const fold: Fold<{ readonly at: Date }, RecordedEvent> = {
        initialState: () => ({ at: new Date(0) }),
        evolve: (state) => state,
        snapshot: { version: "1" },
      };
      const snapshot = snapshotAfter(fold, { ...(await store.load(streamId, fold)) });
      await assert.rejects(store.append(streamId, counted(1), { expectedVersion: 0, snapshot }), TypeError);
      assert.equal(await store.streamExists(streamId), false);
      for (const [policy, error] of [
        [{ version: "" }, TypeError],
        [{ version: "1", every: 0 }, RangeError],
      ] as const) {
        await assert.rejects(store.load(streamId, summing(policy)), error);
      }
    });
  });

  describe("snapshots of encrypted events", () => {
    for (const padding of ["", pseudoRandomText(3, 20_000)]) {
      const size = `${padding.length} bytes`;
      const fold: Fold<Told, RecordedEvent> = {
        initialState: () => ({ names: [], padding }),
        evolve: ({ names }, { type, data }) => ({
          names: [...names, type === "$forgotten" ? "?" : (data as { readonly name: string }).name],
          padding,
        }),
        snapshot: { version: "1", every: 2 },
      };

      it(`are unreadable once one of those whose data they hold is forgotten, ${size}`, async () => {
        const keys = createKeyRing();
        const open = (): EventStore => openStore({ encryption: encryptPersons(keys) });
        const streamId = newStreamId();
        const cache = createStateCache<Told>();
        const caching = open();
        for (const [person, name] of [
          ["p1", "Ada L."],
          ["p2", "Bob B."],
          [null, "Shop"],
          ["p1", "Eve E."],
        ] as const) {
          const store = open();
          const loaded = await store.load(streamId, fold);
          await store.append(streamId, [{ type: "Named", data: { name, person } }], {
            expectedVersion: loaded.version,
            snapshot: snapshotAfter(fold, loaded),
          });
          await caching.load(streamId, fold, { cache });
        }
        const before = await open().load(streamId, fold);
        assert.deepEqual(before.state.names, ["Ada L.", "Bob B.", "Shop", "Eve E."]);
        assert.deepEqual(before.subjects.toSorted(), ["p1", "p2"]);
        assert.equal(before.snapshotVersion > 0, true);
        // Without the hook a state is no way around it.
        await assertRejects(openStore().load(streamId, fold), { code: "encryptionMissing" });
        // The names have a space, which no base64 has by chance.
        const exported = JSON.stringify(await collect(open().exportCommits({ streamId })));
        for (const name of ["Ada L.", "Bob B.", "Eve E."]) assert.equal(exported.includes(name), false);
        keys.drop("p1");
        const after = await open().load(streamId, fold);
        assert.deepEqual(after.state.names, ["?", "Bob B.", "Shop", "?"]);
      });
    }

    it("stand for truncated events, in exports too; once forgotten, the stream can't be folded any more", async () => {
      const keys = createKeyRing();
      const open = (): EventStore => openStore({ encryption: encryptPersons(keys) });
      const streamId = newStreamId();
      const fold: Fold<readonly string[], RecordedEvent> = {
        initialState: () => [],
        evolve: (names, { data }) => [...names, String((data as { readonly name?: string }).name)],
        snapshot: { version: "1" },
      };
      for (const name of ["Ada L.", "Lovelace L."]) {
        await open().append(streamId, [{ type: "Named", data: { name, person: "p1" } }]);
      }
      await open().truncate(streamId, fold, { before: 2 });
      assert.deepEqual((await open().load(streamId, fold)).state, ["Ada L.", "Lovelace L."]);
      const commits = await collect(open().exportCommits({ streamId }));
      assert.equal(JSON.stringify(commits).includes("Ada L."), false);
      const copy = newStreamId();
      await open().importCommits(commits.map((commit) => ({ ...commit, streamId: copy })));
      assert.deepEqual((await open().load(copy, fold)).state, ["Ada L.", "Lovelace L."]);
      keys.drop("p1");
      for (const each of [streamId, copy]) {
        await assertRejects(open().load(each, fold), { code: "streamTruncated" });
        const [event, ...more] = await collect(open().read(each));
        assert.deepEqual([event?.type, event?.version, more], ["$forgotten", 2, []]);
      }
    });
  });

  describe("truncate", () => {
    const fold = summing({ version: "1", every: 4 });

    it("keeps the state and what follows; reads begin with what is kept", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, [2, 3, 1, 2, 1, 1]);
      const { firstVersion } = await openStore().truncate(streamId, fold, { before: 8 });
      // The commit 7..8 is kept as a whole.
      assert.equal(firstVersion, 7);
      for (const store of [openStore(), openStore()]) {
        assert.deepEqual(await readVersions(store, streamId), [7, 8, 9, 10]);
        assert.deepEqual(await readVersions(store, streamId, { fromVersion: 3, limit: 2 }), [7, 8]);
        assert.deepEqual(await readVersions(store, streamId, { limit: 1 }), [7]);
        assert.deepEqual(await readVersions(store, streamId, { toVersion: 5 }), []);
        assert.deepEqual(await readVersions(store, streamId, { direction: "backward" }), [10, 9, 8, 7]);
        const { state, version } = await store.load(streamId, fold);
        assert.deepEqual([state.count, state.sum, version], [10, SUM_TO(10), 10]);
        assert.equal((await store.load(streamId, fold, { toVersion: 6 })).state.sum, SUM_TO(6));
        assert.equal(await store.streamExists(streamId), true);
      }
      const { version } = await openStore().append(streamId, counted(11), { expectedVersion: 10 });
      assert.equal(version, 11);
    });

    it("a fold that can't use what was kept fails, and says why", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, [1, 1, 1, 1]);
      const before = await openStore().load(streamId, fold, { toVersion: 1 });
      await openStore().truncate(streamId, fold, { before: 4 });
      const truncated = { code: "streamTruncated", firstVersion: 4 };
      await assertRejects(openStore().load(streamId, summing(undefined)), truncated);
      await assertRejects(openStore().load(streamId, summing({ version: "2" })), truncated);
      await assertRejects(openStore().load(streamId, fold, { toVersion: 2 }), truncated);
      const restored = summing({ version: "2", restore: (saved) => saved as unknown as Sum });
      assert.equal((await openStore().load(streamId, restored)).state.sum, SUM_TO(4));
      // An earlier result goes on from what was kept.
      assert.equal((await openStore().load(streamId, fold, { from: before })).state.sum, SUM_TO(4));
      await assertRejects(openStore().load(streamId, summing(undefined), { from: before }), truncated);
    });

    it("no slot is free again: a writer that remembers an earlier end is refused", async () => {
      const streamId = newStreamId();
      const stale = openStore();
      await appendCommits(stale, streamId, [1, 2, 1]);
      await appendCommits(openStore(), streamId, []);
      const other = openStore();
      await other.append(streamId, counted(5));
      await other.truncate(streamId, fold, { before: 5 });
      for (const expectedVersion of [0, "noStream", 1, 3, 4] as const) {
        await assertRejects(stale.append(streamId, counted(5), { expectedVersion }), {
          code: "versionConflict",
        });
        await assertRejects(openStore().append(streamId, counted(5), { expectedVersion }), {
          code: "versionConflict",
          actual: expectedVersion === 0 ? 1 : 5,
        });
      }
      assert.deepEqual(await readVersions(openStore(), streamId), [5]);
    });

    it("can be repeated and continued, and never takes the last commit away", async () => {
      const streamId = newStreamId();
      const store = openStore();
      assert.equal((await store.truncate(streamId, fold, { before: 5 })).firstVersion, 1);
      await appendCommits(store, streamId, [1, 1, 1, 2]);
      assert.equal((await store.truncate(streamId, fold, { before: 1 })).firstVersion, 1);
      assert.equal((await store.truncate(streamId, fold, { before: 3 })).firstVersion, 3);
      assert.equal((await store.truncate(streamId, fold, { before: 3 })).firstVersion, 3);
      assert.equal((await store.truncate(streamId, fold, { before: 100 })).firstVersion, 4);
      assert.deepEqual(await readVersions(openStore(), streamId), [4, 5]);
      assert.equal((await openStore().load(streamId, fold)).state.sum, SUM_TO(5));
      await store.append(streamId, [], { close: true });
      assert.equal((await store.truncate(streamId, fold, { before: 100 })).firstVersion, 6);
      assert.deepEqual(await readVersions(openStore(), streamId), []);
      assert.equal((await openStore().load(streamId, fold)).state.sum, SUM_TO(5));
      await assertRejects(openStore().append(streamId, counted(6)), { code: "streamClosed", version: 5 });
    });

    it("an export has what is left, and an import of it is truncated likewise", async () => {
      const streamId = newStreamId();
      const store = openStore();
      await appendCommits(store, streamId, [1, 2, 1, 1]);
      await store.truncate(streamId, fold, { before: 4 });
      const commits = await collect(store.exportCommits({ streamId }));
      assert.deepEqual(
        commits.map(({ firstVersion, events, truncated }) => [
          firstVersion,
          events.length,
          truncated?.events,
        ]),
        [
          [1, 0, 1],
          [2, 0, 2],
          [4, 1, undefined],
          [5, 1, undefined],
        ],
      );
      const copy = newStreamId();
      const moved = commits.map((commit) => ({ ...commit, streamId: copy }));
      await store.importCommits(moved);
      assert.deepEqual(await readVersions(openStore(), copy), [4, 5]);
      assert.equal((await openStore().load(copy, fold)).state.sum, SUM_TO(5));
      const again = await collect(openStore().exportCommits({ streamId: copy }));
      assert.deepEqual(again, moved);
      assert.equal((await openStore().importCommits(moved)).duplicates, moved.length);
    });

    it("a repetition of an append that was truncated since is still recognised", async () => {
      const streamId = newStreamId();
      const first = await openStore().append(streamId, counted(1), { expectedVersion: 0 });
      await appendCommits(openStore(), streamId, []);
      await openStore().append(streamId, counted(2));
      await openStore().truncate(streamId, fold, { before: 2 });
      for (const expectedVersion of [0, "any"] as const) {
        const { commitId } = first;
        const again = await openStore().append(streamId, counted(1), { expectedVersion, commitId });
        assert.deepEqual([again.duplicate, again.version, again.events], [true, 1, []]);
      }
    });

    it("refuses a fold without snapshots and a version that is none", async () => {
      const streamId = newStreamId();
      await assert.rejects(openStore().truncate(streamId, summing(undefined), { before: 2 }), TypeError);
      await assert.rejects(openStore().truncate(streamId, fold, { before: 0 }), RangeError);
    });
  });
}
