import assert from "node:assert/strict";
import type { ExpectedVersion } from "../chain/tiling.ts";
import { commitIdFrom, createCommitId } from "../commit-id.ts";
import type { TransactConflictError } from "../conflict-errors.ts";
import type { EventStore } from "../store/event-store.ts";
import type { TransactWrite } from "../store/write-options.ts";
import type { EventDefinitions } from "../events.ts";
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

type Write = TransactWrite<EventDefinitions>;

const STATES = ["absent", "live", "closed with its last event", "closed without events"] as const;
type State = (typeof STATES)[number];

const ROLES = ["write", "check"] as const;
type Role = (typeof ROLES)[number];

/** What the store that runs the transaction knows of the stream: nothing, all, or what was true before the last change. */
const KNOWLEDGE = ["cold", "warm", "stale"] as const;

const EXPECTED: readonly ExpectedVersion[] = ["any", "noStream", "streamExists", 0, 1, 2, 3];

/** The version that a stream of the matrix has, unless it is absent. */
const VERSION = 2;

/** By the definition of each kind of expectation. */
function shouldHold(role: Role, state: State, expected: ExpectedVersion): boolean {
  if (role === "write" && state.startsWith("closed")) return false;
  const version = state === "absent" ? 0 : VERSION;
  if (expected === "any") return true;
  if (expected === "streamExists") return version > 0;
  return version === (expected === "noStream" ? 0 : expected);
}

/** Brings a stream into a state; `onTheWay` is called before its last change. */
async function bring(
  store: EventStore,
  streamId: string,
  { state, onTheWay }: { readonly state: State; readonly onTheWay: () => Promise<unknown> },
): Promise<void> {
  if (state === "absent") return;
  await store.append(streamId, counted(1));
  if (state === "closed without events") await store.append(streamId, counted(2));
  await onTheWay();
  const close = state.startsWith("closed");
  await store.append(streamId, state === "closed without events" ? [] : counted(2), { close });
}

