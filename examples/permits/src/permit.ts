import type { Decider } from "@tuppence/core";
import type { Application, PermitEvent, Ruling, Task } from "./permit-events.ts";
import { evolve, initialState, type PermitState } from "./permit-state.ts";

/** What an employee wants to do: one task. */
export type PermitCommand = ConfirmationCommand | AdviceCommand | RulingCommand;

export type ConfirmationCommand =
  | Command<"receiveApplication", Application>
  | Command<"checkConfirmation">
  | Command<"adjustConfirmation">
  | Command<"determineConfirmation">
  | Command<"sendConfirmation">;

export type AdviceCommand =
  | Command<"considerStopAdvice">
  | Command<"draftInternalAdvice", Task & { readonly aspect: number }>
  | Command<"requestExternalAdvice">
  | Command<"receiveExternalAdvice", Task & { readonly party: number }>
  | Command<"decideStop">;

export type RulingCommand =
  | Command<"draftRuling", RulingTask>
  | Command<"checkRuling", RulingTask>
  | Command<"adjustRuling", RulingTask>
  | Command<"determineRuling", RulingTask>
  | Command<"printRuling", RulingTask>;

interface Command<Type extends string, Data extends Task = Task> {
  readonly type: Type;
  readonly data: Data;
}

type RulingTask = Task & { readonly ruling: Ruling };

/** The office may not do this now. */
export class RuleBrokenError extends Error {
  override readonly name = "RuleBrokenError";
  readonly code = "ruleBroken";
  readonly command: PermitCommand;
  readonly rule: string;

  constructor(command: PermitCommand, rule: string) {
    super(`${command.type} (${command.data.taskId}) is refused: ${rule}`);
    this.command = command;
    this.rule = rule;
  }
}

/** The application for a building permit. All 8,577 real tasks keep all its rules. */
export const permit: Decider<PermitCommand, PermitState, PermitEvent> = { initialState, evolve, decide };

function decide(command: PermitCommand, state: PermitState): PermitEvent {
  if (command.type === "receiveApplication") {
    const { startsAt, deadlineAt } = command.data;
    must(state.confirmation === "none", command, "an application is received once");
    must(startsAt <= deadlineAt, command, "the deadline is not before the start");
    return { type: "ApplicationReceived", data: command.data };
  }
  must(state.confirmation !== "none", command, "an application is received before anything else is done");
  must(state.lastAt < command.data.at, command, "tasks are done one after the other");
  switch (command.type) {
    case "checkConfirmation":
    case "adjustConfirmation":
    case "determineConfirmation":
    case "sendConfirmation":
      return decideConfirmation(command, state);
    case "considerStopAdvice":
    case "draftInternalAdvice":
    case "requestExternalAdvice":
    case "receiveExternalAdvice":
    case "decideStop":
      return decideAdvice(command, state);
    default:
      return decideRuling(command, state);
  }
}

function decideConfirmation(
  command: Exclude<ConfirmationCommand, { type: "receiveApplication" }>,
  { confirmation }: PermitState,
): PermitEvent {
  switch (command.type) {
    case "checkConfirmation":
      must(
        confirmation === "received" || confirmation === "adjusted",
        command,
        "only what is new is checked",
      );
      return { type: "ConfirmationChecked", data: command.data };
    case "adjustConfirmation":
      must(
        confirmation === "checked" || confirmation === "determined",
        command,
        "a confirmation is adjusted after its check and before it is sent",
      );
      return { type: "ConfirmationAdjusted", data: command.data };
    case "determineConfirmation":
      must(confirmation === "checked", command, "a confirmation is determined as it was checked");
      return { type: "ConfirmationDetermined", data: command.data };
    case "sendConfirmation":
      // In one of 1,300 cases the office did not determine it, but checked it was always.
      must(
        confirmation === "checked" || confirmation === "determined",
        command,
        "a confirmation is sent once, as it was checked or determined",
      );
      return { type: "ConfirmationSent", data: command.data };
  }
}

function decideAdvice(command: AdviceCommand, { advice }: PermitState): PermitEvent {
  const { phase, aspects, answers } = advice;
  must(phase !== "decided", command, "no advice is sought after the stop was decided");
  if (command.type === "considerStopAdvice") {
    must(answers?.length !== 0, command, "external advice that was requested is waited for");
    return { type: "StopAdviceConsidered", data: command.data };
  }
  must(phase === "open", command, "the need of stop advice is considered first");
  switch (command.type) {
    case "draftInternalAdvice":
      must(
        !aspects.includes(command.data.aspect),
        command,
        "an aspect has one draft in each round of advice",
      );
      return { type: "InternalAdviceDrafted", data: command.data };
    case "requestExternalAdvice":
      must(answers === undefined, command, "there is one request in each round of advice");
      return { type: "ExternalAdviceRequested", data: command.data };
    case "receiveExternalAdvice":
      must(answers !== undefined, command, "external advice is requested before it comes");
      must(!answers?.includes(command.data.party), command, "a party answers a request once");
      return { type: "ExternalAdviceReceived", data: command.data };
    case "decideStop":
      must(
        aspects.length === 0 && answers === undefined,
        command,
        "advice is considered before the stop is decided",
      );
      return { type: "StopDecided", data: command.data };
  }
}

function decideRuling(command: RulingCommand, state: PermitState): PermitEvent {
  const { confirmation, advice, ruling } = state;
  const unlicensed = command.data.ruling === "unlicensed";
  if (command.type === "draftRuling") {
    must(advice.phase === "decided", command, "a ruling follows on the decision about the stop");
    must(ruling === undefined, command, "there is one ruling at most");
    return { type: "RulingDrafted", data: command.data };
  }
  must(ruling?.kind === command.data.ruling, command, "a ruling is drafted before anything is done with it");
  const stage = ruling?.stage;
  switch (command.type) {
    case "checkRuling":
      must(
        stage === "drafted" || stage === "adjusted",
        command,
        "a ruling is checked when drafted or adjusted",
      );
      return { type: "RulingChecked", data: command.data };
    case "adjustRuling":
      must(stage === "checked", command, "a ruling is adjusted after its check");
      return { type: "RulingAdjusted", data: command.data };
    case "determineRuling":
      must(stage === "checked", command, "a ruling is determined as it was checked");
      must(
        !unlicensed || confirmation === "determined" || confirmation === "sent",
        command,
        "document X is determined after the confirmation",
      );
      return { type: "RulingDetermined", data: command.data };
    case "printRuling":
      must(stage === "determined", command, "a ruling is printed once, as it was determined");
      must(
        !unlicensed || confirmation === "sent",
        command,
        "document X is printed after the confirmation is sent",
      );
      return { type: "RulingPrinted", data: command.data };
  }
}

function must(holds: boolean, command: PermitCommand, rule: string): void {
  if (!holds) throw new RuleBrokenError(command, rule);
}
