import { commitIdFrom } from "@tuppence/core";
import { createQueueHandler } from "@tuppence/queue/lambda";
import type { DynamoDBStreamHandler } from "aws-lambda";
import { type Letter, LETTERS, lettersPlace } from "../letter.ts";
import { streamOf } from "../permit-events.ts";
import { store } from "../permit-store.ts";
import { place } from "../place.ts";

/** Sends the letters: four at a time, those of one permit in their order. */
export const handler: DynamoDBStreamHandler = createQueueHandler<Letter>({
  ...lettersPlace(place),
  queue: LETTERS,
  group: "post",
  lanes: 4,
  onFailure: "parkKey",
  handler: async ({ body: { permitId, kind }, position }) => {
    // Here it would be given to whoever prints and posts it. That it was sent is noted once, however often this is called.
    const sent = { type: "LetterSent", data: { kind, position } } as const;
    await store.append(streamOf(permitId), [sent], { commitId: commitIdFrom(`${LETTERS}/${position}`) });
  },
});
