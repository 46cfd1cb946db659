/** Whatever a message has beside its body, for those who route and trace. */
export type MessageHeaders = Readonly<Record<string, string>>;

/** A message as it is enqueued. */
export interface NewMessage<Body = unknown> {
  /** Plain JSON: what is read back is exactly what was enqueued. */
  readonly body: Body;
  /**
   * What the message is about. With `lanes`, messages of one key are handled one after the other, in order; the policy
   * `parkKey` parks by it. Default: none.
   */
  readonly key?: string | undefined;
  /**
   * The message's identity for those who may send it twice: one that was enqueued with this id before, within the queue's
   * `dedupWindowMs` or since `since`, is not enqueued again. Default: none, always enqueued.
   */
  readonly messageId?: string | undefined;
  /**
   * When what the message follows from came to be (an event's `recordedAt`). Its `messageId` is looked for back to then, however
   * long ago that is: the same message is never enqueued twice. Default: the queue's `dedupWindowMs` ago.
   */
  readonly since?: Date | undefined;
  readonly headers?: MessageHeaders | undefined;
}

/** A message as it is read. */
export interface Message<Body = unknown> {
  /** Its number in the queue: 1, 2, 3 … without a gap, the same for every consumer. */
  readonly position: number;
  readonly body: Body;
  readonly key: string | undefined;
  readonly messageId: string | undefined;
  /** Empty when there are none. */
  readonly headers: MessageHeaders;
  /** When it was written, by the writer's clock; never goes back within a queue. */
  readonly enqueuedAt: Date;
  /** Who produced it, and as which of its own; absent without a producer. */
  readonly producer?: { readonly id: string; readonly sequence: number } | undefined;
}
