import assert from "node:assert/strict";
import { createCommitId } from "../commit-id.ts";
import type { VersionConflictError } from "../conflict-errors.ts";
import { defineEvents, forgotten, type RecordedEvent } from "../events.ts";
import { nextVersion } from "../next-version.ts";
import type { BodyOptions } from "../store/body-options.ts";
import type { EventStore } from "../store/event-store.ts";
import { assertRejects, collect, counted, newStreamId, pseudoRandomText } from "./fixtures.ts";
import { createKeyRing, encryptPersons } from "./key-ring.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { numberSchema } from "./number-schema.ts";
import type { ContractRunner, ContractSubject } from "./subject.ts";

/** What is behind an event's data: schema versions, keys and blobs. */
export function bodyContract(runner: ContractRunner, subject: ContractSubject): void {
  versionContract(runner, subject);
  hookContract(runner, subject);
}

const first = defineEvents({ Counted: numberSchema });
/** A version later, numbers are counted in tens. */
const second = defineEvents({
  Counted: nextVersion(numberSchema, numberSchema, ({ number }) => ({ number: number * 10 })),
  $forgotten: forgotten,
});

const numbersOf = (events: readonly RecordedEvent[]): unknown[] =>
  events.map(({ data }) => (data as { readonly number: unknown }).number);

function versionContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  describe("schema versions", () => {
    it("events of an older version are read as the newest, each version as its own", async () => {
      const streamId = newStreamId();
      const commitId = createCommitId();
      const event = [{ type: "Counted" as const, data: { number: 1 } }];
      await openStore({ events: first }).append(streamId, event, { commitId, expectedVersion: 0 });
      await openStore({ events: second }).append(streamId, event);
      const store = openStore({ events: second });
      assert.deepEqual(numbersOf(await collect(store.read(streamId))), [10, 1]);
      const sum = {
        initialState: () => 0,
        evolve: (folded: number, { data }: RecordedEvent) => folded + numberOf(data),
      };
      assert.equal((await store.load(streamId, sum)).state, 11);
      const again = await openStore({ events: second }).append(streamId, event, {
        commitId,
        expectedVersion: 0,
      });
      assert.deepEqual([again.duplicate, numbersOf(again.events)], [true, [10]]);
      const conflict = openStore({ events: second }).append(streamId, event, { expectedVersion: 0 });
      const error = await conflict.then(
        () => undefined,
        (reason: VersionConflictError) => reason,
      );
      assert.deepEqual(numbersOf(error?.winningCommit?.events ?? []), [10]);
      // Without definitions, as they are stored.
      assert.deepEqual(numbersOf(await collect(openStore().read(streamId))), [1, 1]);
    });

    it("a version or a type that is not defined is an error, or comes as it is stored", async () => {
      const streamId = newStreamId();
      await openStore({ events: second }).append(streamId, [{ type: "Counted", data: { number: 1 } }]);
      await openStore().append(streamId, [{ type: "Other", data: 2 }]);
      await assertRejects(collect(openStore({ events: first }).read(streamId)), {
        code: "unknownEventType",
        eventType: "Counted",
        schemaVersion: 2,
        version: 1,
      });
      const raw: EventStore = openStore({ events: first, unknownEvents: "raw" }) as unknown as EventStore;
      assert.deepEqual(
        (await collect(raw.read(streamId))).map(({ type, data }) => [type, data]),
        [
          ["Counted", { number: 1 }],
          ["Other", 2],
        ],
      );
    });

    it("types with $ are the system's", async () => {
      await assertRejects(openStore().append(newStreamId(), [{ type: "$mine", data: 1 }]), {
        code: "invalidEvent",
        path: "type",
      });
    });
  });
}

function numberOf(data: unknown): number {
  return Number((data as { readonly number: unknown }).number);
}

function hookContract({ describe, it }: ContractRunner, { openStore }: ContractSubject): void {
  const text = (seed: number): string => pseudoRandomText(seed, 600_000);
  const persons = (): BodyOptions & { readonly drop: (person: string) => void } => {
    const keys = createKeyRing();
    return { encryption: encryptPersons(keys), blobs: createMemoryBlobs(), drop: keys.drop };
  };
  const append = (store: EventStore, streamId: string): Promise<unknown> =>
    store.append(
      streamId,
      [
        { type: "Joined", data: { person: "ada" }, metadata: { own: 1 } },
        ...counted(2),
        { type: "Scanned", data: { person: "ada", scan: text(1) } },
        { type: "Scanned", data: { person: "bob", scan: text(2) } },
        { type: "Scanned", data: { scan: text(3) } },
      ],
      { metadata: { all: 2 } },
    );
  const whole = [
    ["Joined", { person: "ada" }, { all: 2, own: 1 }],
    ["Counted", { number: 2 }, { all: 2 }],
    ["Scanned", { person: "ada", scan: text(1) }, { all: 2 }],
    ["Scanned", { person: "bob", scan: text(2) }, { all: 2 }],
    ["Scanned", { scan: text(3) }, { all: 2 }],
  ];
  const shapes = (events: readonly RecordedEvent[]): unknown[] =>
    events.map(({ type, data, metadata }) => [type, data, metadata]);

  describe("encryption and blobs", () => {
    it("give back what was appended, until a key is dropped", async () => {
      const { drop, ...options } = persons();
      const streamId = newStreamId();
      await append(openStore(options), streamId);
      assert.deepEqual(shapes(await collect(openStore(options).read(streamId))), whole);
      const backward = await collect(openStore(options).read(streamId, { direction: "backward", limit: 2 }));
      assert.deepEqual(shapes(backward), whole.slice(3).reverse());
      drop("ada");
      const gone = (type: string): unknown[] => ["$forgotten", { type, subject: "ada" }, {}];
      const left = [gone("Joined"), whole[1], gone("Scanned"), ...whole.slice(3)];
      const events = await collect(openStore(options).read(streamId));
      assert.deepEqual(shapes(events), left);
      assert.deepEqual(
        events.map(({ version }) => version),
        [1, 2, 3, 4, 5],
      );
    });

    it("go through an export and an import unread", async () => {
      const { drop, ...options } = persons();
      const [source, target] = [newStreamId(), newStreamId()];
      await append(openStore(options), source);
      const exported = await collect(openStore({ blobs: options.blobs }).exportCommits({ streamId: source }));
      const lines = exported.map((commit) => JSON.stringify({ ...commit, streamId: target }));
      await openStore({ blobs: options.blobs }).importCommits(lines.map((line) => JSON.parse(line)));
      assert.deepEqual(shapes(await collect(openStore(options).read(target))), whole);
      drop("ada");
      const types = (await collect(openStore(options).read(target))).map(({ type }) => type);
      assert.deepEqual(types, ["$forgotten", "Counted", "$forgotten", "Scanned", "Scanned"]);
    });

    it("are told when their hooks are missing", async () => {
      const { encryption, blobs } = persons();
      const streamId = newStreamId();
      await append(openStore({ encryption, blobs }), streamId);
      await assertRejects(collect(openStore().read(streamId)), {
        code: "encryptionMissing",
        subject: "ada",
        version: 1,
      });
      await assertRejects(collect(openStore({ encryption }).read(streamId, { fromVersion: 5 })), {
        code: "blobsMissing",
        version: 5,
      });
      await assertRejects(openStore({ encryption }).append(streamId, [{ type: "Scanned", data: text(4) }]), {
        code: "eventTooLarge",
        limitOf: "item",
      });
    });
  });
}
