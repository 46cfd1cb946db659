import type { EnqueuesOnce } from "../targets/enqueue.ts";
import type { Destination } from "./destination.ts";
import { recordId } from "./execution-record.ts";

/** Enqueues records, each once. */
export function toQueue(queue: EnqueuesOnce): Destination {
  return {
    kind: "queue",
    async send(record, { signal }) {
      const since = new Date(record.requestPayload.fireAt);
      await queue.enqueue({ body: record, messageId: recordId(record), since }, { signal });
    },
  };
}
