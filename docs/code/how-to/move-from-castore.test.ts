import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it } from "vitest";
import { capturePrinted, expectAllShown } from "../shown.ts";
//#region convert
import { commitIdFrom, type JsonValue, type TransferredCommit } from "@tuppence/core";

/** An event as Castore's `getEvents` gives it. */
interface CastoreEvent {
  readonly aggregateId: string;
  readonly version: number;
  readonly type: string;
  readonly timestamp: string;
  readonly payload?: unknown;
  readonly metadata?: Readonly<Record<string, JsonValue>>;
}

/** What is asked of a Castore `EventStore`. */
interface CastoreStore {
  readonly eventStoreId: string;
  listAggregateIds(options: { pageToken?: string }): Promise<{
    readonly aggregateIds: readonly { readonly aggregateId: string }[];
    readonly nextPageToken?: string;
  }>;
  getEvents(aggregateId: string): Promise<{ readonly events: readonly CastoreEvent[] }>;
}

export async function* commitsOfCastore(
  store: CastoreStore,
  category: string,
): AsyncGenerator<TransferredCommit> {
  let pageToken: string | undefined;
  do {
    const page = await store.listAggregateIds(pageToken === undefined ? {} : { pageToken });
    for (const { aggregateId } of page.aggregateIds) {
      const { events } = await store.getEvents(aggregateId);
      for (const { version, type, timestamp, payload = {}, metadata } of events) {
        yield {
          streamId: `${category}|${aggregateId}`,
          firstVersion: version,
          commitId: commitIdFrom(`castore/${store.eventStoreId}/${aggregateId}/${version}`), // an import can be repeated
          recordedAt: timestamp,
          events: [{ type, data: payload, ...(metadata && { metadata }) }],
        };
      }
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
//#endregion convert

/** What `@castore/core` 2.4.2 gave of events that it had stored. */
const recorded: readonly CastoreEvent[] = [
  {
    aggregateId: "pikachu-1",
    version: 1,
    type: "POKEMON_APPEARED",
    timestamp: "2026-01-02T03:04:05.678Z",
    payload: { name: "Pikachu", level: 42 },
  },
  {
    aggregateId: "pikachu-1",
    version: 2,
    type: "POKEMON_CAUGHT",
    timestamp: "2026-01-02T03:05:00.000Z",
    payload: { trainer: "ash" },
    metadata: { correlationId: "request-7" },
  },
  { aggregateId: "pikachu-1", version: 3, type: "POKEMON_LEVELED_UP", timestamp: "2026-01-03T00:00:00.000Z" },
];

const pokemons: CastoreStore = {
  eventStoreId: "POKEMONS",
  listAggregateIds: async () => ({ aggregateIds: [{ aggregateId: "pikachu-1" }] }),
  getEvents: async () => ({ events: recorded }),
};

it("keeps versions, times and metadata", async () => {
  const printed = capturePrinted();
  const store = createMemoryEventStore();
  //#region import
  const result = await store.importCommits(commitsOfCastore(pokemons, "pokemon"));
  console.log(result.commits, "commits,", result.duplicates, "there already");
  const again = await store.importCommits(commitsOfCastore(pokemons, "pokemon"));
  console.log(again.commits, "commits,", again.duplicates, "there already");

  for await (const { version, type, recordedAt, metadata } of store.read("pokemon|pikachu-1")) {
    console.log(version, type, recordedAt.toISOString(), metadata);
  }
  //#endregion import
  const next = await store.append("pokemon|pikachu-1", [{ type: "POKEMON_LEVELED_UP", data: {} }], {
    expectedVersion: 3,
  });
  expect(next.version).toBe(4);
  await expectAllShown("how-to/move-from-castore.md", printed, { import: 5 });
});
