import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Occurrence, OutsideTarget } from "./target.ts";
import { settingsOf, type TargetOptions, type WithPayload } from "./target-options.ts";

/** What is needed of a queue of `@tuppence/queue`, or of another that knows a message by its id. */
export interface EnqueuesOnce {
  /** Enqueues a message, unless one with its `messageId` was enqueued at `since` or later. */
  enqueue(
    message: {
      readonly body: unknown;
      readonly key?: string | undefined;
      readonly messageId: string;
      readonly since: Date;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    },
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<unknown>;
}

/** What is enqueued for an occurrence. */
export interface ScheduledMessage {
  readonly body: unknown;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface EnqueueTargetOptions<Payload> extends TargetOptions {
  /** Default: the payload is the body, without a key. */
  readonly message?: ((occurrence: Occurrence<Payload>) => ScheduledMessage) | undefined;
}

/**
 * Enqueues a message. An attempt that is repeated finds the one that is there by its `messageId`, which is the occurrence's id: it is
 * in the queue exactly once, and its position answered each time.
 *
 * Cost: that of enqueuing a message with an id.
 */
export function enqueue<Schema extends StandardSchemaV1>(
  queue: EnqueuesOnce,
  options: EnqueueTargetOptions<StandardSchemaV1.InferOutput<Schema>> & WithPayload<Schema>,
): OutsideTarget & WithPayload<Schema>;
export function enqueue<Payload = unknown>(
  queue: EnqueuesOnce,
  options?: EnqueueTargetOptions<Payload>,
): OutsideTarget;
export function enqueue<Payload>(
  queue: EnqueuesOnce,
  options: EnqueueTargetOptions<Payload> = {},
): OutsideTarget {
  const { message = ({ payload }): ScheduledMessage => ({ body: payload ?? null }) } = options;
  return {
    ...settingsOf(options),
    kind: "enqueue",
    async fire(occurrence, { signal }) {
      const scheduled = message(occurrence as Occurrence<Payload>);
      // It can't have been enqueued before; the queue allows for clocks that differ.
      const once = { messageId: occurrence.id, since: occurrence.fireAt };
      await queue.enqueue({ ...scheduled, ...once }, { signal });
    },
  };
}
