import type { AttributeValue, BatchStatementRequest, BatchStatementResponse } from "@aws-sdk/client-dynamodb";
import { type Item, itemSize } from "./item-size.ts";
import { readUnits, writeUnits } from "./units.ts";

/** What requests about many items consume: DynamoDB bills each item as by a request of its own, and DynamoDB Local does not tell. */

/** What a BatchGetItem asks for of a table, or leaves out. */
export interface KeysOfTable {
  readonly Keys?: readonly unknown[] | undefined;
  readonly ConsistentRead?: boolean | undefined;
}

type ByTable<Value> = Readonly<Record<string, Value>>;

/**
 * Read units of a BatchGetItem; what is not there costs as the smallest item does, what was left out nothing.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#read-operation-consumption
 */
export function batchGetUnits(
  asked: ByTable<KeysOfTable>,
  reply: { readonly Responses?: unknown; readonly UnprocessedKeys?: ByTable<KeysOfTable> | undefined },
): number {
  const found = (reply.Responses ?? {}) as ByTable<readonly Item[]>;
  let units = 0;
  for (const [table, { Keys = [], ConsistentRead = false }] of Object.entries(asked)) {
    const consistency = ConsistentRead ? "strong" : "eventual";
    const items = found[table] ?? [];
    for (const item of items) units += readUnits(itemSize(item), consistency);
    const leftOut = reply.UnprocessedKeys?.[table]?.Keys?.length ?? 0;
    units += (Keys.length - leftOut - items.length) * readUnits(0, consistency);
  }
  return units;
}

/** Asks for the items that UPDATE statements leave behind, to know their sizes. */
export function askingForItems<
  Input extends { readonly Statements?: readonly BatchStatementRequest[] | undefined },
>(input: Input): Input {
  const statements = input.Statements?.map((request) =>
    /^UPDATE (?!.* RETURNING )/is.test(String(request.Statement))
      ? { ...request, Statement: `${request.Statement} RETURNING ALL NEW *` }
      : request,
  );
  return { ...input, Statements: statements };
}

/** Why a statement was not carried out that consumes as if it had been. */
const BILLED_ERRORS: readonly unknown[] = ["ConditionalCheckFailed", "DuplicateItem"];

/**
 * Write units of a statement of a BatchExecuteStatement: of an INSERT of values given as parameters by their sizes, of an UPDATE by that of the item in the
 * reply, of all else as of 1 KB.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption
 */
export function statementUnits(
  request: BatchStatementRequest,
  response: BatchStatementResponse = {},
): number {
  const { Error: error, Item: left } = response;
  if (error !== undefined && !BILLED_ERRORS.includes(error.Code)) return 0;
  const items = [left, error?.Item, insertedItem(request)];
  return writeUnits(Math.max(...items.map((item) => (item === undefined ? 0 : itemSize(item)))));
}

function insertedItem({ Statement = "", Parameters = [] }: BatchStatementRequest): Item | undefined {
  if (!/^INSERT /i.test(Statement)) return undefined;
  const names = [...Statement.matchAll(/'([^']+)'\s*:\s*\?/g)].map(([, name]) => String(name));
  const fields = names.map((name, index): [string, AttributeValue] => [name, Parameters[index] ?? { S: "" }]);
  return Object.fromEntries(fields);
}
