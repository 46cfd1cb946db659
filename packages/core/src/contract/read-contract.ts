import assert from "node:assert/strict";
import type { RecordedEvent } from "../events.ts";
import {
  appendCommits,
  assertRejects,
  collect,
  counted,
  newStreamId,
  readVersions,
  untilListed,
} from "./fixtures.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";
import { numberSchema } from "./number-schema.ts";

/** Versions 1 to 10 in commits of 1, 3, 2 and 4 events. */
const SIZES = [1, 3, 2, 4];
const LAST = 10;

const COUNT = { initialState: () => 0, evolve: (count: number) => count + 1 };

export function readContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  describe("readCategory", () => {
    it("yields the events of all its streams, each in order, stream by stream", async () => {
      const [store, other] = [openStore(), openStore()];
      const category = newStreamId().replace("|", "-");
      const names = Array.from({ length: 21 }, (_, index) => `${category}|${String(index).padStart(2, "0")}`);
      for (const [index, name] of names.entries()) {
        await appendCommits(
          store,
          name,
          Array.from({ length: 1 + (index % 3) }, () => 2),
        );
      }
      await store.append(`${category}s|1`, counted(1));
      await store.truncate(String(names[2]), { ...COUNT, snapshot: { version: "1" } }, { before: 3 });
      await untilListed(() => collect(store.listStreams(category)), names.length);
      const expected: string[] = [];
      for (const name of names) {
        for (const event of await collect(store.read(name))) expected.push(`${name} ${event.version}`);
      }
      const place = ({ streamId, version }: RecordedEvent): string => `${streamId} ${version}`;
      assert.deepEqual((await collect(other.readCategory(category))).map(place), expected);
      const after = names[9];
      const rest = (await collect(other.readCategory(category, { after }))).map(place);
      assert.deepEqual(rest, expected.slice(expected.length - rest.length));
      assert.equal(rest[0], `${names[10]} 1`);
      for await (const event of other.readCategory(category, { consistency: "eventual" })) {
        assert.equal(place(event), expected[0]);
        break;
      }
      assert.deepEqual(await collect(other.readCategory(category, { asOf: new Date(0) })), []);
      assert.deepEqual(await collect(other.readCategory(`${category}x`)), []);
      for (const wrong of ["", "a|b", 7 as never]) assert.throws(() => other.readCategory(wrong), RangeError);
    });
  });

  describe("read", () => {
    it("yields nothing for a stream that does not exist", async () => {
      assert.deepEqual(await readVersions(openStore(), newStreamId()), []);
      assert.deepEqual(await readVersions(openStore(), newStreamId(), { fromVersion: 7 }), []);
      assert.deepEqual(await readVersions(openStore(), newStreamId(), { direction: "backward" }), []);
    });

    it("yields every range exactly, wherever commits begin and end, in both directions", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, SIZES);
      const store = openStore();
      for (let from = 1; from <= LAST + 2; from++) {
        for (let to = 1; to <= LAST + 2; to++) {
          const forward = await readVersions(store, streamId, { fromVersion: from, toVersion: to });
          assert.deepEqual(forward, range(from, Math.min(to, LAST)), `${from}..${to}`);
          const backward = { direction: "backward", fromVersion: to, toVersion: from } as const;
          const versions = await readVersions(openStore(), streamId, backward);
          assert.deepEqual(versions, range(from, Math.min(to, LAST)).reverse(), `${to}..${from} backward`);
        }
      }
    });

    it("stops at the limit, in both directions", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, SIZES);
      for (let limit = 1; limit <= LAST + 1; limit++) {
        const store = openStore();
        assert.deepEqual(await readVersions(store, streamId, { limit }), range(1, Math.min(limit, LAST)));
        const middle = await readVersions(store, streamId, { fromVersion: 3, limit });
        assert.deepEqual(middle, range(3, Math.min(limit + 2, LAST)));
        const backward = await readVersions(store, streamId, { direction: "backward", limit });
        assert.deepEqual(backward, range(Math.max(1, LAST - limit + 1), LAST).reverse());
      }
    });

    it("leaves out what was recorded later, in both directions and with a limit", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, SIZES);
      const all = await collect(openStore().read(streamId));
      const times = all.map((event) => event.recordedAt);
      for (const asOf of [new Date(0), ...times, new Date(Date.now() + 60_000)]) {
        const count = times.filter((time) => time <= asOf).length;
        const store = openStore();
        assert.deepEqual(await readVersions(store, streamId, { asOf }), range(1, count));
        const newest = await readVersions(store, streamId, { asOf, direction: "backward", limit: 2 });
        assert.deepEqual(newest, range(Math.max(1, count - 1), count).reverse());
        const fold = { initialState: () => 0, evolve: (folded: number) => folded + 1 };
        assert.equal((await store.load(streamId, fold, { asOf })).version, count);
      }
    });

    it("can be left at any event", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, SIZES);
      for await (const event of openStore().read(streamId)) {
        if (event.version === 3) break;
      }
    });

    it("stops when its signal is aborted", async () => {
      const store = openStore();
      const streamId = newStreamId();
      await appendCommits(store, streamId, [1]);
      await assert.rejects(collect(store.read(streamId, { signal: AbortSignal.abort() })), {
        name: "AbortError",
      });
    });

    it("reads streams of more than a page", async () => {
      const store = openStore();
      const streamId = newStreamId();
      for (let version = 0; version < 30; version++) {
        const data = { number: version + 1, padding: "x".repeat(version % 3 === 0 ? 120_000 : 10) };
        await store.append(streamId, [
          { type: "Counted", data: { number: data.number } },
          { type: "Padded", data },
        ]);
      }
      const forward = await collect(openStore().read(streamId));
      assert.deepEqual(
        forward.map((event) => event.version),
        range(1, 60),
      );
      assert.deepEqual(
        await collect(openStore().read(streamId, { direction: "backward" })),
        forward.toReversed(),
      );
    });
  });

  describe("load", () => {
    const numbers = {
      initialState: (): readonly number[] => [],
      evolve: (state: readonly number[], event: RecordedEvent) => [
        ...state,
        (event.data as { number: number }).number,
      ],
    };

    it("folds all events and gives the version to expect", async () => {
      const store = openStore();
      const streamId = newStreamId();
      assert.deepEqual(await stateOf(store.load(streamId, numbers)), { state: [], version: 0 });
      await appendCommits(store, streamId, SIZES);
      for (const consistency of ["strong", "eventual"] as const) {
        const loaded = await stateOf(openStore().load(streamId, numbers, { consistency }));
        assert.deepEqual(loaded, { state: range(1, LAST), version: LAST });
      }
    });

    it("gives the state as of a version", async () => {
      const store = openStore();
      const streamId = newStreamId();
      await appendCommits(store, streamId, SIZES);
      for (let toVersion = 1; toVersion <= LAST + 1; toVersion++) {
        const version = Math.min(toVersion, LAST);
        const loaded = await stateOf(store.load(streamId, numbers, { toVersion }));
        assert.deepEqual(loaded, { state: range(1, version), version });
      }
    });

    it("goes on from an earlier result", async () => {
      const store = openStore();
      const streamId = newStreamId();
      await appendCommits(store, streamId, [2, 3]);
      const from = await store.load(streamId, numbers);
      assert.deepEqual(await stateOf(store.load(streamId, numbers, { from })), {
        state: range(1, 5),
        version: 5,
      });
      await openStore().append(streamId, counted(6, 7));
      assert.deepEqual(await stateOf(store.load(streamId, numbers, { from })), {
        state: range(1, 7),
        version: 7,
      });
    });

    it("gives a version that an append can expect without a further read", async () => {
      const streamId = newStreamId();
      await appendCommits(openStore(), streamId, SIZES);
      const store = openStore();
      const { version } = await store.load(streamId, numbers);
      const { capacity } = await store.append(streamId, counted(LAST + 1), { expectedVersion: version });
      assert.deepEqual(capacity, { requests: 1, readUnits: 0, writeUnits: 1 });
    });
  });

  describe("streams", () => {
    it("exist once they have an event", async () => {
      const streamId = newStreamId();
      assert.equal(await openStore().streamExists(streamId), false);
      await openStore().append(streamId, counted(1));
      assert.equal(await openStore().streamExists(streamId), true);
    });

    it("are listed by category, in order, in pages", async () => {
      const store = openStore();
      const category = newStreamId("list").replace("|", "-");
      const names = range(1, 12).map((number) => `${category}|${String(number).padStart(2, "0")}`);
      for (const name of names.toReversed()) await store.append(name, counted(1, 2));
      await store.append(names[0] ?? "", counted(3));
      await store.append(`${category}-other|1`, counted(1));
      await untilListed(() => collect(store.listStreams(category)), names.length);
      assert.deepEqual(await collect(store.listStreams(category)), names);
      assert.deepEqual(await collect(store.listStreams(category, { limit: 5 })), names.slice(0, 5));
      const after = names[4];
      assert.deepEqual(await collect(store.listStreams(category, { after, limit: 5 })), names.slice(5, 10));
      assert.deepEqual(await collect(store.listStreams(category, { after: names.at(-1) })), []);
      const all = await collect(store.listStreams(undefined));
      assert.ok([...names, `${category}-other|1`].every((name) => all.includes(name)));
      assert.equal((await collect(store.listStreams(undefined, { limit: 2 }))).length, 2);
      assert.throws(() => store.listStreams(undefined, { after }), RangeError);
    });
  });

  describe("event definitions", () => {
    it("an event type that is not defined is an error of its own", async () => {
      const streamId = newStreamId();
      await openStore().append(streamId, counted(1));
      const store = openStore({ events: { Other: numberSchema } });
      const expected = { code: "unknownEventType", eventType: "Counted", streamId, version: 1 };
      await assertRejects(collect(store.read(streamId)), expected);
      await assertRejects(store.load(streamId, { initialState: () => 0, evolve: () => 1 }), expected);
    });
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

async function stateOf<State>(
  loading: Promise<{ readonly state: State; readonly version: number }>,
): Promise<{ state: State; version: number }> {
  const { state, version } = await loading;
  return { state, version };
}
