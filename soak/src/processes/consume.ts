import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { NonRetryableError } from "@tuppence/core";
import type { GroupEvent, Message } from "@tuppence/queue";
import { Journal } from "../journal.ts";
import {
  effectKey,
  GROUP_INSIDE,
  GROUP_OUTSIDE,
  type Handled,
  HANDLED_JOURNAL,
  isCured,
  type Letter,
} from "../letters.ts";
import { EFFECTS_TABLE, openPlace } from "../place.ts";
import { type Alarm, ALARMS_JOURNAL, LEASE_MS, type Work } from "./process-input.ts";
import { untilAborted } from "./until-aborted.ts";

/** Consumes the letters twice: with effects in the cursor's transaction, and with effects outside of the tables. */
export const consume: Work = async ({ name, place }, signal) => {
  const { openQueue, folder } = openPlace(place);
  const queue = openQueue();
  const alarms = new Journal<Alarm>(folder, ALARMS_JOURNAL);
  const handled = new Journal<Handled>(folder, HANDLED_JOURNAL);
  const onEvent = (event: GroupEvent): void => {
    if (event.type !== "blocked" && event.type !== "skipped") return;
    alarms.write({ by: name, what: `${event.type} ${JSON.stringify(event)} ${String(event.error)}` });
  };
  const options = { workerId: name, leaseDurationMs: LEASE_MS, onEvent };
  const inside = queue.consume(GROUP_INSIDE, effectsOf, {
    ...options,
    mode: "transaction",
    batchSize: 10,
    lanes: 3,
  });
  const outside = queue.consume(
    GROUP_OUTSIDE,
    ({ position, key = "", body }) => {
      if (body.isPoisoned && !isCured(folder)) throw new NonRetryableError("It is poisoned.");
      handled.write({ position, key });
    },
    { ...options, ackEvery: 5, onFailure: "parkKey" },
  );
  for (const consumer of [inside, outside]) await startWhenPossible(() => consumer.start(), signal);
  await untilAborted(signal);
  await Promise.all([inside.stop(), outside.stop()]);
};

/** Writes the positions of each key behind those that were handled before, as often as it is asked to. */
function effectsOf(messages: readonly Message<Letter>[]): readonly TransactWriteItem[] {
  const positions = new Map<string, number[]>();
  for (const { key = "", position } of messages)
    positions.set(key, [...(positions.get(key) ?? []), position]);
  return Array.from(positions, ([key, own]) => ({
    Update: {
      TableName: EFFECTS_TABLE,
      Key: { p: { S: effectKey(key) } },
      UpdateExpression: "SET positions = list_append(if_not_exists(positions, :none), :own)",
      ExpressionAttributeValues: {
        ":none": { L: [] },
        ":own": { L: own.map((position) => ({ N: String(position) })) },
      },
    },
  }));
}

/** Begins again while the database is away. */
async function startWhenPossible(start: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await start();
    } catch (error) {
      console.error(error);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
