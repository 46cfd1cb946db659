import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { type DocumentProjection, defineProjection, type Projection } from "@tuppence/projections";
import { type AccountData, signOf } from "./accounts.ts";
import { Journal } from "./journal.ts";
import { EFFECTS_TABLE } from "./place.ts";

/** What follows from the accounts: a projection of each kind. */

const categories = ["account"];

export interface Balance {
  readonly versions: readonly number[];
  readonly cents: number;
}

/** A document for each account, guarded by what it says of itself. */
export const balances: DocumentProjection<Balance> = defineProjection({
  name: "balances",
  version: 1,
  categories,
  slots: 2,
  key: ({ streamId }) => streamId,
  initialState: (): Balance => ({ versions: [], cents: 0 }),
  evolve: ({ versions, cents }, { type, version, data }) => ({
    versions: [...versions, version],
    cents: cents + signOf(type) * (data as AccountData).cents,
  }),
});

export interface Flow {
  readonly sent: number;
  readonly received: number;
}

/** What was sent by each account and to each: both sides at once. */
export const flows: DocumentProjection<Flow> = defineProjection({
  name: "flows",
  version: 1,
  mode: "transaction",
  categories,
  types: ["Sent"],
  key: ({ streamId, data }) => [streamId, (data as AccountData).to ?? ""],
  initialState: (): Flow => ({ sent: 0, received: 0 }),
  evolve: ({ sent, received }, { streamId, data }, key) => {
    const { cents } = data as AccountData;
    return key === streamId ? { sent: sent + cents, received } : { sent, received: received + cents };
  },
});

/** The journal of the reactor. */
export const NOTICES_JOURNAL = "notices";

export interface Notice {
  readonly streamId: string;
  readonly version: number;
}

/** The item of the effects table with the sums of an account in a build of the ledger. */
export function ledgerKey(build: number, streamId: string): string {
  return `ledger|${build}|${streamId}`;
}

/** Counters, which nothing but the transaction keeps from counting twice. */
const ledger: Projection = defineProjection({
  name: "ledger",
  version: 1,
  mode: "transaction",
  categories,
  slots: 2,
  batch: { maxEvents: 20 },
  handle(events, { build }) {
    const sums = new Map<string, { events: number; cents: number }>();
    for (const { streamId, data } of events) {
      const { events: count, cents } = sums.get(streamId) ?? { events: 0, cents: 0 };
      sums.set(streamId, { events: count + 1, cents: cents + (data as AccountData).cents });
    }
    return Array.from(sums, ([streamId, { events: count, cents }]): TransactWriteItem => {
      return {
        Update: {
          TableName: EFFECTS_TABLE,
          Key: { p: { S: ledgerKey(build, streamId) } },
          UpdateExpression: "ADD events :events, cents :cents",
          ExpressionAttributeValues: { ":events": { N: String(count) }, ":cents": { N: String(cents) } },
        },
      };
    });
  },
});

export function allReadModels(folder: string): readonly Projection[] {
  const journal = new Journal<Notice>(folder, NOTICES_JOURNAL);
  const notices = defineProjection({
    name: "notices",
    version: 1,
    categories,
    types: ["Withdrawn"],
    react: ({ streamId, version }) => journal.write({ streamId, version }),
  });
  return [balances, flows, ledger, notices];
}
