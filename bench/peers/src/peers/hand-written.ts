import type { DynamoDB } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateQuery } from "@aws-sdk/lib-dynamodb";
import { createHandWrittenStore } from "@tuppence/bench/hand-written-store";
import type { OrderEvent } from "@tuppence/bench/order-events";
import { eventsTable } from "@tuppence/core";
import { againAfterConflicts, isNamed } from "../again.ts";
import { addOrder, NO_ORDERS, type Peer, VERSION_BEYOND } from "../peer.ts";

const tableName = String(eventsTable().TableName);

/** One `PutItem` for an append, data as native maps, on a table like ours; several events are a list in one item. */
export const handWritten: Peer = {
  name: "handWritten",
  label: "hand-written `PutItem`",
  tables: [eventsTable()],
  open(client) {
    const store = createHandWrittenStore({ client, tableName });
    return {
      append: (stream, events, version) => store.append(`order|${stream}`, events, version),
      async load(stream) {
        const orders = await readOrders(client, stream);
        return orders.reduce((totals, { data }) => addOrder(totals, data), NO_ORDERS);
      },
      openWriter: () => (stream, event) =>
        againAfterConflicts(
          (error) => isNamed(error, "ConditionalCheckFailedException"),
          async () => store.append(`order|${stream}`, [event], await store.version(`order|${stream}`)),
        ),
      appendsBeyond: [
        {
          how: "in slot 501",
          append: (stream, event) => store.append(`order|${stream}`, [event], VERSION_BEYOND),
        },
      ],
      stored: async (stream) =>
        (await readOrders(client, stream)).map(({ number, data }) => ({ number, orderId: data.orderId })),
    };
  },
};

interface WrittenItem extends OrderEvent {
  readonly s: number;
  readonly events?: readonly OrderEvent[] | undefined;
}

/** A strongly consistent Query of all pages. */
async function readOrders(
  client: DynamoDB,
  stream: string,
): Promise<{ readonly number: number; readonly data: OrderEvent["data"] }[]> {
  const orders = [];
  const query = {
    TableName: tableName,
    KeyConditionExpression: "p = :p",
    ExpressionAttributeValues: { ":p": `order|${stream}` },
    ConsistentRead: true,
  };
  const documents = DynamoDBDocumentClient.from(client);
  for await (const { Items: items = [] } of paginateQuery({ client: documents }, query)) {
    for (const item of items as WrittenItem[]) {
      for (const [index, { data }] of (item.events ?? [item]).entries()) {
        orders.push({ number: item.s + index, data });
      }
    }
  }
  return orders;
}
