import { describe, expect, it } from "vitest";
import type { DeadlineEvent, StoredDeadlines } from "../src/deadlines.ts";
import type { LoggedTask } from "../src/receipt-log.ts";
import { findDeadlineDifferences } from "../src/verify-deadlines.ts";
import { plain, receive, type Step } from "./office.ts";

const day = (number: number): string => `2011-10-${String(number).padStart(2, "0")}T12:00:00.000`;

function done(name: string, on: number, step: Step): LoggedTask {
  const task = { taskId: `task-${on}`, employee: "Resource21", group: null, at: day(on) };
  return { streamId: `permit|${name}`, command: step(task), department: "General" };
}

const received = (name: string, on: number, deadlineAt: string): LoggedTask =>
  done(name, on, receive({ deadlineAt }));

/** A case that is decided in time, one that is too late, one that was over when it came, and one that still waits. */
const tasks: readonly LoggedTask[] = [
  received("kept", 3, day(20)),
  received("late", 4, day(8)),
  received("over", 5, day(1)),
  received("waits", 6, day(25)),
  done("kept", 9, plain("decideStop")),
  done("late", 10, plain("decideStop")),
];

type Schedules = Map<string, { state: "cancelled" | "fired" | "pending"; dueAt: Date; group: string }>;
interface Changeable {
  readonly schedules: Schedules;
  readonly events: Map<string, DeadlineEvent[]>;
}

function passed(name: string, deadlineAt: string, passedAt: string): DeadlineEvent {
  return { type: "DeadlinePassed", data: { permit: `permit|${name}`, deadlineAt, passedAt } };
}

function stored(): Changeable {
  const schedule = (state: "cancelled" | "fired" | "pending", due: number) =>
    ({ state, dueAt: new Date(`${day(due)}Z`), group: "General" }) as const;
  return {
    schedules: new Map([
      ["permit|kept", schedule("cancelled", 20)],
      ["permit|late", schedule("fired", 8)],
      ["permit|over", schedule("fired", 1)],
      ["permit|waits", schedule("pending", 25)],
    ]),
    events: new Map([
      ["permit|late", [passed("late", day(8), day(8))]],
      ["permit|over", [passed("over", day(1), day(5))]],
    ]),
  };
}

/** How it is told, and what is wrong. */
const WRONG: readonly (readonly [string, (all: Changeable) => unknown])[] = [
  ["permit|late: has 0 events, and by the file 1", ({ events }) => events.delete("permit|late")],
  [
    "permit|late: has 2 events, and by the file 1",
    ({ events }) => events.get("permit|late")?.push(passed("late", day(8), day(8))),
  ],
  [
    "permit|kept: has 1 events, and by the file 0",
    ({ events }) => events.set("permit|kept", [passed("kept", day(20), day(20))]),
  ],
  [
    "permit|waits: has 1 events, and by the file 0",
    ({ events }) => events.set("permit|waits", [passed("waits", day(25), day(25))]),
  ],
  [
    "permit|late: its event is not what the file says",
    ({ events }) => events.set("permit|late", [passed("late", day(8), day(7))]),
  ],
  [
    "permit|over: its event is not what the file says",
    ({ events }) => events.set("permit|over", [passed("over", day(1), day(1))]),
  ],
  ["permit|kept: is not scheduled", ({ schedules }) => schedules.delete("permit|kept")],
  [
    "permit|kept: is pending, and by the file cancelled",
    ({ schedules }) => Object.assign(Object(schedules.get("permit|kept")), { state: "pending" }),
  ],
  [
    `permit|waits: is due at ${day(24)}, and by the file at ${day(25)}`,
    ({ schedules }) =>
      Object.assign(Object(schedules.get("permit|waits")), { dueAt: new Date(`${day(24)}Z`) }),
  ],
  [
    "permit|other: there is no such case in the file",
    ({ events }) => events.set("permit|other", [passed("other", day(2), day(2))]),
  ],
];

describe("verifying the deadlines against the file", () => {
  it("finds nothing when each was cancelled, fired or left as the file says", () => {
    expect(findDeadlineDifferences(stored() satisfies StoredDeadlines, tasks)).toEqual([]);
  });

  it.each(WRONG)("tells: deadline of %s", (difference, change) => {
    const changed = stored();
    change(changed);
    expect(findDeadlineDifferences(changed, tasks)).toEqual([`deadline of ${difference}`]);
  });
});
