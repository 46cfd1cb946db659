import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import type { Entry } from "../../src/lambda/deliver-batch.ts";
import { streamEventRecord } from "../../src/lambda/stream-event.ts";

/** Makes a record of an insert, as GetRecords gives it. */
export function insertOf(id: string, sequenceNumber: number, at: Date = new Date(0)): _Record {
  return {
    eventID: `event-${sequenceNumber}`,
    eventName: "INSERT",
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: "eu-central-1",
    dynamodb: {
      ApproximateCreationDateTime: at,
      Keys: { id: { S: id } },
      NewImage: { id: { S: id }, n: { N: String(sequenceNumber) } },
      SequenceNumber: String(sequenceNumber),
      SizeBytes: 10,
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
  };
}

export function entryOf(id: string, sequenceNumber: number): Entry {
  const record = streamEventRecord(insertOf(id, sequenceNumber), "arn:aws:dynamodb:r:1:table/t/stream/s");
  const json = JSON.stringify(record);
  return { record, json, bytes: json.length };
}
