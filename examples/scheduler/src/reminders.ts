import { defineEvents, type EventStore } from "@tuppence/core";
import { append, type Cancellation, type Schedule, type Scheduler } from "@tuppence/scheduler";
import { z } from "zod";

/** What comes into somebody's inbox: each inbox is a stream. */
export const inboxEvents = defineEvents({
  Reminded: z.object({ text: z.string(), dueAt: z.string() }),
});

export type InboxStore = EventStore<typeof inboxEvents>;

const reminder = z.object({ person: z.string(), text: z.string() });
type Reminder = z.infer<typeof reminder>;

/** What fires: an event in the inbox, in one transaction with the end of the occurrence, so exactly once. */
export function reminderTargets(store: InboxStore) {
  return {
    remind: append({
      store,
      payload: reminder,
      streamId: ({ payload }) => `inbox|${payload.person}`,
      events: ({ payload, dueAt }) => [
        { type: "Reminded", data: { text: payload.text, dueAt: dueAt.toISOString() } },
      ],
    }),
  };
}

export type Reminders = Scheduler<ReturnType<typeof reminderTargets>>;

/** Reminds somebody once, at a time or after one ("15m"). Asked for again it is the same reminder. */
export function remind(
  reminders: Reminders,
  { person, text, ...when }: Reminder & ({ readonly at: Date } | { readonly in: string | number }),
): Promise<Schedule> {
  const payload = { person, text };
  return reminders.schedule({ ...when, name: nameOf(payload), group: person, target: "remind", payload });
}

/** Reminds somebody at nine o'clock of each working day, wherever the person is, also when clocks are put forward or back. */
export function remindEveryMorning(
  reminders: Reminders,
  { timeZone, ...payload }: Reminder & { readonly timeZone: string },
): Promise<Schedule> {
  return reminders.schedule({
    cron: "0 9 * * MON-FRI",
    timeZone,
    name: nameOf(payload),
    group: payload.person,
    target: "remind",
    payload,
    misfire: "skip", // a morning that nobody was there for is over
  });
}

/** What was "cancelled" never fires; other answers say that it did, or does. */
export function forget(reminders: Reminders, reminderToForget: Reminder): Promise<Cancellation> {
  return reminders.cancel(nameOf(reminderToForget));
}

function nameOf({ person, text }: Reminder): string {
  return `reminder|${person}|${text}`;
}
