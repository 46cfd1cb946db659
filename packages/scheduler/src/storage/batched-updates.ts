import {
  BatchExecuteStatementCommand,
  type BatchStatementError,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import {
  type ControlStorage,
  type ControlUpdate,
  failWrite,
  isNamed,
  UncertainWriteError,
  withoutKeys,
} from "@tuppence/core/leases";
import type { ChangeOutcome, ScheduleStorage } from "./schedule-storage.ts";
import { updateStatement } from "./update-statement.ts";

/**
 * Many conditional updates in one request: a statement of PartiQL each, which is billed as its UpdateItem would be, and has a condition and an outcome of
 * its own. For a third of the server's and a tenth of the client's CPU time.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
 *
 * What can't be said in such a statement, and what DynamoDB does not take as one, is sent as an UpdateItem, which tells the same or why not.
 */
export function batchedUpdates({
  client,
  items,
  onBatchesRefused,
}: BatchPlace): ScheduleStorage["updateMany"] {
  const { tableName } = items;
  let isRefused = false;
  const refuse = (error: unknown): void => {
    if (!isRefused) onBatchesRefused(error);
    isRefused = true;
  };

  /** What became of each, or that it is to be sent alone. */
  const sendTogether = async (updates: readonly ControlUpdate[]): Promise<readonly Reply[]> => {
    const statements = updates.map((update) => updateStatement(tableName, update));
    const said = statements.filter((statement) => statement !== undefined);
    if (isRefused || said.length < 2) return updates.map(() => ALONE);
    try {
      const command = new BatchExecuteStatementCommand({ Statements: said });
      const { Responses = [] } = await client.send(command);
      const denied = Responses.find(({ Error: error }) => error?.Code === "AccessDenied")?.Error;
      if (denied !== undefined) refuse(errorOf(denied));
      let index = 0;
      return statements.map((statement) => {
        if (statement === undefined) return ALONE;
        const response = Responses[index++];
        return response === undefined ? failed(unknown("there was no reply")) : replyOf(response.Error);
      });
    } catch (error) {
      if (isNamed(error, ...REFUSED_NAMES)) refuse(error);
      const isAlone = isNamed(error, ...REFUSED_NAMES, "ValidationException");
      return isAlone ? updates.map(() => ALONE) : updates.map(() => failed(failureOf(tableName, error)));
    }
  };

  return async (updates) => {
    const replies = await sendTogether(updates);
    const settled = replies.map(async (reply, index): Promise<PromiseSettledResult<ChangeOutcome>> => {
      if (reply !== ALONE) return reply;
      const [outcome] = await Promise.allSettled([items.update(updates[index] as ControlUpdate)]);
      return outcome;
    });
    return Promise.all(settled);
  };
}

interface BatchPlace {
  readonly client: DynamoDBClient;
  /** Sends one. */
  readonly items: Pick<ControlStorage, "tableName" | "update">;
  /** Is told once. */
  readonly onBatchesRefused: (error: unknown) => void;
}

const ALONE = "alone";
type Reply = PromiseSettledResult<ChangeOutcome> | typeof ALONE;

/** No right to it, or a service that is like DynamoDB but for this. */
export const REFUSED_NAMES = ["AccessDeniedException", "UnknownOperationException"] as const;

/** Turned away for a moment: nothing was written. */
const NOT_NOW = new Set<string | undefined>([
  "ProvisionedThroughputExceeded",
  "RequestLimitExceeded",
  "ThrottlingError",
  "TransactionConflict",
]);

function replyOf(error: BatchStatementError | undefined): Reply {
  if (error === undefined) return { status: "fulfilled", value: { applied: true } };
  const { Code, Item } = error;
  if (Code === "ConditionalCheckFailed") {
    return { status: "fulfilled", value: { applied: false, item: Item && withoutKeys(Item) } };
  }
  if (NOT_NOW.has(Code)) {
    return failed(new UncertainWriteError({ mayBeWritten: false, cause: errorOf(error) }));
  }
  return Code === "InternalServerError" ? failed(unknown(String(error.Message))) : ALONE;
}

function failed(reason: unknown): PromiseRejectedResult {
  return { status: "rejected", reason };
}

function unknown(message: string): UncertainWriteError {
  return new UncertainWriteError({ mayBeWritten: true, cause: new Error(message) });
}

function errorOf({ Code, Message }: BatchStatementError): Error {
  return Object.assign(new Error(Message), { name: Code ?? "Error" });
}

function failureOf(tableName: string, error: unknown): unknown {
  try {
    return failWrite(tableName, error);
  } catch (failure) {
    return failure;
  }
}
