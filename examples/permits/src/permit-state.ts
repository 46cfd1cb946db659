import type { PermitEvent, Ruling } from "./permit-events.ts";

/** Three tracks side by side: the letter of confirmation, the advice on stopping, and the ruling that may follow. */
export interface PermitState {
  readonly confirmation: "none" | "received" | "checked" | "adjusted" | "determined" | "sent";
  readonly advice: AdviceState;
  /** Absent as long as nothing stands in the way of the application. */
  readonly ruling: RulingState | undefined;
  /** When the first and the last task were done; empty before the first. */
  readonly receivedAt: string;
  readonly lastAt: string;
}

interface AdviceState {
  readonly phase: "none" | "open" | "decided";
  /** The aspects that have a draft in this round; each consideration of the stop advice begins a new round. */
  readonly aspects: readonly number[];
  /** The parties that answered this round's request; absent when nobody was asked. */
  readonly answers: readonly number[] | undefined;
}

interface RulingState {
  readonly kind: Ruling;
  readonly stage: "drafted" | "checked" | "adjusted" | "determined" | "printed";
}

export function initialState(): PermitState {
  return {
    confirmation: "none",
    advice: { phase: "none", aspects: [], answers: undefined },
    ruling: undefined,
    receivedAt: "",
    lastAt: "",
  };
}

export function evolve(state: PermitState, event: PermitEvent): PermitState {
  return { ...change(state, event), lastAt: event.data.at };
}

function change(state: PermitState, { type, data }: PermitEvent): PermitState {
  const { advice } = state;
  switch (type) {
    case "ApplicationReceived":
      return { ...state, confirmation: "received", receivedAt: data.at };
    case "ConfirmationChecked":
      return { ...state, confirmation: "checked" };
    case "ConfirmationAdjusted":
      return { ...state, confirmation: "adjusted" };
    case "ConfirmationDetermined":
      return { ...state, confirmation: "determined" };
    case "ConfirmationSent":
      return { ...state, confirmation: "sent" };
    case "StopAdviceConsidered":
      return { ...state, advice: { phase: "open", aspects: [], answers: undefined } };
    case "InternalAdviceDrafted":
      return { ...state, advice: { ...advice, aspects: [...advice.aspects, data.aspect] } };
    case "ExternalAdviceRequested":
      return { ...state, advice: { ...advice, answers: [] } };
    case "ExternalAdviceReceived":
      return { ...state, advice: { ...advice, answers: [...(advice.answers ?? []), data.party] } };
    case "StopDecided":
      return { ...state, advice: { ...advice, phase: "decided" } };
    case "RulingDrafted":
      return { ...state, ruling: { kind: data.ruling, stage: "drafted" } };
    case "RulingChecked":
      return { ...state, ruling: { kind: data.ruling, stage: "checked" } };
    case "RulingAdjusted":
      return { ...state, ruling: { kind: data.ruling, stage: "adjusted" } };
    case "RulingDetermined":
      return { ...state, ruling: { kind: data.ruling, stage: "determined" } };
    case "RulingPrinted":
      return { ...state, ruling: { kind: data.ruling, stage: "printed" } };
  }
}

/** Where a case stands, in the words of the report. */
export type PermitStatus =
  | "confirmed, nothing in the way"
  | "confirmed, advice open"
  | "nothing in the way, to confirm"
  | "received"
  | "in examination"
  | "ruling in preparation"
  | "unlicensed (document X)"
  | "on hold (report Y)";

export function statusOf({ confirmation, advice, ruling }: PermitState): PermitStatus {
  if (ruling !== undefined) {
    if (ruling.stage !== "printed") return "ruling in preparation";
    return ruling.kind === "unlicensed" ? "unlicensed (document X)" : "on hold (report Y)";
  }
  if (confirmation === "sent") {
    return advice.phase === "decided" ? "confirmed, nothing in the way" : "confirmed, advice open";
  }
  if (advice.phase === "decided") return "nothing in the way, to confirm";
  return confirmation === "received" && advice.phase === "none" ? "received" : "in examination";
}
