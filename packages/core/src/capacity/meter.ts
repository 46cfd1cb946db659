import type {
  AttributeValue,
  BatchStatementRequest,
  BatchStatementResponse,
  ConsumedCapacity,
  CreateTableCommandInput,
  DynamoDBClient,
  GlobalSecondaryIndex,
  TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import { interceptLeanCalls } from "../dynamodb/lean/interceptors.ts";
import { askingForItems, batchGetUnits, type KeysOfTable, statementUnits } from "./batch-units.ts";
import { itemSize, type Item } from "./item-size.ts";
import { type Capacity, readUnits, writeUnits } from "./units.ts";

/** One call to DynamoDB as the meter saw it: every attempt, retries of the SDK included. */
export interface MeteredCall extends Capacity {
  /** `PutItem`, `Query`, … */
  readonly operation: string;
  /** The name of the error that came back, if one did. */
  readonly error: string | undefined;
}

/** Counts what a client's calls consume. */
export interface CapacityMeter {
  /** Since the start or the last reset, in order. */
  readonly calls: readonly MeteredCall[];
  total(): Capacity;
  reset(): void;
  /** Takes the meter off the client. */
  detach(): void;
}

/**
 * Puts a meter on a client, plain or document, for tests and benchmarks. Puts and transactions are computed from the
 * sizes of their items by AWS's rules, so the meter is also right where DynamoDB Local is not (transactions, indexes);
 * an update, delete or check within a transaction counts as 1 KB. So are BatchGetItem, and writes by BatchExecuteStatement, whose
 * UPDATEs are made to return the item for that. For everything else the reply's `ConsumedCapacity` is asked for and taken. Calls of stores with `leanRequests` are seen as well.
 *
 * Indexes count when their tables are given.
 */
export function meterCapacity(
  client: DynamoDBClient,
  options?: { readonly tables?: readonly CreateTableCommandInput[] | undefined },
): CapacityMeter {
  const calls: MeteredCall[] = [];
  const indexes = new Map(options?.tables?.map((table) => [table.TableName, table]));
  const name = `tuppence-capacity-meter-${meters++}`;
  const record = async <Result extends { readonly output?: unknown }>(
    operation: string,
    input: Input,
    send: () => Promise<Result>,
  ): Promise<Result> => {
    try {
      const result = await send();
      const { output } = result;
      calls.push({ operation, error: undefined, ...consumed({ operation, input, output, indexes }) });
      return result;
    } catch (error) {
      calls.push({ operation, error: (error as Error).name, ...refused(operation, input, error) });
      throw error;
    }
  };
  client.middlewareStack.add(
    (next, context) => (args) => record(operationOf(context), args.input as Input, () => next(args)),
    { step: "deserialize", priority: "high", name },
  );
  client.middlewareStack.add(
    (next, context) => (args) =>
      next({ ...args, input: asking(operationOf(context), args.input as typeof args.input & Input) }),
    { step: "initialize", name: `${name}-ask` },
  );
  const detachFromLeanCalls = interceptLeanCalls(client, {
    call: ({ operation, input }, next) => next(asking(operation, input)),
    attempt: async ({ operation, input }, next) => {
      const { output } = await record(operation, input, async () => ({ output: await next(input) }));
      return output;
    },
  });
  return {
    calls,
    total() {
      return {
        requests: calls.length,
        readUnits: sum(calls, (call) => call.readUnits),
        writeUnits: sum(calls, (call) => call.writeUnits),
      };
    },
    reset: () => void calls.splice(0),
    detach() {
      client.middlewareStack.remove(name);
      client.middlewareStack.remove(`${name}-ask`);
      detachFromLeanCalls();
    },
  };
}

let meters = 0;

function operationOf(context: { readonly commandName?: unknown }): string {
  return String(context.commandName).replace(/Command$/, "");
}

/** The input of a call whose reply shall tell what it consumed. */
function asking<CallInput extends Input>(operation: string, input: CallInput): CallInput {
  if (operation === "BatchExecuteStatement") return askingForItems(input);
  if (!REPORTED.has(operation) || input.ReturnConsumedCapacity) return input;
  return { ...input, ReturnConsumedCapacity: "TOTAL" };
}

/** What the inputs of DynamoDB's commands have in common with what is looked at here. */
interface Input {
  readonly TableName?: string | undefined;
  readonly Item?: Record<string, AttributeValue> | undefined;
  readonly ConsistentRead?: boolean | undefined;
  readonly ReturnConsumedCapacity?: string | undefined;
  readonly TransactItems?: readonly TransactWriteItem[] | undefined;
  readonly RequestItems?: Readonly<Record<string, KeysOfTable>> | undefined;
  readonly Statements?: readonly BatchStatementRequest[] | undefined;
}

interface Output {
  readonly ConsumedCapacity?: ConsumedCapacity | readonly ConsumedCapacity[] | undefined;
  readonly Responses?: unknown;
  readonly UnprocessedKeys?: Readonly<Record<string, KeysOfTable>> | undefined;
}

type Units = Pick<MeteredCall, "requests" | "readUnits" | "writeUnits">;
type Indexes = ReadonlyMap<string | undefined, CreateTableCommandInput>;

const READS = ["GetItem", "Query", "Scan", "TransactGetItems"];
const REPORTED = new Set([...READS, "UpdateItem", "DeleteItem", "BatchWriteItem"]);

function consumed(call: {
  readonly operation: string;
  readonly input: Input;
  readonly output: unknown;
  readonly indexes: Indexes;
}): Units {
  const { operation, input, indexes } = call;
  if (operation === "TransactGetItems") return transactReads(input, call.output as Output);
  if (REPORTED.has(operation)) return reported(operation, input, call.output as Output);
  switch (operation) {
    case "PutItem":
      return write(putUnits(input, indexes, { transaction: false }));
    case "BatchExecuteStatement":
      return statementWrites(input, call.output as Output);
    case "BatchGetItem":
      return {
        requests: 1,
        readUnits: batchGetUnits(input.RequestItems ?? {}, call.output as Output),
        writeUnits: 0,
      };
    case "TransactWriteItems":
      return write(sum(input.TransactItems ?? [], (action) => transactUnits(action, indexes)));
    default:
      return write(0);
  }
}

/** DynamoDB Local does not count what is not there. A read of a transaction that is kept away costs as well. */
function transactReads({ TransactItems: gets = [] }: Input, output?: Output): Units {
  const found = (output?.Responses ?? []) as readonly { readonly Item?: Item }[];
  const units = sum([...gets.keys()], (index) => readUnits(sizeOf(found[index]?.Item), "transaction"));
  return { requests: 1, readUnits: units, writeUnits: 0 };
}

function statementWrites({ Statements = [] }: Input, output: Output): Units {
  const responses = (output.Responses ?? []) as readonly BatchStatementResponse[];
  return write(
    sum([...Statements.entries()], ([index, request]) => statementUnits(request, responses[index])),
  );
}

/** A refused write costs as much as an accepted one; a throttled or failed call costs nothing. */
function refused(operation: string, input: Input, error: unknown): Units {
  const {
    name,
    Item: found,
    CancellationReasons: reasons,
  } = error as Error & {
    readonly Item?: Item;
    readonly CancellationReasons?: readonly { readonly Item?: Item }[];
  };
  if (name === "ConditionalCheckFailedException") {
    return write(writeUnits(Math.max(sizeOf(input.Item), sizeOf(found))));
  }
  if (name === "TransactionCanceledException" && operation === "TransactGetItems")
    return transactReads(input);
  if (name !== "TransactionCanceledException" || operation !== "TransactWriteItems") return write(0);
  return write(
    sum([...(input.TransactItems ?? []).entries()], ([index, action]) =>
      writeUnits(Math.max(sizeOf(action.Put?.Item), sizeOf(reasons?.[index]?.Item)), { transaction: true }),
    ),
  );
}

function transactUnits(action: TransactWriteItem, indexes: Indexes): number {
  return action.Put
    ? putUnits(action.Put, indexes, { transaction: true })
    : writeUnits(1, { transaction: true });
}

function putUnits(put: Input, indexes: Indexes, options: { readonly transaction: boolean }): number {
  const item = put.Item ?? {};
  const table = indexes.get(put.TableName);
  const inIndexes = sum(table?.GlobalSecondaryIndexes ?? [], (index) => indexUnits(table, index, item));
  return writeUnits(itemSize(item), options) + inIndexes;
}

/** A new entry of an index: 1 unit for each KB of what it projects; none when the item lacks the index's keys. */
function indexUnits(
  table: CreateTableCommandInput | undefined,
  index: GlobalSecondaryIndex,
  item: Item,
): number {
  const keys = (index.KeySchema ?? []).map((key) => String(key.AttributeName));
  if (keys.some((key) => item[key] === undefined)) return 0;
  if (index.Projection?.ProjectionType === "ALL") return writeUnits(itemSize(item));
  const tableKeys = (table?.KeySchema ?? []).map((key) => String(key.AttributeName));
  const projected = new Set([...keys, ...tableKeys, ...(index.Projection?.NonKeyAttributes ?? [])]);
  return writeUnits(itemSize(Object.fromEntries(Object.entries(item).filter(([key]) => projected.has(key)))));
}

/** DynamoDB Local reports 0 for a read that finds nothing; DynamoDB charges for it as for the smallest item. */
function reported(operation: string, { ConsistentRead: strong }: Input, output: Output): Units {
  const units = sum([output.ConsumedCapacity ?? []].flat(), (each) => each.CapacityUnits ?? 0);
  if (!READS.includes(operation)) return write(units);
  return { requests: 1, readUnits: Math.max(units, strong ? 1 : 0.5), writeUnits: 0 };
}

function write(units: number): Units {
  return { requests: 1, readUnits: 0, writeUnits: units };
}

function sizeOf(item: Item | undefined): number {
  return item ? itemSize(item) : 0;
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