export function transactContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  const seenBy = (store: EventStore, streamId: string) => (): Promise<unknown> =>
    collect(store.read(streamId));

  describe("transact: every kind of expectation", () => {
    for (const role of ROLES) {
      for (const state of STATES) {
        for (const knowledge of KNOWLEDGE) {
          it(`${role}, ${state}, ${knowledge}`, async () => {
            for (const expectedVersion of EXPECTED) {
              const streamId = newStreamId();
              const partner = newStreamId();
              const writer = openStore();
              const store = knowledge === "warm" ? writer : openStore();
              const onTheWay = knowledge === "stale" ? seenBy(store, streamId) : async () => undefined;
              await bring(writer, streamId, { state, onTheWay });
              const before = await collect(openStore().read(streamId));
              const own: Write[] =
                role === "write" ? [{ streamId, events: counted(7), expectedVersion }] : [];
              const result = store.transact([{ streamId: partner, events: counted(1) }, ...own], {
                checks: role === "check" ? [{ streamId, expectedVersion }] : [],
              });
              const label = `${role} ${state} ${knowledge} ${expectedVersion}`;
              const after = async () => collect(openStore().read(streamId));
              if (shouldHold(role, state, expectedVersion)) {
                const { appends } = await result;
                assert.equal(appends.length, 1 + own.length, label);
                assert.deepEqual(await readVersions(openStore(), partner), [1], label);
                const added = role === "write" ? 1 : 0;
                assert.equal((await after()).length, before.length + added, label);
              } else {
                await assertRejects(result, { code: "transactConflict" });
                const { conflicts } = await result.then(
                  () => assert.fail(label),
                  (error: unknown) => error as TransactConflictError,
                );
                assert.deepEqual(
                  conflicts.map((each) => [each.streamId, each.expected, each.actual, each.closed]),
                  [[streamId, expectedVersion, before.length, state.startsWith("closed")]],
                  label,
                );
                assert.deepEqual(await after(), before, label);
                assert.equal(await openStore().streamExists(partner), false, label);
              }
            }
          });
        }
      }
    }
  });

  describe("transact", () => {
    it("gives back what it stored; event ids count on over the parts", async () => {
      const [store, other] = [openStore(), openStore()];
      const [a, b] = [newStreamId(), newStreamId()];
      await appendCommits(other, b, [2]);
      const { commitId, duplicate, appends } = await store.transact(
        [
          { streamId: a, events: counted(1, 2), expectedVersion: "noStream" },
          { streamId: b, events: counted(3), expectedVersion: 2 },
        ],
        { metadata: { correlationId: "r-1" } },
      );
      assert.equal(duplicate, false);
      assert.deepEqual(
        appends.map((each) => [each.streamId, each.firstVersion, each.version]),
        [
          [a, 1, 2],
          [b, 3, 3],
        ],
      );
      const stored = [
        ...(await collect(other.read(a))),
        ...(await collect(other.read(b, { fromVersion: 3 }))),
      ];
      assert.deepEqual(
        stored,
        appends.flatMap((each) => each.events),
      );
      assert.deepEqual(
        stored.map((event) => [event.eventId, event.metadata]),
        [0, 1, 2].map((index) => [`${commitId}/${index}`, { correlationId: "r-1" }]),
      );
      await store.append(b, counted(4), { expectedVersion: appends[1]?.version });
    });

    it("reports every expectation that does not hold, and the commit that was faster", async () => {
      const [store, other] = [openStore(), openStore()];
      const [fine, moved, there, absent, closed, checked] = Array.from({ length: 6 }, () => newStreamId());
      await appendCommits(store, String(fine), [1]);
      await appendCommits(store, String(moved), [1]);
      const winning = await other.append(String(moved), counted(2));
      await appendCommits(other, String(there), [3]);
      await other.append(String(closed), counted(1), { close: true });
      await appendCommits(other, String(checked), [4]);
      const writes: Write[] = [
        { streamId: String(fine), events: counted(2), expectedVersion: 1 },
        { streamId: String(moved), events: counted(2), expectedVersion: 1 },
        { streamId: String(there), events: counted(1), expectedVersion: "noStream" },
        { streamId: String(closed), events: counted(2) },
      ];
      const hard = store.transact(
        [...writes, { streamId: String(absent), events: counted(1), expectedVersion: 9 }],
        {
          checks: [{ streamId: String(checked), expectedVersion: 3 }],
        },
      );
      const error = await hard.then(
        () => assert.fail(),
        (reason: unknown) => reason as TransactConflictError,
      );
      assert.deepEqual(
        error.conflicts.map((each) => [each.streamId, each.actual, each.closed]),
        [
          [moved, 2, false],
          [there, 3, false],
          [closed, 1, true],
          [absent, 0, false],
          [checked, 4, false],
        ],
      );
      assert.equal(error.retryable, false);
      const sent = store.transact([writes[0] as Write, { ...(writes[1] as Write), expectedVersion: 2 }], {
        checks: [{ streamId: newStreamId(), expectedVersion: "noStream" }],
      });
      await sent;
      await other.append(String(fine), counted(3));
      await other.append(String(moved), counted(4));
      const late = store.transact([
        { streamId: String(fine), events: counted(3), expectedVersion: 2 },
        { streamId: String(moved), events: counted(4), expectedVersion: 3 },
      ]);
      const lost = await late.then(
        () => assert.fail(),
        (reason: unknown) => reason as TransactConflictError,
      );
      assert.deepEqual(
        lost.conflicts.map((each) => [each.actual, each.winningCommit?.events[0]?.data]),
        [
          [3, { number: 3 }],
          [4, { number: 4 }],
        ],
      );
      assert.equal(lost.retryable, true);
      assert.notEqual(winning.commitId, lost.conflicts[1]?.winningCommit?.commitId);
    });

    it("a repetition with the same commit id is recognised, whatever came after it", async () => {
      for (const expected of [0, "noStream", "any", "streamExists"] as const) {
        const [first, later] = [openStore(), openStore()];
        const [a, b] = [newStreamId(), newStreamId()];
        if (expected === "streamExists" || expected === "any") {
          await appendCommits(first, a, [2]);
          await appendCommits(first, b, [1, 1]);
        }
        const commitId = commitIdFrom(`${a} ${expected}`);
        const writes = [a, b].map((streamId) => ({
          streamId,
          events: counted(9, 10),
          expectedVersion: expected,
        }));
        const done = await first.transact(writes, { commitId });
        assert.equal(done.duplicate, false);
        for (const streamId of [a, b]) await later.append(streamId, counted(11), { close: true });
        for (const store of [first, later, openStore()]) {
          const again = await store.transact(writes, { commitId });
          assert.deepEqual(
            { ...again, capacity: undefined, duplicate: false },
            { ...done, capacity: undefined },
          );
          assert.equal(again.duplicate, true);
        }
        assert.equal((await collect(first.read(b))).length, done.appends[1]?.version === 2 ? 3 : 5);
      }
    });

    it("the same transaction at the same time in several processes is stored once", async () => {
      const [a, b] = [newStreamId(), newStreamId()];
      const commitId = createCommitId();
      const writes = [a, b].map((streamId) => ({ streamId, events: counted(1) }));
      const results = await Promise.all(
        [openStore(), openStore(), openStore()].map((store) => store.transact(writes, { commitId })),
      );
      assert.equal(results.filter((result) => !result.duplicate).length, 1);
      assert.deepEqual(await readVersions(openStore(), a), [1]);
      assert.deepEqual(await readVersions(openStore(), b), [1]);
    });

    it("writers to any version of crossing streams all get through", async () => {
      const streams = Array.from({ length: 3 }, () => newStreamId());
      const stores = [openStore(), openStore(), openStore()];
      await Promise.all(
        stores.flatMap((store, index) =>
          [1, 2, 3].map(() =>
            store.transact(
              streams
                .filter((_, skip) => skip !== index)
                .map((streamId) => ({ streamId, events: [{ type: "A", data: 1 }] })),
            ),
          ),
        ),
      );
      for (const streamId of streams) {
        const versions = (await collect(openStore().read(streamId))).map((event) => event.version);
        assert.deepEqual(versions, [1, 2, 3, 4, 5, 6]);
      }
    });

    it("parts of several items each are stored and read as one", async () => {
      const [a, b] = [newStreamId(), newStreamId()];
      const large = [1, 2, 3].map((seed) => ({ type: "Large", data: pseudoRandomText(seed, 200_000) }));
      const writes = [a, b].map((streamId) => ({ streamId, events: large }));
      const commitId = createCommitId();
      const { appends } = await openStore().transact(writes, { commitId });
      for (const [index, streamId] of [a, b].entries()) {
        assert.deepEqual(await collect(openStore().read(streamId)), appends[index]?.events);
      }
      const again = await openStore().transact(writes, { commitId });
      assert.deepEqual([again.duplicate, again.appends], [true, appends]);
    });

    it("one closes its stream and another one begins", async () => {
      const store = openStore();
      const [old, next] = [newStreamId(), newStreamId()];
      await appendCommits(store, old, [3]);
      await store.transact([
        { streamId: old, events: [], close: true, expectedVersion: 3 },
        { streamId: next, events: counted(1), expectedVersion: "noStream" },
      ]);
      await assertRejects(openStore().append(old, counted(4)), { code: "streamClosed", version: 3 });
      assert.deepEqual(await readVersions(openStore(), next), [1]);
    });

    it("refuses what can't be one transaction, and stores nothing", async () => {
      const store = openStore();
      const streamId = newStreamId();
      const write = { streamId, events: counted(1) };
      await assert.rejects(store.transact([]), TypeError);
      const check = { streamId, expectedVersion: 0 };
      await assert.rejects(store.transact([], { checks: [check], commitId: createCommitId() }), TypeError);
      await assert.rejects(store.transact([write, write]), TypeError);
      await assert.rejects(
        store.transact([write], { checks: [{ streamId, expectedVersion: 0 }] }),
        TypeError,
      );
      await assert.rejects(store.transact([{ ...write, expectedVersion: -1 }]), RangeError);
      await assertRejects(store.transact([{ ...write, events: [] }]), { code: "noEvents" });
      await assertRejects(store.transact([write, { streamId: "$all", events: counted(1) }]), {
        code: "invalidStreamId",
      });
      const many = Array.from({ length: 60 }, () => ({ streamId: newStreamId(), events: counted(1) }));
      const checks = Array.from({ length: 41 }, () => ({ streamId: newStreamId(), expectedVersion: 0 }));
      await assertRejects(store.transact([write, ...many.slice(1)], { checks }), {
        code: "transactionTooLarge",
        size: 101,
        limit: 100,
        limitOf: "actions",
      });
      const heavy = Array.from({ length: 12 }, (_, seed) => ({
        streamId: newStreamId(),
        events: [{ type: "Large", data: pseudoRandomText(seed, 500_000) }],
      }));
      await assertRejects(store.transact([write, ...heavy]), {
        code: "transactionTooLarge",
        limit: 4 * 1024 * 1024,
        limitOf: "transaction",
      });
      assert.equal(await openStore().streamExists(streamId), false);
      const full = await store.transact([write, ...many.slice(1)], { checks: checks.slice(1) });
      assert.equal(full.appends.length, 60);
    });
  });
}
