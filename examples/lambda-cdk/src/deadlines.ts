import { append, createScheduler } from "@tuppence/scheduler";
import * as z from "zod";
import { streamOf } from "./permit-events.ts";
import { store } from "./permit-store.ts";
import { place } from "./place.ts";

/** The office has eight weeks to decide, in milliseconds. */
const TIME_TO_DECIDE_MS = 8 * 7 * 86_400_000;

/** What a schedule may fire: the same for whoever schedules and whoever fires. */
export const targets = {
  /** Exactly once, in one transaction with the end of the schedule. */
  passDeadline: append({
    store,
    payload: z.object({ permitId: z.string() }),
    streamId: ({ payload }) => streamOf(payload.permitId),
    events: ({ dueAt }) => [{ type: "DeadlinePassed", data: { deadlineAt: dueAt.toISOString() } }],
  }),
};

const scheduler = createScheduler({ ...place, targets });

/** Has the deadline pass, unless it is lifted before. Asked for again it is the same deadline. */
export async function setDeadline(permitId: string, requestedAt: Date): Promise<void> {
  const at = new Date(requestedAt.getTime() + TIME_TO_DECIDE_MS);
  await scheduler.schedule({ name: nameOf(permitId), at, target: "passDeadline", payload: { permitId } });
}

/** From now on it does not pass any more; if it has, it stays so. */
export async function liftDeadline(permitId: string): Promise<void> {
  await scheduler.cancel(nameOf(permitId));
}

function nameOf(permitId: string): string {
  return `decide|${permitId}`;
}
