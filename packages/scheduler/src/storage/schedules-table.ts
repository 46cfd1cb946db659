import {
  CONTROL_TTL_ATTRIBUTE,
  controlTable,
  DEFAULT_TABLE_PREFIX,
  type TableDefinition,
} from "@tuppence/core";

/**
 * The attribute of `schedulesTable` that TTL goes by: epoch seconds, on doorbells and on entries that are over.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export const SCHEDULES_TTL_ATTRIBUTE: typeof CONTROL_TTL_ATTRIBUTE = CONTROL_TTL_ATTRIBUTE;

/**
 * The definition of the table `<prefix>-schedules`, which holds schedules, their entries and doorbells. It is the input of
 * CreateTable; billed on demand, with a stream of old images, by which a doorbell that TTL removes wakes a function. TTL is a
 * request of its own: enable it on the attribute `ttl`, as `ensureTables` does.
 *
 * Keys: `p` (what kind of item, of which shard and minute) and `s` (which one).
 */
export function schedulesTable(prefix: string = DEFAULT_TABLE_PREFIX): TableDefinition {
  return {
    ...controlTable(prefix),
    TableName: `${prefix}-schedules`,
    StreamSpecification: { StreamEnabled: true, StreamViewType: "OLD_IMAGE" },
  };
}
