import type { _Record, AttributeValue } from "@aws-sdk/client-dynamodb-streams";

/** What Lambda hands to a function for a batch of a DynamoDB stream. */
export interface StreamEvent {
  readonly Records: readonly StreamEventRecord[];
}

/**
 * One record as Lambda writes it: seconds for times, base64 for bytes, and `userIdentity` in lower case.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 */
export interface StreamEventRecord {
  readonly eventID: string | undefined;
  readonly eventName: string | undefined;
  readonly eventVersion: string | undefined;
  readonly eventSource: string | undefined;
  readonly awsRegion: string | undefined;
  readonly userIdentity?: { readonly type: string | undefined; readonly principalId: string | undefined };
  readonly dynamodb: {
    /** Seconds since 1970. */
    readonly ApproximateCreationDateTime: number | undefined;
    readonly Keys?: JsonItem;
    readonly NewImage?: JsonItem;
    readonly OldImage?: JsonItem;
    readonly SequenceNumber: string;
    readonly SizeBytes: number | undefined;
    readonly StreamViewType: string | undefined;
  };
  readonly eventSourceARN: string;
}

/** Attributes in DynamoDB's JSON, bytes as base64. */
export type JsonItem = Readonly<Record<string, JsonAttribute>>;
export type JsonAttribute = Readonly<Record<string, unknown>>;

/**
 * Writes a record of GetRecords as Lambda does.
 *
 * @throws TypeError when it has no sequence number
 */
export function streamEventRecord(record: _Record, streamArn: string): StreamEventRecord {
  const { dynamodb = {}, userIdentity } = record;
  if (dynamodb.SequenceNumber === undefined) {
    throw new TypeError(`A record has no sequence number: ${JSON.stringify(record)}`);
  }
  return {
    eventID: record.eventID,
    eventName: record.eventName,
    eventVersion: record.eventVersion,
    eventSource: record.eventSource,
    awsRegion: record.awsRegion,
    ...(userIdentity && {
      userIdentity: { type: userIdentity.Type, principalId: userIdentity.PrincipalId },
    }),
    dynamodb: {
      ApproximateCreationDateTime: secondsOf(dynamodb.ApproximateCreationDateTime),
      ...(dynamodb.Keys && { Keys: jsonItem(dynamodb.Keys) }),
      ...(dynamodb.NewImage && { NewImage: jsonItem(dynamodb.NewImage) }),
      ...(dynamodb.OldImage && { OldImage: jsonItem(dynamodb.OldImage) }),
      SequenceNumber: dynamodb.SequenceNumber,
      SizeBytes: dynamodb.SizeBytes,
      StreamViewType: dynamodb.StreamViewType,
    },
    eventSourceARN: streamArn,
  };
}

function secondsOf(date: Date | undefined): number | undefined {
  return date === undefined ? undefined : date.getTime() / 1_000;
}

function jsonItem(item: Record<string, AttributeValue>): JsonItem {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, jsonAttribute(value)]));
}

function jsonAttribute(value: AttributeValue): JsonAttribute {
  if (value.B !== undefined) return { B: base64(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(base64) };
  if (value.L !== undefined) return { L: value.L.map(jsonAttribute) };
  if (value.M !== undefined) return { M: jsonItem(value.M) };
  return { ...value };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
