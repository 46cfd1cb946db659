import type { EventDefinitions } from "../events.ts";
import { Batch, type KnownStream } from "./batch.ts";
import type { HandleResult } from "./command-handler.ts";
import type { Handling, Request } from "./handle-alone.ts";
import { StreamView } from "./stream-view.ts";
import { type WaitingCommand, withoutAborted } from "./waiting-command.ts";

/** Commands of one batch at most: what is decided again after a conflict, and who waits for it, has a limit. */
const MAX_BATCH_COMMANDS = 100;

/**
 * Handles the commands on each stream in batches, in the order in which they came: while a batch is being stored, what
 * comes in waits for the next one. Nothing waits when nothing is under way.
 */
export class CommandBatches<Definitions extends EventDefinitions, Command, State> {
  readonly #handling: Handling<Definitions, Command, State>;
  /** What waits, for each stream that has a batch under way. */
  readonly #waiting = new Map<string, WaitingCommand<Definitions, Command, State>[]>();
  /** Counts what happens: commands that come in, and moments at which a state was known to be the stream's. */
  #moments = 0;

  constructor(handling: Handling<Definitions, Command, State>) {
    this.#handling = handling;
  }

  handle(
    streamId: string,
    { command, request }: { readonly command: Command; readonly request: Request },
  ): Promise<HandleResult<Definitions, State>> {
    return new Promise((resolve, reject) => {
      const cameAt = ++this.#moments;
      const waiting = { command, request, cameAt, attempts: 0, conflicts: 0, resolve, reject };
      const queue = this.#waiting.get(streamId);
      if (queue !== undefined) {
        queue.push(waiting);
        return;
      }
      const newQueue = [waiting];
      this.#waiting.set(streamId, newQueue);
      void this.#drain(streamId, newQueue);
    });
  }

  /** Handles batch after batch until nothing waits; a batch goes on from the state that the one before it left. */
  async #drain(streamId: string, queue: WaitingCommand<Definitions, Command, State>[]): Promise<void> {
    let stream: KnownStream<Definitions, State> | undefined;
    for (;;) {
      queue.splice(0, queue.length, ...withoutAborted(queue));
      if (queue.length === 0) break;
      try {
        stream ??= await this.#load(streamId);
      } catch (error) {
        for (const waiting of queue.splice(0)) waiting.reject(error);
        continue;
      }
      const batch = new Batch(this.#handling, stream, queue.splice(0, MAX_BATCH_COMMANDS));
      const { undone, isKnown } = await batch.run();
      queue.unshift(...undone);
      if (!isKnown) stream = undefined;
    }
    this.#waiting.delete(streamId);
  }

  async #load(streamId: string): Promise<KnownStream<Definitions, State>> {
    const view = new StreamView(this.#handling.source, streamId);
    const nextMoment = (): number => ++this.#moments;
    const trueAt = nextMoment();
    await view.load(undefined);
    return { view, trueAt, nextMoment };
  }
}
