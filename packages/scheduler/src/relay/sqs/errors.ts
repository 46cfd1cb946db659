import { TuppenceError } from "@tuppence/core";

/** SQS took the request, and not all of the messages in it. */
export class RelayRefusedError extends TuppenceError {
  readonly code = "relayRefused";
  readonly retryable: boolean;
  /** How many messages. */
  readonly count: number;
  /** SQS's own, of the first of them. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html */
  readonly errorCode: string;

  constructor(
    count: number,
    first: {
      readonly Code?: string | undefined;
      readonly Message?: string | undefined;
      readonly SenderFault?: boolean | undefined;
    },
  ) {
    const { Code = "unknown", Message = "", SenderFault = false } = first;
    super(`SQS refused ${count} messages: ${Code}: ${Message}`);
    this.count = count;
    this.errorCode = Code;
    this.retryable = !SenderFault;
  }
}
