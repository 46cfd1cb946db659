import { testDecider } from "@tuppence/core/testing";
import { describe, it } from "vitest";
import { permit, RuleBrokenError } from "../src/permit.ts";
import { type PermitStatus, statusOf } from "../src/permit-state.ts";
import { draftAdvice, eventsOf, plain, receive, receiveAdvice, rule, type Step, taskAt } from "./office.ts";

const given = testDecider(permit);

const check = plain("checkConfirmation");
const adjust = plain("adjustConfirmation");
const determine = plain("determineConfirmation");
const send = plain("sendConfirmation");
const consider = plain("considerStopAdvice");
const request = plain("requestExternalAdvice");
const stop = plain("decideStop");

const received = [receive()];
const confirmed = [receive(), check, determine, send];
const decided = [receive(), consider, stop];
const drafted = [...decided, rule("draftRuling", "hold")];
const checked = [...drafted, rule("checkRuling", "hold")];

const unlicensed = (type: Parameters<typeof rule>[0]): Step => rule(type, "unlicensed");
const unlicensedChecked = [...decided, unlicensed("draftRuling"), unlicensed("checkRuling")];

/** The rule, what was done before, and what is refused. */
const REFUSED: readonly (readonly [string, readonly Step[], Step])[] = [
  ["an application is received once", received, receive()],
  ["the deadline is not before the start", [], receive({ deadlineAt: "2011-10-11T13:42:22.687" })],
  ["an application is received before anything else is done", [], check],
  ["tasks are done one after the other", received, () => check(taskAt(0))],

  ["only what is new is checked", [receive(), check], check],
  ["a confirmation is adjusted after its check and before it is sent", received, adjust],
  ["a confirmation is adjusted after its check and before it is sent", confirmed, adjust],
  ["a confirmation is determined as it was checked", received, determine],
  ["a confirmation is determined as it was checked", [receive(), check, adjust], determine],
  ["a confirmation is sent once, as it was checked or determined", received, send],
  ["a confirmation is sent once, as it was checked or determined", [receive(), check, adjust], send],
  ["a confirmation is sent once, as it was checked or determined", confirmed, send],

  ["the need of stop advice is considered first", received, draftAdvice(1)],
  ["the need of stop advice is considered first", received, request],
  ["the need of stop advice is considered first", received, receiveAdvice(1)],
  ["the need of stop advice is considered first", received, stop],
  ["an aspect has one draft in each round of advice", [receive(), consider, draftAdvice(1)], draftAdvice(1)],
  ["there is one request in each round of advice", [receive(), consider, request], request],
  ["external advice is requested before it comes", [receive(), consider], receiveAdvice(1)],
  ["a party answers a request once", [receive(), consider, request, receiveAdvice(1)], receiveAdvice(1)],
  ["external advice that was requested is waited for", [receive(), consider, request], consider],
  ["advice is considered before the stop is decided", [receive(), consider, draftAdvice(1)], stop],
  ["advice is considered before the stop is decided", [receive(), consider, request, receiveAdvice(1)], stop],
  ["no advice is sought after the stop was decided", decided, consider],
  ["no advice is sought after the stop was decided", decided, stop],

  ["a ruling follows on the decision about the stop", received, rule("draftRuling", "hold")],
  ["there is one ruling at most", drafted, unlicensed("draftRuling")],
  ["a ruling is drafted before anything is done with it", decided, rule("checkRuling", "hold")],
  ["a ruling is drafted before anything is done with it", drafted, unlicensed("checkRuling")],
  ["a ruling is checked when drafted or adjusted", checked, rule("checkRuling", "hold")],
  ["a ruling is adjusted after its check", drafted, rule("adjustRuling", "hold")],
  ["a ruling is determined as it was checked", drafted, rule("determineRuling", "hold")],
  ["a ruling is printed once, as it was determined", checked, rule("printRuling", "hold")],
  ["document X is determined after the confirmation", unlicensedChecked, unlicensed("determineRuling")],
  [
    "document X is printed after the confirmation is sent",
    [...unlicensedChecked, check, determine, unlicensed("determineRuling")],
    unlicensed("printRuling"),
  ],
];

describe("the office's rules", () => {
  it.each(REFUSED)("%s", (reason, done, refused) => {
    const command = refused(taskAt(done.length));
    given(eventsOf(done)).when(command).thenThrows(new RuleBrokenError(command, reason));
  });

  it("answer a task that is allowed with one event, which says all that the task does", () => {
    given(eventsOf(received))
      .when(check(taskAt(1)))
      .thenEvents([{ type: "ConfirmationChecked", data: taskAt(1) }]);
    given(eventsOf([receive(), consider]))
      .when(draftAdvice(1)(taskAt(2)))
      .thenEvents([{ type: "InternalAdviceDrafted", data: { ...taskAt(2), aspect: 1 } }]);
    given(eventsOf(checked))
      .when(rule("determineRuling", "hold")(taskAt(5)))
      .thenEvents([{ type: "RulingDetermined", data: { ...taskAt(5), ruling: "hold" } }]);
  });

  it("allow a new round of advice after each consideration", () => {
    const round = [consider, draftAdvice(1), request, receiveAdvice(2), receiveAdvice(3)];
    given(eventsOf([receive(), ...round, ...round, consider, stop])).thenState((state) => state.advice, {
      phase: "decided",
      aspects: [],
      answers: undefined,
    });
  });

  it("allow to adjust a confirmation that was determined already", () => {
    given(eventsOf([receive(), check, determine, adjust, check]))
      .when(send(taskAt(5)))
      .thenState((state) => state.confirmation, "sent");
  });
});

describe("a case's state", () => {
  it.each<readonly [PermitStatus, readonly Step[]]>([
    ["received", received],
    ["in examination", [receive(), check]],
    ["in examination", [receive(), consider]],
    ["confirmed, advice open", confirmed],
    ["nothing in the way, to confirm", decided],
    ["confirmed, nothing in the way", [...confirmed, consider, stop]],
    ["ruling in preparation", checked],
    ["on hold (report Y)", [...checked, rule("determineRuling", "hold"), rule("printRuling", "hold")]],
    [
      "unlicensed (document X)",
      [
        ...unlicensedChecked,
        check,
        send,
        unlicensed("adjustRuling"),
        unlicensed("checkRuling"),
        unlicensed("determineRuling"),
        unlicensed("printRuling"),
      ],
    ],
  ])("%s", (status, steps) => {
    given(eventsOf(steps)).thenState(statusOf, status);
  });
});
