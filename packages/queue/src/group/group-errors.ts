import { TuppenceError } from "@tuppence/core";

/** There is no consumer group of this name: the first consumer that is started makes it. */
export class GroupMissingError extends TuppenceError {
  readonly code = "groupMissing";
  readonly retryable = true;
  readonly queue: string;
  readonly group: string;

  constructor(queue: string, group: string) {
    super(
      `Queue ${JSON.stringify(queue)} has no group ${JSON.stringify(group)}: start a consumer of it first.`,
    );
    this.queue = queue;
    this.group = group;
  }
}

/** A group's lanes are being changed, others change it at the same time, or the outcome of a change stayed unknown. */
export class GroupBusyError extends TuppenceError {
  readonly code = "groupBusy";
  readonly retryable = true;
  readonly queue: string;
  readonly group: string;
  /** Whether the change may have been made: look at the group before it is tried again. */
  readonly mayBeWritten: boolean;

  constructor(
    busy: { readonly queue: string; readonly group: string; readonly mayBeWritten: boolean },
    options?: ErrorOptions,
  ) {
    const { queue, group, mayBeWritten } = busy;
    super(`Group ${JSON.stringify(group)} of queue ${JSON.stringify(queue)} is being changed.`, options);
    this.queue = queue;
    this.group = group;
    this.mayBeWritten = mayBeWritten;
  }
}

/** A handler took longer than `handlerTimeoutMs`. It counts as an attempt; its signal was aborted, and it may go on all the same. */
export class HandlerTimeoutError extends TuppenceError {
  readonly code = "handlerTimeout";
  readonly retryable = false;
  readonly handlerTimeoutMs: number;

  constructor(handlerTimeoutMs: number) {
    super(`The handler did not end within ${handlerTimeoutMs} ms.`);
    this.handlerTimeoutMs = handlerTimeoutMs;
  }
}

/** A message can't be acknowledged any more: its lane went to another process, or the consumer has stopped. It is delivered again. */
export class DeliveryExpiredError extends TuppenceError {
  readonly code = "deliveryExpired";
  readonly retryable = false;
  readonly position: number;

  constructor(position: number, options?: ErrorOptions) {
    super(`The delivery of message ${position} is over: it comes again.`, options);
    this.position = position;
  }
}
