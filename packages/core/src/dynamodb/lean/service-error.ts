import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  IdempotentParameterMismatchException,
  InternalServerError,
  ItemCollectionSizeLimitExceededException,
  ProvisionedThroughputExceededException,
  ReplicatedWriteConflictException,
  RequestLimitExceeded,
  ResourceNotFoundException,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from "@aws-sdk/client-dynamodb";

/** What is kept of a reply beside its body. */
export interface ReplyMetadata {
  readonly httpStatusCode: number;
  readonly requestId?: string;
}

/**
 * The SDK's classes for what reads and writes of items bring back: `instanceof` works as for the SDK's commands. One by
 * one, so that a bundler leaves out all the others.
 */
const CLASSES: Readonly<Record<string, new (options: never) => DynamoDBServiceException>> = {
  ConditionalCheckFailedException,
  IdempotentParameterMismatchException,
  InternalServerError,
  ItemCollectionSizeLimitExceededException,
  ProvisionedThroughputExceededException,
  ReplicatedWriteConflictException,
  RequestLimitExceeded,
  ResourceNotFoundException,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
};

/**
 * The SDK's error for a refusal. `Item`, `CancellationReasons` and whatever else the body has are fields of it.
 *
 * @param body decoded.
 * @param header the reply's `x-amzn-errortype`, for when the body names no type.
 */
export function serviceError(
  body: Readonly<Record<string, unknown>>,
  $metadata: ReplyMetadata,
  header: string | undefined,
): DynamoDBServiceException {
  const name = errorName(body["__type"] ?? body["code"] ?? header);
  const error = create(name, {
    name,
    message: textOf(body["message"] ?? body["Message"]) ?? "UnknownError",
    $fault: $metadata.httpStatusCode < 500 ? "client" : "server",
    $metadata: { ...$metadata },
  });
  const fields = error as unknown as Record<string, unknown>;
  for (const [field, value] of Object.entries(body)) {
    if (field !== "Message") fields[field] ??= value;
  }
  return error;
}

type Options = ConstructorParameters<typeof DynamoDBServiceException>[0];

function create(name: string, options: Options): DynamoDBServiceException {
  if (!Object.hasOwn(CLASSES, name)) return new DynamoDBServiceException(options);
  const { name: _, $fault: __, ...rest } = options;
  const Class = CLASSES[name] as new (options: object) => DynamoDBServiceException;
  return new Class(rest);
}

/** `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException:http://…` without what is around the name. */
function errorName(type: unknown): string {
  const [name = ""] = (textOf(type) ?? "").split(/[,:]/);
  return name.slice(name.indexOf("#") + 1) || "Unknown";
}

function textOf(field: unknown): string | undefined {
  return typeof field === "string" ? field : undefined;
}
