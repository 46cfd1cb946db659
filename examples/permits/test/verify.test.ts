import { createMemoryEventStore } from "@tuppence/core/memory";
import { describe, expect, it } from "vitest";
import { permitEvents } from "../src/permit-events.ts";
import { readReceiptLog } from "../src/receipt-log.ts";
import { sendTasks } from "../src/send-tasks.ts";
import { findDifferences, readBack, type StoredCase } from "../src/verify.ts";

const CASE = "permit|case-10011";
const tasks = (await readReceiptLog()).filter(({ streamId }) => streamId === CASE);

async function storedCase(): Promise<StoredCase> {
  const store = createMemoryEventStore({ events: permitEvents });
  await sendTasks(store, tasks);
  const [stored] = await readBack(store);
  if (stored === undefined) throw new Error("The case was not stored");
  return stored;
}

/** How it is told, and what is wrong with the store. */
const WRONG: readonly (readonly [string, (stored: StoredCase) => readonly StoredCase[]])[] = [
  [`${CASE}: is in the file and not in the store`, () => []],
  [
    "permit|case-0: is in the store and not in the file",
    (stored) => [stored, { ...stored, streamId: "permit|case-0" }],
  ],
  [`${CASE}: has 3 events, and the file 4`, (stored) => [{ ...stored, events: stored.events.slice(0, 3) }]],
  [`${CASE}: version 3 is in place 2`, (stored) => [{ ...stored, events: stored.events.toSpliced(1, 1) }]],
  [
    `${CASE}: version 1, ApplicationReceived, is not what the file says`,
    (stored) => [{ ...stored, events: stored.events.map(promoted) }],
  ],
  [
    `${CASE}: its state is not a fold of the file`,
    (stored) => [{ ...stored, state: { ...stored.state, confirmation: "sent" } }],
  ],
];

type StoredEvent = StoredCase["events"][number];

function promoted(event: StoredEvent): StoredEvent {
  if (event.type !== "ApplicationReceived") return event;
  return { ...event, data: { ...event.data, employee: "Resource01" } };
}

describe("verifying a store against the file", () => {
  it("finds nothing when all is the same", async () => {
    expect(findDifferences([await storedCase()], tasks)).toEqual([]);
  });

  it.each(WRONG)("tells: %s", async (difference, change) => {
    expect(findDifferences(change(await storedCase()), tasks)).toContain(difference);
  });
});
