import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkRetry, type Definition, type RetryPolicy } from "./definition.ts";
import { isEntryId } from "./entries/entry-id.ts";
import { InvalidPayloadError, PayloadTooLargeError } from "./errors.ts";
import { parseDuration } from "./recurrence/duration.ts";
import { parseWhen } from "./recurrence/parse-when.ts";
import type { When } from "./recurrence/schedule-spec.ts";
import { checkMisfire, checkRunOverlap, type Misfire, type RunOverlap } from "./recurrence/series-policy.ts";
import type { Targets } from "./targets/target.ts";

/** Bytes of JSON that a payload takes at most. */
export const MAX_PAYLOAD_BYTES = 65_536;

/** Bytes of a name, and of a group. */
const MAX_NAME_BYTES = 512;

/** What the payload of a target has to be like. */
export type PayloadOf<Target> = Target extends { readonly payload: StandardSchemaV1<infer Input> }
  ? Input
  : unknown;

/** What is to be scheduled. */
export interface ScheduleRequest<
  Registry extends Targets = Targets,
  Name extends keyof Registry & string = keyof Registry & string,
> extends When {
  /** The name of one of the scheduler's targets. */
  readonly target: Name;
  /** Plain JSON of 65,536 bytes at most, as the target takes it. Default: none. */
  readonly payload?: PayloadOf<Registry[Name]> | undefined;
  /**
   * To find it by, and to schedule it only once: asked for again with the same words, the schedule that is there is answered. 512 bytes at most.
   * Default: none; what is to fire again and again is given one.
   */
  readonly name?: string | undefined;
  /** To list, pause and resume it by with others. Default: none. */
  readonly group?: string | undefined;
  /** Fire each occurrence up to so much later, evenly spread: milliseconds, or a text such as "30s". Default 0. */
  readonly jitter?: number | string | undefined;
  /** Default: 5 attempts that fail for good reason, pauses from 1 second to 15 minutes. What is over by itself is tried for ever. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** What becomes of occurrences of a series that nobody was there to fire. Default `fireOnce`. */
  readonly misfire?: Misfire["policy"] | Partial<Misfire> | undefined;
  /** What becomes of occurrences of a series that come while one is under way. Default `skip`. */
  readonly overlap?: RunOverlap | undefined;
  /** Take the place of the schedule that has this name, whatever it is. Default false. */
  readonly replace?: boolean | undefined;
}

/**
 * What was asked for, in the form in which it is stored.
 *
 * @throws TypeError, RangeError, InvalidScheduleError, InvalidPayloadError, PayloadTooLargeError
 */
export async function definitionOf(
  request: ScheduleRequest,
  { targets, nowMs }: { readonly targets: Targets; readonly nowMs: number },
): Promise<Definition> {
  const { target, group, jitter = 0, retry, misfire, overlap } = request;
  if (!Object.hasOwn(targets, target)) {
    const known = Object.keys(targets).join(", ") || "none";
    throw new TypeError(`There is no target ${JSON.stringify(target)} here; there are: ${known}.`);
  }
  if (group !== undefined) checkText("group", group);
  return {
    spec: parseWhen(request, nowMs),
    target,
    payload: await payloadText(request, targets),
    group,
    jitterMs: parseDuration("jitter", jitter, 0),
    retry: checkRetry(retry),
    misfire: checkMisfire(misfire),
    overlap: checkRunOverlap(overlap),
  };
}

/** @throws TypeError, RangeError for what can't be a name. */
export function checkName(name: string): void {
  checkText("name", name);
  if (isEntryId(name)) throw new TypeError(`${JSON.stringify(name)} is like an id; a name has to differ.`);
}

function checkText(field: string, text: string): void {
  if (typeof text !== "string" || text === "") {
    throw new TypeError(`${field} is ${JSON.stringify(text)}; a text is needed.`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_NAME_BYTES) {
    throw new RangeError(`${field} has ${bytes} bytes; ${MAX_NAME_BYTES} are the most.`);
  }
}

async function payloadText(
  { target, payload }: ScheduleRequest,
  targets: Targets,
): Promise<string | undefined> {
  const schema = targets[target]?.payload;
  const value = schema === undefined ? payload : await validated(target, schema, payload);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new InvalidPayloadError(target, "it is no JSON", { cause });
  }
  if (text === undefined && value !== undefined) throw new InvalidPayloadError(target, "it is no JSON");
  const bytes = Buffer.byteLength(text ?? "");
  if (bytes > MAX_PAYLOAD_BYTES) throw new PayloadTooLargeError(bytes, MAX_PAYLOAD_BYTES);
  return text;
}

async function validated(target: string, schema: StandardSchemaV1, payload: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(payload);
  if (result.issues === undefined) return result.value;
  const problem = result.issues
    .map(({ path = [], message }) => {
      const place = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
      return place === "" ? message : `${place}: ${message}`;
    })
    .join("; ");
  throw new InvalidPayloadError(target, problem);
}
