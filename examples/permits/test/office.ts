import { permit, type PermitCommand } from "../src/permit.ts";
import type { Application, PermitEvent, Ruling, Task } from "../src/permit-events.ts";

/** A task that still lacks its number and its time. */
export type Step = (task: Task) => PermitCommand;

const APPLICATION: Omit<Application, keyof Task> = {
  channel: "Internet",
  department: "General",
  responsible: "Resource21",
  responsibleGroup: "Group 2",
  startsAt: "2011-10-11T13:42:22.688",
  plannedEndAt: "2011-12-06T13:41:31.788",
  deadlineAt: "2011-12-06T13:41:31.788",
};

export function receive(changes: Partial<Application> = {}): Step {
  return (task) => ({ type: "receiveApplication", data: { ...task, ...APPLICATION, ...changes } });
}

type Plain = Exclude<
  PermitCommand["type"],
  "receiveApplication" | "draftInternalAdvice" | "receiveExternalAdvice" | `${string}Ruling`
>;

export function plain(type: Plain): Step {
  return (data) => ({ type, data });
}

export function draftAdvice(aspect: number): Step {
  return (task) => ({ type: "draftInternalAdvice", data: { ...task, aspect } });
}

export function receiveAdvice(party: number): Step {
  return (task) => ({ type: "receiveExternalAdvice", data: { ...task, party } });
}

export function rule(type: Extract<PermitCommand["type"], `${string}Ruling`>, ruling: Ruling): Step {
  return (task) => ({ type, data: { ...task, ruling } });
}

/** What happened when these steps were done, a minute each. */
export function eventsOf(steps: readonly Step[]): PermitEvent[] {
  const events: PermitEvent[] = [];
  let state = permit.initialState();
  for (const [minute, step] of steps.entries()) {
    for (const event of [permit.decide(step(taskAt(minute)), state)].flat()) {
      events.push(event);
      state = permit.evolve(state, event);
    }
  }
  return events;
}

export function taskAt(minute: number): Task {
  const at = `2011-10-11T14:${String(minute).padStart(2, "0")}:00.000`;
  return { taskId: `task-${minute}`, employee: "Resource21", group: null, at };
}
