import { createQueue, listQueues, type Queue } from "@tuppence/queue";
import type { Shell } from "./shell/command.ts";
import { UsageError } from "./shell/usage-error.ts";

/** The name of a queue, as commands take it. */
export const QUEUE = { type: "positional", required: true, description: "The queue's name" } as const;

/** The name of a consumer group of it. */
export const GROUP = {
  type: "positional",
  required: true,
  description: "The consumer group's name",
} as const;

/**
 * Opens a queue that there is.
 *
 * @throws QueueMissingError; UsageError for what can't be a queue's name.
 */
export async function openQueue(name: string, { client, tablePrefix, signal }: Shell): Promise<Queue> {
  const queue = createOrRefuse(name, { client, tablePrefix });
  const queues = await listQueues({ client, tablePrefix }, { signal });
  if (queues.some((each) => each.name === name)) return queue;
  throw new QueueMissingError(name);
}

function createOrRefuse(name: string, place: Pick<Shell, "client" | "tablePrefix">): Queue {
  try {
    return createQueue({ ...place, name });
  } catch (error) {
    // Says why it is no name.
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Nobody has enqueued anything in a queue of this name, or consumed it. */
class QueueMissingError extends Error {
  override readonly name = "QueueMissingError";
  readonly code = "queueMissing";
  readonly retryable = false;

  constructor(queue: string) {
    super(
      `There is no queue ${JSON.stringify(queue)} here: tuppence queues list shows those that there are.`,
    );
  }
}
