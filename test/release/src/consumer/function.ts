import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createCommandHandler, createEventStore } from "@tuppence/core";

// A Lambda function with core alone, as small as one can be: how large it is in a bundle is checked.
const store = createEventStore({ client: new DynamoDBClient() });
const note = createCommandHandler({
  store,
  decider: {
    initialState: () => 0,
    evolve: (count: number) => count + 1,
    decide: (text: string) => ({ type: "Noted", data: { text } }),
  },
});

export const handler = ({ id, text }: { readonly id: string; readonly text: string }): Promise<unknown> =>
  note(`notes|${id}`, text);
