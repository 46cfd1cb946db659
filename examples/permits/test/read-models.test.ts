import { testProjection } from "@tuppence/projections/testing";
import { describe, expect, it } from "vitest";
import { openCases, weekOf } from "../src/read-models.ts";

const task = { taskId: "task-1", employee: "Resource21", group: null, at: "2011-10-11T13:45:40.276" };
const of = (name: string) => ({ streamId: `permit|${name}`, metadata: { department: "General" } });
const received = (name: string) => ({
  ...of(name),
  type: "ApplicationReceived" as const,
  data: {
    ...task,
    channel: "Desk" as const,
    department: "General",
    responsible: "Resource21",
    responsibleGroup: null,
    startsAt: task.at,
    plannedEndAt: task.at,
    deadlineAt: task.at,
  },
});
const done = <Type extends "ConfirmationSent" | "StopDecided">(name: string, type: Type) => ({
  ...of(name),
  type,
  data: task,
});

describe("open cases", () => {
  const given = testProjection(openCases);

  it("wait for their confirmation and for the decision about the stop", async () => {
    await given([received("a"), received("b"), done("a", "StopDecided")]).thenDocuments({
      General: {
        received: 2,
        open: {
          "permit|a": { confirmation: true, stopDecision: false },
          "permit|b": { confirmation: true, stopDecision: true },
        },
      },
    });
  });

  it("are closed with both, in whatever order, or with a ruling", async () => {
    const printed = {
      ...of("c"),
      type: "RulingPrinted" as const,
      data: { ...task, ruling: "hold" as const },
    };
    await given([
      received("a"),
      received("b"),
      received("c"),
      done("a", "StopDecided"),
      done("a", "ConfirmationSent"),
      done("b", "ConfirmationSent"),
      printed,
      done("b", "StopDecided"),
      done("c", "ConfirmationSent"),
    ]).thenDocuments({ General: { received: 3, open: {} } });
  });
});

it.each([
  ["2011-10-11T13:45:40.276", "2011-W41"],
  ["2011-01-01T00:00:00", "2010-W52"],
  ["2011-01-02T23:59:59", "2010-W52"],
  ["2011-01-03T00:00:00", "2011-W01"],
  ["2012-12-31T00:00:00", "2013-W01"],
])("%s is in week %s", (time, week) => {
  expect(weekOf(time)).toBe(week);
});
