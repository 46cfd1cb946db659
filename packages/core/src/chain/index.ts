/**
 * Chains as they are, for packages that keep something of their own in one (`@tuppence/queue`): the protocol, its storages, and
 * how entries are packed into items. Applications use stores and queues; what is here may change with any release.
 */
export { type Item, itemSize } from "../capacity/item-size.ts";
export { Bill, type Billed, type Capacity, readUnits, writeUnits } from "../capacity/units.ts";
export { formatCommitId, newCommitId, parseCommitId, sameCommitId } from "../commit-id.ts";
export { sdkCalls } from "../dynamodb/calls.ts";
export { createDynamoDBChainStorage } from "../dynamodb/chain-storage.ts";
export { dynamoDBRuntime, type RuntimeOptions } from "../dynamodb/dynamodb-runtime.ts";
export { leanCalls } from "../dynamodb/lean/lean-calls.ts";
export { findJsonProblem, formatPath, type JsonProblem } from "../json.ts";
export { createMemoryStorage } from "../memory/memory-storage.ts";
export { packCommit, type PackedEvent, parseEntries } from "../store/commit-content.ts";
export {
  appendToChain,
  type ChainAppend,
  type ChainAppendResult,
  type ChainContext,
  readContext,
  readTail,
} from "./chain.ts";
export { GroupCommit, type GroupEntry } from "./group-commit.ts";
export { KnownEnds } from "./known-ends.ts";
export {
  type ChainReadContext,
  type ChainWindow,
  itemHolding,
  LAST_SLOT,
  lastItemUpTo,
  readChain,
  readChainPages,
  readOn,
} from "./read-chain.ts";
export { type ChainStorage, UncertainWriteError } from "./storage.ts";
export {
  CHAIN_GUARDS,
  type ChainEnd,
  type ChainGuards,
  type ChainItem,
  commitsIn,
  type CommitSlots,
  EMPTY_CHAIN,
  encodeGroup,
  GROUP_ENTRY_BYTES,
  type PendingCommit,
  readSlots,
} from "./tiling.ts";
