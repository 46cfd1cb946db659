import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { defineProjection, type HandlerProjection } from "@tuppence/projections";
import { createQueue, type Queue } from "@tuppence/queue";
import { z } from "zod";
import { permitEvents, type Task } from "./permit-events.ts";

/** What the applicant is told of the decision. */
const letterSchema = z.object({
  permit: z.string(),
  department: z.string(),
  decidedBy: z.string(),
  decidedAt: z.string(),
});

export type Letter = z.infer<typeof letterSchema>;

/** The letters that are to be sent, in the order of the decisions. */
export type LetterQueue = Queue<Letter>;

export function createLetterQueue(client: DynamoDBClient): LetterQueue {
  return createQueue({ client, name: "letters", schema: letterSchema });
}

/** The decision that a letter follows: nothing is in the way any more. A ruling that comes after it is printed as a document of its own. */
export const DECISION = "StopDecided";

/** `department`: whatever the metadata of the decision has, which is to be a text. */
export function letterOf(permit: string, department: unknown, { employee, at }: Task): Letter {
  return letterSchema.parse({ permit, department, decidedBy: employee, decidedAt: at });
}

/**
 * Enqueues a letter for each decision, exactly once, many with one request: a decision that comes again has the same id, which is looked for as far back
 * as the decision itself. One that can't be enqueued halts the others, as their order counts.
 */
export function enqueueLetters(queue: LetterQueue): HandlerProjection {
  return defineProjection({
    name: "letters",
    version: 1,
    events: permitEvents,
    types: [DECISION],
    onFailure: "halt",
    handle: async (decisions, { signal }) => {
      const messages = decisions.map(({ streamId, eventId, data, metadata, recordedAt }) => ({
        body: letterOf(streamId, metadata["department"], data),
        key: streamId,
        messageId: eventId,
        since: recordedAt,
      }));
      await queue.enqueue(messages, { signal });
    },
  });
}
