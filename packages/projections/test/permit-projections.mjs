import { appendFileSync } from "node:fs";
import { defineProjection } from "@tuppence/projections";

/**
 * The projections of a town's permits, one of each kind, as their user would write them: built packages, plain Node. Their names and
 * what they hold are known to `permit-models.ts`.
 */

/** A file for each permit, which is taken away when it is withdrawn. Corrupt events are parked. */
export const files = defineProjection({
  name: "files",
  version: 1,
  categories: ["permit"],
  key: ({ streamId }) => streamId,
  initialState: () => ({ versions: [], paid: 0 }),
  evolve(state, { type, version, data }) {
    if (data.corrupt) throw new Error("corrupt");
    if (type === "PermitWithdrawn") return undefined;
    return { versions: [...state.versions, version], paid: state.paid + (data.amount ?? 0) };
  },
});

/** What happened in each district: many streams in a document, in two slots. */
export const districts = defineProjection({
  name: "districts",
  version: 1,
  categories: ["permit"],
  slots: 2,
  batch: { maxEvents: 40 },
  key: ({ data }) => data.district,
  initialState: () => [],
  evolve: (state, { streamId, version }) => [...state, `${streamId}/${version}`],
});

/** Who has how many permits: both sides of a transfer at once. */
export const holders = defineProjection({
  name: "holders",
  version: 1,
  mode: "transaction",
  categories: ["permit"],
  types: ["PermitRequested", "PermitTransferred"],
  key: ({ type, data }) => (type === "PermitRequested" ? data.applicant : [data.from, data.to]),
  initialState: () => 0,
  evolve: (count, { type, data }, key) => {
    if (type === "PermitRequested") return count + 1;
    return count + (data.to === key ? 1 : 0) - (data.from === key ? 1 : 0);
  },
});

/** The fees of each district, as counters in a table of its own. */
export function ledger(tableName) {
  return defineProjection({
    name: "ledger",
    version: 1,
    mode: "transaction",
    categories: ["permit"],
    types: ["FeePaid"],
    slots: 2,
    batch: { maxEvents: 10 },
    handle(events, { build }) {
      const sums = new Map();
      for (const { data } of events) {
        const { count, amount } = sums.get(data.district) ?? { count: 0, amount: 0 };
        sums.set(data.district, { count: count + 1, amount: amount + data.amount });
      }
      return Array.from(sums, ([district, { count, amount }]) => ({
        Update: {
          TableName: tableName,
          Key: { p: { S: `${build}|${district}` } },
          UpdateExpression: "ADD payments :count, amount :amount",
          ExpressionAttributeValues: { ":count": { N: String(count) }, ":amount": { N: String(amount) } },
        },
      }));
    },
  });
}

/** Letters to applicants: lines of a file. */
export function letters(file) {
  return defineProjection({
    name: "letters",
    version: 1,
    categories: ["permit"],
    types: ["PermitGranted", "FeePaid"],
    slots: 2,
    react({ streamId, version }, { idempotencyKey }) {
      appendFileSync(file, [idempotencyKey, streamId, version].join(" ") + "\n");
    },
  });
}
