/** Who was reminded of what, by the id of the change that did it. */
export const reminders = new Map<string, string>();

export async function sendReminder(address = "nobody", eventId = ""): Promise<void> {
  reminders.set(eventId, address);
}
