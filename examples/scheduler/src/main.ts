import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore, type RecordedEventOf } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { createScheduler, createSchedulerWorker } from "@tuppence/scheduler";
import { forget, inboxEvents, remind, remindEveryMorning, reminderTargets } from "./reminders.ts";

// The AWS SDK warns at each start on Node 20, which this project supports: this is the SDK's own switch for that.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

await using dynamodb = await startDynamoDBLocal();
const client = new DynamoDBClient(dynamodb.clientConfig(`reminders${process.pid}`));
const store = createEventStore({ client, events: inboxEvents });
const targets = reminderTargets(store);
const reminders = createScheduler({ client, targets, shards: 1 });
await Promise.all([store.ensureTables(), reminders.ensureTables()]);

await remind(reminders, { person: "ada", text: "tea", in: 500 });
await remind(reminders, { person: "ada", text: "tea", in: 500 }); // the same once more is no other
await remind(reminders, { person: "ada", text: "meeting", in: "15m" });
const standUp = await remindEveryMorning(reminders, {
  person: "ada",
  text: "stand-up",
  timeZone: "Europe/Amsterdam",
});
const time = standUp.dueAt.toLocaleTimeString("en-GB", { timeZone: "Europe/Amsterdam" });
console.log(`stand-up: every morning at ${time}`);
console.log(`meeting: ${await forget(reminders, { person: "ada", text: "meeting" })}`);

// The worker fires by the clock. It begins after the tea is scheduled here, and may just as well run elsewhere.
const worker = createSchedulerWorker({ client, targets, scheduler: reminders });
worker.start();
const [first] = await firstOf("inbox|ada");
console.log(`ada is reminded of ${first?.data.text}`);
console.log(`tea: ${await forget(reminders, { person: "ada", text: "tea" })}`);
for await (const { name } of reminders.list()) console.log(`still to come: ${name}`);
await worker.stop();
client.destroy();

/** The first event of a stream, once it is there. */
async function firstOf(streamId: string): Promise<readonly RecordedEventOf<typeof inboxEvents>[]> {
  for (;;) {
    for await (const event of store.read(streamId, { limit: 1 })) return [event];
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
