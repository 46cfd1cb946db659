import { defineProjection } from "@tuppence/projections";
import { liftDeadline, setDeadline } from "./deadlines.ts";
import { letters } from "./letter-queue.ts";
import { PERMITS, permitEvents, permitIdOf } from "./permit-events.ts";

/** What the office has to do about an event: letters and deadlines. It may be done twice, and changes nothing the second time. */
export const paperwork = defineProjection({
  name: "paperwork",
  version: 1,
  events: permitEvents,
  categories: [PERMITS],
  types: ["PermitRequested", "PermitDecided"],
  react: async (event, { idempotencyKey: messageId }) => {
    const permitId = permitIdOf(event);
    const isRequest = event.type === "PermitRequested";
    if (isRequest) await setDeadline(permitId, event.recordedAt);
    else await liftDeadline(permitId);
    const body = { permitId, kind: isRequest ? "confirmation" : "decision" } as const;
    await letters.enqueue({ body, key: permitId, messageId, since: event.recordedAt });
  },
});
