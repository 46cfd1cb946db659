import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { FireContext, Occurrence, OutsideTarget } from "./target.ts";
import { settingsOf, type TargetOptions, type WithPayload } from "./target-options.ts";

/**
 * Calls a function in the process that fires: at least once, so it has to know an occurrence by its `id`. What it answers is told to destinations
 * only. It should heed the signal: nobody waits any longer for what goes on after its time-out. With a `payload` schema, the function gets what that
 * has made of the payload.
 *
 * @throws TypeError when it is no function.
 */
export function call<Schema extends StandardSchemaV1>(
  fn: (occurrence: Occurrence<StandardSchemaV1.InferOutput<Schema>>, context: FireContext) => unknown,
  options: TargetOptions & WithPayload<Schema>,
): OutsideTarget & WithPayload<Schema>;
export function call<Payload = unknown>(
  fn: (occurrence: Occurrence<Payload>, context: FireContext) => unknown,
  options?: TargetOptions,
): OutsideTarget;
export function call<Payload>(
  fn: (occurrence: Occurrence<Payload>, context: FireContext) => unknown,
  options: TargetOptions = {},
): OutsideTarget {
  if (typeof fn !== "function") throw new TypeError(`The target is ${typeof fn}, no function.`);
  return {
    ...settingsOf(options),
    kind: "call",
    fire: async (occurrence, context) => fn(occurrence as Occurrence<Payload>, context),
  };
}
