import { pause } from "@tuppence/core";
import type { Message } from "./message.ts";
import { DEFAULT_FOLLOW_INTERVAL_MS, type FollowOptions } from "./queue.ts";
import type { QueueContext } from "./queue-context.ts";

/** Reads to the end, waits, and reads on. */
export async function* followQueue(
  { reader, runtime }: Pick<QueueContext, "reader" | "runtime">,
  options: FollowOptions,
): AsyncGenerator<Message, void, undefined> {
  const { pollIntervalMs = DEFAULT_FOLLOW_INTERVAL_MS, signal = new AbortController().signal } = options;
  try {
    let next = options.from ?? (await reader.tail(signal)).position + 1;
    do {
      for await (const messages of reader.read(next, { consistency: "eventual", signal })) {
        for (const message of messages) {
          next = message.position + 1;
          yield message;
        }
      }
    } while (await pause(runtime, pollIntervalMs, signal));
  } catch (error) {
    // Ending it is what the signal is for.
    if (!signal.aborted) throw error;
  }
}
