import { defineProjection } from "@tuppence/projections";
import { type PermitEvent, permitEvents } from "./permit-events.ts";

/** The cases that a department still has to do with. */
export interface OpenCases {
  readonly received: number;
  /** What each open case waits for. */
  readonly open: Readonly<Record<string, WaitingFor>>;
}

interface WaitingFor {
  readonly confirmation: boolean;
  readonly stopDecision: boolean;
}

/** Open cases by department: a document for each department, which is in the metadata of every event. */
export const openCases = defineProjection({
  name: "open-cases",
  version: 1,
  events: permitEvents,
  types: ["ApplicationReceived", "ConfirmationSent", "StopDecided", "RulingPrinted"],
  key: ({ metadata: { department } }) => (typeof department === "string" ? department : undefined),
  initialState: (): OpenCases => ({ received: 0, open: {} }),
  evolve: (state, event) => openCasesAfter(state, event.streamId, event.type),
});

/** A case is closed when a ruling is printed, or when it is confirmed and nothing stands in its way. */
export function openCasesAfter(state: OpenCases, streamId: string, type: PermitEvent["type"]): OpenCases {
  const { [streamId]: waitingFor, ...others } = state.open;
  const goOn = (next: WaitingFor): OpenCases =>
    next.confirmation || next.stopDecision
      ? { ...state, open: { ...others, [streamId]: next } }
      : { ...state, open: others };
  switch (type) {
    case "ApplicationReceived":
      return { ...goOn({ confirmation: true, stopDecision: true }), received: state.received + 1 };
    case "ConfirmationSent":
      return waitingFor ? goOn({ ...waitingFor, confirmation: false }) : state;
    case "StopDecided":
      return waitingFor ? goOn({ ...waitingFor, stopDecision: false }) : state;
    case "RulingPrinted":
      return { ...state, open: others };
    default:
      return state;
  }
}

/** What an employee did in a week. */
export interface WorkDone {
  readonly tasks: number;
  readonly byType: Readonly<Record<string, number>>;
}

/** Work done by employee and week: a document `Resource21|2011-W41` for each. */
export const workDone = defineProjection({
  name: "work-done",
  version: 1,
  events: permitEvents,
  slots: 2,
  key: ({ data }) => workKey(data),
  initialState: (): WorkDone => ({ tasks: 0, byType: {} }),
  evolve: (state, { type }) => workDoneAfter(state, type),
});

export function workKey({ employee, at }: PermitEvent["data"]): string {
  return `${employee}|${weekOf(at)}`;
}

export function workDoneAfter({ tasks, byType }: WorkDone, type: string): WorkDone {
  return { tasks: tasks + 1, byType: { ...byType, [type]: (byType[type] ?? 0) + 1 } };
}

const DAY_MS = 86_400_000;

/** The week of a day by ISO 8601, which begins on Monday and belongs to the year of its Thursday: `2011-W41`. */
export function weekOf(time: string): string {
  const day = new Date(`${time.slice(0, 10)}T00:00:00Z`);
  const thursday = new Date(day.getTime() + (4 - (day.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}
