import { createHash } from "node:crypto";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { occurrenceEvent } from "../occurrence-event.ts";
import type { Occurrence, OutsideTarget } from "../target.ts";
import { settingsOf, type TargetOptions, type WithPayload } from "../target-options.ts";

export interface SqsTargetOptions extends TargetOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /**
   * Of a FIFO queue, which drops what is sent twice within five minutes. Default: the queue is none.
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
   */
  readonly messageGroupId?: string | ((occurrence: Occurrence) => string) | undefined;
}

/**
 * Sends a message to a queue of SQS, with an `OccurrenceEvent` as its body: at least once.
 *
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function sqs<Schema extends StandardSchemaV1>(
  options: SqsTargetOptions & WithPayload<Schema>,
): OutsideTarget & WithPayload<Schema>;
export function sqs(options: SqsTargetOptions): OutsideTarget;
export function sqs(options: SqsTargetOptions): OutsideTarget {
  const { client, queueUrl, messageGroupId } = options;
  return {
    ...settingsOf(options),
    kind: "sqs",
    async fire(occurrence, { signal }) {
      const body = JSON.stringify(occurrenceEvent(occurrence));
      const fifo = messageGroupId !== undefined && {
        MessageGroupId: typeof messageGroupId === "string" ? messageGroupId : messageGroupId(occurrence),
        // At most 128 characters of some alphabets.
        MessageDeduplicationId: createHash("sha256").update(occurrence.id).digest("hex"),
      };
      const input = { QueueUrl: queueUrl, MessageBody: body, ...fifo };
      const { MessageId } = await client.send(new SendMessageCommand(input), { abortSignal: signal });
      return { messageId: MessageId };
    },
  };
}
