import type {
  AttributeValue,
  CreateTableCommandInput,
  DynamoDB,
  ServiceInputTypes,
  ServiceOutputTypes,
  TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import type { DeserializeMiddleware } from "@smithy/types";
import { type Capacity, itemSize, meterCapacity, writeUnits } from "@tuppence/core";

interface Metered {
  readonly client: DynamoDB;
  /** Another client of the same database, to look items up with. */
  readonly lookUp: DynamoDB;
  readonly tables: readonly CreateTableCommandInput[];
}

/**
 * Does some work with a client and says what it consumed, by the meter of `@tuppence/core`, and made exact where that is
 * kind to stores that update items: an update costs the size of the item, not that of the update. One that is refused is
 * asked to bring its item along, which the meter then counts; items updated in a transaction are looked up.
 */
export async function consumedBy(
  { client, lookUp, tables }: Metered,
  work: () => Promise<unknown>,
): Promise<Capacity> {
  const meter = meterCapacity(client, { tables });
  let more = 0;
  const count: DeserializeMiddleware<ServiceInputTypes, ServiceOutputTypes> = (next) => async (args) => {
    const updates = updatesIn(args.input as Input);
    const before = await Promise.all(updates.map((update) => find(lookUp, update)));
    const result = await next(args);
    for (const [index, update] of updates.entries()) {
      const table = tables.find(({ TableName: name }) => name === update.TableName);
      const after = await find(lookUp, update);
      more += moreThanCounted(before[index] ?? {}, after ?? {}, table);
    }
    return result;
  };
  client.middlewareStack.add((next) => (args) => next({ ...args, input: asking(args.input) }), {
    step: "initialize",
    name: ASK,
  });
  // Here the input of a document client has become that of a plain one.
  client.middlewareStack.add(count, { step: "deserialize", priority: "high", name: COUNT });
  try {
    await work();
    const total = meter.total();
    return { ...total, writeUnits: total.writeUnits + more };
  } finally {
    meter.detach();
    client.middlewareStack.remove(ASK);
    client.middlewareStack.remove(COUNT);
  }
}

const ASK = "ask-for-updated-items";
const COUNT = "count-updates";

type Item = Record<string, AttributeValue>;
type Update = NonNullable<TransactWriteItem["Update"]>;

interface Input {
  readonly UpdateExpression?: string | undefined;
  readonly TransactItems?: readonly TransactWriteItem[] | undefined;
}

/** The updates of a transaction. */
function updatesIn({ TransactItems: actions = [] }: Input): Update[] {
  return actions.flatMap(({ Update: update }) => (update ? [update] : []));
}

/** An update that is refused brings its item along. */
function asking<CallInput extends ServiceInputTypes>(input: CallInput): CallInput {
  const { UpdateExpression: expression, TransactItems: actions } = input as Input;
  if (expression !== undefined) return { ...input, ...BRING_THE_ITEM };
  if (updatesIn(input as Input).length === 0) return input;
  const TransactItems = actions?.map((action) =>
    action.Update ? { Update: { ...action.Update, ...BRING_THE_ITEM } } : action,
  );
  return { ...input, TransactItems };
}

const BRING_THE_ITEM = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;

async function find(lookUp: DynamoDB, { TableName, Key }: Update): Promise<Item | undefined> {
  return (await lookUp.getItem({ TableName, Key, ConsistentRead: true })).Item;
}

/** What an update in a transaction costs beyond the 1 KB that the meter takes it for: its size, and indexes that hold all of it. */
function moreThanCounted(before: Item, after: Item, table: CreateTableCommandInput | undefined): number {
  const bytes = Math.max(itemSize(before), itemSize(after));
  const holding = (table?.GlobalSecondaryIndexes ?? []).filter(
    ({ Projection: projection, KeySchema: keys = [] }) =>
      projection?.ProjectionType === "ALL" && keys.every(({ AttributeName: name }) => name && name in after),
  );
  const inTransaction = writeUnits(bytes, { transaction: true }) - writeUnits(1, { transaction: true });
  return inTransaction + holding.length * writeUnits(bytes);
}
