import { MAX_DELAY_SECONDS, MAX_HOLD_SECONDS } from "./relay.ts";

/** What is to be done with a wake-up that was received. */
export type Hop =
  | { readonly kind: "due" }
  /** So little is left that whoever has it waits. */
  | { readonly kind: "wait"; readonly ms: number }
  /** It stays where it is, unseen. */
  | { readonly kind: "hold"; readonly seconds: number }
  /** Another one is sent in its place. */
  | { readonly kind: "send"; readonly delaySeconds: number };

/** What is waited for in an invocation, in milliseconds: two whole seconds, as messages have no finer delays. */
const MAX_WAIT_MS = 2_000;

/** How often a wake-up is held; a queue that counts receives puts it aside at some number. */
const MAX_HOLDS = 3;

/** Decides about a wake-up for a moment; pure. Seconds are rounded down: it comes early rather than late, and is waited for. */
export function nextHop(atMs: number, nowMs: number, receives: number): Hop {
  const leftMs = atMs - nowMs;
  if (leftMs <= 0) return { kind: "due" };
  if (leftMs <= MAX_WAIT_MS) return { kind: "wait", ms: leftMs };
  const seconds = Math.floor(leftMs / 1_000);
  return receives <= MAX_HOLDS && seconds <= MAX_HOLD_SECONDS - MAX_DELAY_SECONDS
    ? { kind: "hold", seconds }
    : { kind: "send", delaySeconds: delayUntil(atMs, nowMs) };
}

/** The delay of a message that is to be received at a moment, or on the way to it. */
export function delayUntil(atMs: number, nowMs: number): number {
  return Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.floor((atMs - nowMs) / 1_000)));
}

/** The moments at which somebody has to wake up for things that fire at these times: one for each second, at its end. */
export function wakingTimes(fireAtMs: readonly number[]): readonly number[] {
  return [...new Set(fireAtMs.map((time) => Math.ceil(time / 1_000) * 1_000))];
}
