/**
 * Filter patterns for event source mappings: what they leave out is not delivered, and costs no invocation.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
 */

/** One of the filters of `FilterCriteria`. */
export interface RecordFilter {
  /** JSON. */
  readonly Pattern: string;
}

/** The slot of a chain's snapshot, which is no commit. DynamoDB's numbers are texts in a record. */
const SNAPSHOT_SLOT = "9007199254740992";

function newItems(chainNames: readonly unknown[]): RecordFilter {
  const Keys = { p: { S: chainNames }, s: { N: [{ "anything-but": [SNAPSHOT_SLOT] }] } };
  return { Pattern: JSON.stringify({ eventName: ["INSERT"], dynamodb: { Keys } }) };
}

/**
 * The commits of all streams of `<prefix>-events`, without the pages of the global log: a log must not wake itself. What other
 * chains of the system hold comes along (Lambda documents no filter for what does not begin with something), to be
 * passed over by their names, which begin with `$`.
 */
export const COMMITS_FILTER: RecordFilter = newItems([{ "anything-but": ["$all"] }]);

/**
 * The commits of the streams of one category, or of one chain: a stream, or one of the system's, such as `$queue|name`.
 *
 * @throws RangeError for an empty name, and for a category with a `|`.
 */
export function commitsFilter(of: { readonly category: string } | { readonly chain: string }): RecordFilter {
  if ("chain" in of) {
    if (of.chain === "") throw new RangeError("A chain needs a name.");
    return newItems([of.chain]);
  }
  const { category } = of;
  if (category === "" || category.includes("|")) {
    throw new RangeError(`${JSON.stringify(category)} is no category: a text without | is needed.`);
  }
  // A stream may be named by its category alone.
  return newItems([category, { prefix: `${category}|` }]);
}

/**
 * The items that DynamoDB removed because their time to live was over.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
 */
export const EXPIRATIONS_FILTER: RecordFilter = {
  Pattern: JSON.stringify({
    eventName: ["REMOVE"],
    userIdentity: { type: ["Service"], principalId: ["dynamodb.amazonaws.com"] },
  }),
};
