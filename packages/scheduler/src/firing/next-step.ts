import type { Entry } from "../entries/entry.ts";

/** What is to be done about an entry now. */
export type NextStep =
  | { readonly kind: "nothing" }
  /** Not before this moment, in epoch milliseconds. */
  | { readonly kind: "wait"; readonly untilMs: number }
  /** It was fired, and what follows it has to be looked after. */
  | { readonly kind: "handOver" }
  | { readonly kind: "fire" };

export function nextStep(entry: Entry, nowMs: number): NextStep {
  const { state, fireAtMs, retryAtMs = 0, claimedUntilMs = 0, nextState } = entry;
  if (state !== "pending" && state !== "claimed") return { kind: "nothing" };
  const untilMs = state === "pending" ? Math.max(fireAtMs, retryAtMs) : claimedUntilMs;
  if (nowMs < untilMs) return { kind: "wait", untilMs };
  return { kind: nextState === undefined ? "fire" : "handOver" };
}
