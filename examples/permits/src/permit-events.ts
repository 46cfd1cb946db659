import { defineEvents, type EventOf } from "@tuppence/core";
import { z } from "zod";

/** Wall-clock time of the office; the file names no zone. Sorts as text. */
const time = z.iso.datetime({ local: true });

/** What every event says: which task of the office it was, who did it, and when. */
const task = z.object({
  taskId: z.string(),
  employee: z.string(),
  /** The employee's group, where the file knows it. */
  group: z.string().nullable(),
  at: time,
});

const application = task.extend({
  channel: z.enum(["Desk", "e-mail", "Internet", "Intern", "Post"]),
  department: z.string(),
  responsible: z.string(),
  responsibleGroup: z.string().nullable(),
  startsAt: time,
  plannedEndAt: time,
  deadlineAt: time,
});

const ruling = task.extend({
  /** `unlicensed` is the file's "document X, request unlicensed"; `hold` is its "report Y, reasons to hold request". */
  ruling: z.enum(["unlicensed", "hold"]),
});

/** All that can happen to the application for a building permit. */
export const permitEvents = defineEvents({
  ApplicationReceived: application,

  ConfirmationChecked: task,
  ConfirmationAdjusted: task,
  ConfirmationDetermined: task,
  ConfirmationSent: task,

  StopAdviceConsidered: task,
  InternalAdviceDrafted: task.extend({ aspect: z.int().min(1).max(5) }),
  ExternalAdviceRequested: task,
  ExternalAdviceReceived: task.extend({ party: z.int().min(1).max(4) }),
  StopDecided: task,

  RulingDrafted: ruling,
  RulingChecked: ruling,
  RulingAdjusted: ruling,
  RulingDetermined: ruling,
  RulingPrinted: ruling,
});

export type PermitEvent = EventOf<typeof permitEvents>;
export type Task = z.infer<typeof task>;
export type Application = z.infer<typeof application>;
export type Ruling = z.infer<typeof ruling>["ruling"];
