import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { InStoreTarget, OutsideTarget } from "./target.ts";

/** What may be said of every target outside of the store. */
export type TargetOptions = Pick<OutsideTarget, "timeoutMs" | "payload" | "onSuccess" | "onFailure">;

/** What may be said of one in the store, which tells of its success itself. */
export type InStoreTargetOptions = Pick<InStoreTarget, "timeoutMs" | "payload" | "onFailure">;

/** Of a target, or its options: it says what its payloads are like, so whoever schedules it is held to that by the compiler. */
export interface WithPayload<Schema extends StandardSchemaV1> {
  readonly payload: Schema;
}

/** The part of options that is a target's own. */
export function settingsOf({ timeoutMs, payload, onSuccess, onFailure }: TargetOptions): TargetOptions {
  return { timeoutMs, payload, onSuccess, onFailure };
}

export function inStoreSettingsOf({
  timeoutMs,
  payload,
  onFailure,
}: InStoreTargetOptions): InStoreTargetOptions {
  return { timeoutMs, payload, onFailure };
}
