import type {
  ConsumedCapacity,
  CreateTableCommandInput,
  DynamoDB,
  ServiceInputTypes,
  ServiceOutputTypes,
  TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import type { DeserializeMiddleware } from "@smithy/types";
import { type Capacity, itemSize, meterCapacity, writeUnits } from "@tuppence/core";

/**
 * Does some work with a client and says what it consumed, by the meter of `@tuppence/core`, and made exact where the meter
 * is kind to peers: an update is as expensive as the item that it updates. A refused one is asked to bring that item along;
 * for one in a transaction, DynamoDB Local's own count of the table is taken.
 */
export async function consumedBy(
  client: DynamoDB,
  tables: readonly CreateTableCommandInput[],
  work: () => Promise<unknown>,
): Promise<Capacity> {
  const meter = meterCapacity(client, { tables });
  let more = 0;
  const count: DeserializeMiddleware<ServiceInputTypes, ServiceOutputTypes> = (next) => async (args) => {
    const result = await next(args);
    more += moreThanCounted(args.input as Input, result.output as Output);
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

const ASK = "ask-for-updates";
const COUNT = "count-updates";

interface Input {
  readonly UpdateExpression?: string | undefined;
  readonly TransactItems?: readonly TransactWriteItem[] | undefined;
}

interface Output {
  readonly ConsumedCapacity?: readonly ConsumedCapacity[] | undefined;
}

/** An update that is refused brings its item along; a transaction with updates says what it consumes. */
function asking<CallInput extends ServiceInputTypes>(input: CallInput): CallInput {
  const { UpdateExpression: expression, TransactItems: actions } = input as Input;
  if (expression !== undefined) return { ...input, ...BRING_THE_ITEM };
  if (!actions?.some(isUpdate)) return input;
  const TransactItems = actions.map((action) =>
    action.Update ? { Update: { ...action.Update, ...BRING_THE_ITEM } } : action,
  );
  return { ...input, TransactItems, ReturnConsumedCapacity: "INDEXES" };
}

const BRING_THE_ITEM = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;

function isUpdate({ Update: update }: TransactWriteItem): boolean {
  return update !== undefined;
}

/** What the updates of a transaction cost beyond the 1 KB each that the meter takes them for. */
function moreThanCounted(
  { TransactItems: actions = [] }: Input,
  { ConsumedCapacity: consumed }: Output,
): number {
  if (!actions.some(isUpdate)) return 0;
  let more = 0;
  for (const { TableName: name, Table: table, GlobalSecondaryIndexes: indexes = {} } of consumed ?? []) {
    const puts = actions.flatMap(({ Put: put }) => (put && put.TableName === name ? [put] : []));
    const updates = actions.filter(({ Update: update }) => update?.TableName === name).length;
    if (updates === 0) continue;
    const counted = puts.reduce(
      (units, put) => units + writeUnits(itemSize(put.Item ?? {}), IN_A_TRANSACTION),
      0,
    );
    more += (table?.CapacityUnits ?? 0) - counted - updates * writeUnits(1, IN_A_TRANSACTION);
    // An index is written outside of the transaction, at half of what DynamoDB Local says; that of puts is counted.
    if (puts.length > 0) continue;
    for (const index of Object.values(indexes)) more += (index.CapacityUnits ?? 0) / 2;
  }
  return more;
}

const IN_A_TRANSACTION = { transaction: true };
