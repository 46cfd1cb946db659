import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { createEventStore, type LoggedEvent } from "@tuppence/core";
import { documentsTable } from "@tuppence/projections";
import type { Database } from "./databases.ts";
import { type DocumentSpread, documentKey, evolvePermit, type PermitDocument } from "./permit-documents.ts";

/** Events from one stored position to the next. */
const CHECKPOINT_EVENTS = 25;

/**
 * The baseline: a projector as one would write it by hand. For each event of the log it gets a document, changes it and puts it, and
 * every 25 events it puts its position. Unlike ours, it counts events twice after a crash, and two of them overwrite each other.
 */
export function createHandWrittenProjector(
  { client }: Database,
  { name, spread }: { readonly name: string; readonly spread: DocumentSpread },
): () => Promise<void> {
  const documents = DynamoDBDocumentClient.from(client);
  const TableName = documentsTable().TableName;
  const events = createEventStore({ client }).readAll()[Symbol.asyncIterator]();
  const apply = async (event: LoggedEvent): Promise<void> => {
    const Key = { p: name, s: documentKey(spread, event) };
    const { Item } = await documents.send(new GetCommand({ TableName, Key }));
    const before = (Item as Pick<PermitDocument, "tasks"> | undefined) ?? { tasks: 0 };
    await documents.send(new PutCommand({ TableName, Item: { ...Key, ...evolvePermit(before, event) } }));
    if (event.position % CHECKPOINT_EVENTS !== 0) return;
    const checkpoint = { p: name, s: "position", position: event.position };
    await documents.send(new PutCommand({ TableName, Item: checkpoint }));
  };
  return async () => {
    const { value, done } = await events.next();
    if (done === true) throw new Error("The log has ended.");
    await apply(value);
  };
}
