import type { Item } from "@tuppence/core";
import { decodeItem, isObject } from "./attribute-values.ts";
import type { ItemChange, RecordEnvelope, StreamRecord } from "./stream-record.ts";

/**
 * Decodes a record of DynamoDB Streams into one shape, whichever way it came: from the SDK (`_Record` of
 * `@aws-sdk/client-dynamodb-streams`) or in Lambda's JSON (`DynamoDBRecord` of `@types/aws-lambda`).
 *
 * It never throws: a record that this release does not understand comes back as `unknown`, with the record in `raw`. The
 * decoded bytes of an SDK record are those of the record, not a copy.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
 */
export function decodeRecord(raw: unknown): StreamRecord {
  const record = isObject(raw) ? raw : {};
  const stream = isObject(record["dynamodb"]) ? record["dynamodb"] : {};
  const envelope: RecordEnvelope = {
    sequenceNumber: digitsIn(stream["SequenceNumber"]),
    eventId: typeof record["eventID"] === "string" ? record["eventID"] : undefined,
    changedAt: dateIn(stream["ApproximateCreationDateTime"]),
  };
  const itemChange = decodeChange(record["eventName"], stream, envelope);
  if (itemChange === undefined) return { kind: "unknown", ...envelope, raw };
  const { change, newImage } = itemChange;
  if (change === "insert" && newImage !== undefined && isChainItem(newImage)) {
    return { kind: "commit", chain: String(newImage["p"]?.S), ...itemChange, change, newImage };
  }
  if (change === "remove" && isTimeToLive(record["userIdentity"])) {
    return { kind: "expiration", ...itemChange, change };
  }
  return { kind: "change", ...itemChange };
}

const CHANGES = new Map<unknown, ItemChange["change"]>([
  ["INSERT", "insert"],
  ["MODIFY", "modify"],
  ["REMOVE", "remove"],
]);

/** What happened, if all of it is understood. */
function decodeChange(
  eventName: unknown,
  stream: Readonly<Record<string, unknown>>,
  envelope: RecordEnvelope,
): ItemChange | undefined {
  const change = CHANGES.get(eventName);
  const keys = decodeItem(stream["Keys"]);
  const newImage = decodeImage(stream["NewImage"]);
  const oldImage = decodeImage(stream["OldImage"]);
  if (change === undefined || keys === undefined || envelope.sequenceNumber === undefined) return undefined;
  if (newImage === "unknown" || oldImage === "unknown") return undefined;
  return { ...envelope, change, keys, newImage, oldImage };
}

/** An image may be missing, by the stream's view type. One that is there has to be understood. */
function decodeImage(raw: unknown): Item | undefined | "unknown" {
  return raw === undefined || raw === null ? undefined : (decodeItem(raw) ?? "unknown");
}

const COMMIT_ID_BYTES = 16;

/** Whether an item is one of a chain, by what all of them have. A chain's snapshot is in a slot that is no safe integer. */
function isChainItem(item: Item): boolean {
  const slot = numberIn(item, "s");
  return (
    Boolean(item["p"]?.S) &&
    slot !== undefined &&
    slot >= 1 &&
    item["i"]?.B?.byteLength === COMMIT_ID_BYTES &&
    numberIn(item, "t") !== undefined
  );
}

function numberIn(item: Item, attribute: string): number | undefined {
  const text = item[attribute]?.N;
  const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * Whether DynamoDB itself removed an item because its time was over.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
 */
function isTimeToLive(identity: unknown): boolean {
  if (!isObject(identity)) return false;
  const type = identity["Type"] ?? identity["type"];
  const principal = identity["PrincipalId"] ?? identity["principalId"];
  return type === "Service" && principal === "dynamodb.amazonaws.com";
}

/** AWS says 21 to 40 digits. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html */
const DIGITS = /^\d{1,40}$/;

function digitsIn(raw: unknown): string | undefined {
  return typeof raw === "string" && DIGITS.test(raw) ? raw : undefined;
}

/** The SDK has a date, Lambda's JSON seconds since 1970, whole ones or with a fraction. */
function dateIn(raw: unknown): Date | undefined {
  const ms =
    raw instanceof Date ? raw.getTime() : typeof raw === "number" ? Math.round(raw * 1_000) : Number.NaN;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
