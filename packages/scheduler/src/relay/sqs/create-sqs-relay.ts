import {
  ChangeMessageVisibilityCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { abortedBy } from "@tuppence/core/leases";
import { DEFAULT_LEAD_MS, type Relay, type WakeUp } from "../relay.ts";
import { RelayRefusedError } from "./errors.ts";

/** The most that a request takes. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html */
const MAX_BATCH = 10;

/** The longest lead, in milliseconds: six hours, half of what a message can be held. */
const MAX_LEAD_MS = 21_600_000;

export interface SqsRelayOptions {
  readonly client: SQSClient;
  /** A standard queue of its own: messages of a FIFO queue have no delays of their own. */
  readonly queueUrl: string;
  /**
   * How long before the end of their minute wake-ups are handed over, in milliseconds, from 0 to 21,600,000: doorbells ring so far ahead, and should
   * be no later than that. Default 3,600,000: an hour.
   */
  readonly leadMs?: number | undefined;
}

/**
 * Carries wake-ups through a queue of SQS. Give it to all who schedule and to `createBellHandler`; a function with `createRelayHandler`
 * receives them. It was tested against a model of SQS's rules, and has not yet run on AWS.
 *
 * Cost: a request for each 10 seconds with occurrences in a minute of a shard, and on the way two or three receives of each.
 *
 * @throws RangeError for a lead that can't be.
 */
export function createSqsRelay(options: SqsRelayOptions): Relay {
  const { client, queueUrl: QueueUrl, leadMs = DEFAULT_LEAD_MS } = options;
  if (!(leadMs >= 0 && leadMs <= MAX_LEAD_MS)) {
    throw new RangeError(`leadMs is ${leadMs}; it has to be from 0 to ${MAX_LEAD_MS}.`);
  }
  return {
    leadMs,
    async send(wakeUps, { signal } = {}) {
      for (let from = 0; from < wakeUps.length; from += MAX_BATCH) {
        const Entries = wakeUps.slice(from, from + MAX_BATCH).map(
          ({ wakeUp, delaySeconds }, index): SendMessageBatchRequestEntry => ({
            Id: String(index),
            MessageBody: JSON.stringify(wakeUp satisfies WakeUp),
            DelaySeconds: delaySeconds,
          }),
        );
        const command = new SendMessageBatchCommand({ QueueUrl, Entries });
        const { Failed = [] } = await client.send(command, abortedBy(signal));
        const [failed] = Failed;
        if (failed !== undefined) throw new RelayRefusedError(Failed.length, failed);
      }
    },
    async hold(receipt, seconds, { signal } = {}) {
      const input = { QueueUrl, ReceiptHandle: receipt, VisibilityTimeout: seconds };
      await client.send(new ChangeMessageVisibilityCommand(input), abortedBy(signal));
    },
  };
}
