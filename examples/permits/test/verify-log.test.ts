import { createMemoryEventStore } from "@tuppence/core/memory";
import { beforeAll, describe, expect, it } from "vitest";
import { permitEvents } from "../src/permit-events.ts";
import { readReceiptLog } from "../src/receipt-log.ts";
import { sendTasks } from "../src/send-tasks.ts";
import { readBack, type StoredCase } from "../src/verify.ts";
import { findLogDifferences, type LoggedPermitEvent } from "../src/verify-log.ts";

const CASE = "permit|case-10011";
const OTHER = "permit|case-10017";

/** Two cases, and a log of them: first all of the one, then all of the other. */
let stored: readonly StoredCase[];
let logged: readonly LoggedPermitEvent[];

const placed = (events: readonly Omit<LoggedPermitEvent, "position">[]): readonly LoggedPermitEvent[] =>
  events.map((event, index) => ({ ...event, position: index + 1 }) as LoggedPermitEvent);

beforeAll(async () => {
  const tasks = (await readReceiptLog()).filter(({ streamId }) => [CASE, OTHER].includes(streamId));
  const store = createMemoryEventStore({ events: permitEvents });
  await sendTasks(store, tasks);
  stored = (await readBack(store)).toSorted((one, other) => (one.streamId < other.streamId ? -1 : 1));
  logged = placed(stored.flatMap(({ events }) => events));
});

/** How it is told, and what is wrong with the log. */
const WRONG: readonly (readonly [
  string,
  (all: readonly LoggedPermitEvent[]) => readonly LoggedPermitEvent[],
])[] = [
  [`version 4 of ${CASE} is not in the log`, (all) => placed(all.toSpliced(3, 1))],
  [`position 3: version 3 of ${CASE} is in place 2 of the log`, (all) => all.toSpliced(1, 1)],
  [
    `position 2: version 1 of ${CASE} was in the log before`,
    ([first, ...more]) => placed([first, first, ...more].filter((event) => event !== undefined)),
  ],
  [
    `position 1: version 2 of ${CASE} is out of order`,
    ([first, second, ...more]) => placed([second, first, ...more].filter((event) => event !== undefined)),
  ],
  [
    `position 1: version 1 of ${CASE} is not what the stream has`,
    (all) => all.map((event, index) => (index === 0 ? { ...event, recordedAt: new Date(0) } : event)),
  ],
  [
    "position 1: version 1 of permit|case-0 is not what the stream has",
    (all) => all.map((event, index) => (index === 0 ? { ...event, streamId: "permit|case-0" } : event)),
  ],
];

describe("verifying the log against the streams", () => {
  it("finds nothing when all is there, in whatever order of the streams", () => {
    expect(stored.map(({ streamId }) => streamId)).toEqual([CASE, OTHER]);
    expect(findLogDifferences(logged, stored)).toEqual([]);
    const mixed = placed(logged.toSorted((one, other) => one.version - other.version));
    expect(mixed).not.toEqual(logged);
    expect(findLogDifferences(mixed, stored)).toEqual([]);
  });

  it.each(WRONG)("tells: %s", (difference, change) => {
    expect(findLogDifferences(change(logged), stored)).toContain(difference);
  });
});
