import type { OutsideTarget } from "./target.ts";

/** What may be said of every target. */
export type TargetOptions = Pick<OutsideTarget, "timeoutMs" | "payload">;

/** The part of options that is a target's own. */
export function settingsOf({ timeoutMs, payload }: TargetOptions): TargetOptions {
  return { timeoutMs, payload };
}
