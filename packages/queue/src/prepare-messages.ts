import type { StandardSchemaV1 } from "@standard-schema/spec";
import { findJsonProblem, formatPath } from "@tuppence/core/chains";
import { InvalidMessageError, type MessageIssue } from "./errors.ts";
import type { NewMessage } from "./message.ts";
import { entryText } from "./message-item.ts";

/** A message that is ready to be written. */
export interface PreparedMessage {
  /** Its entry, as JSON text. */
  readonly text: string;
  readonly messageId: string | undefined;
  /** Its id is looked for in what was written since then, in epoch milliseconds; infinite without one. */
  readonly horizon: number;
}

/** How messages are checked, and how far back their ids are looked for. */
export interface PrepareOptions {
  readonly schema: StandardSchemaV1 | undefined;
  /** Epoch milliseconds, when the call came. */
  readonly nowMs: number;
  readonly dedupWindowMs: number;
  readonly marginMs: number;
}

/** Of a key or a message's id. */
const MAX_ID_CHARACTERS = 1_024;

/**
 * Checks the messages of a call, before anything is sent. Only a schema that answers later is waited for: calls of one tick stay
 * in their order.
 *
 * @throws InvalidMessageError
 */
export async function prepareMessages(
  queue: string,
  messages: readonly NewMessage[],
  options: PrepareOptions,
): Promise<PreparedMessage[]> {
  const prepared: PreparedMessage[] = [];
  for (const [index, message] of messages.entries()) {
    const ready = prepareMessage({ queue, index }, message, options);
    prepared.push(ready instanceof Promise ? await ready : ready);
  }
  return prepared;
}

interface MessagePlace {
  readonly queue: string;
  readonly index: number;
}

function prepareMessage(
  place: MessagePlace,
  message: NewMessage,
  options: PrepareOptions,
): PreparedMessage | Promise<PreparedMessage> {
  if (typeof message !== "object" || message === null) {
    throw refusal(place, { path: "message", message: "a message is an object with a body" });
  }
  checkExtras(place, message);
  const { messageId } = message;
  const horizon = messageId === undefined ? Number.POSITIVE_INFINITY : horizonOf(message, options);
  const finish = (body: unknown): PreparedMessage => {
    const problem = findJsonProblem(body, "body");
    if (problem !== undefined) throw refusal(place, problem);
    return { text: entryText(message, body), messageId, horizon };
  };
  if (options.schema === undefined) return finish(message.body);
  const result = options.schema["~standard"].validate(message.body);
  return result instanceof Promise
    ? result.then((later) => finish(checkedBody(place, later)))
    : finish(checkedBody(place, result));
}

function horizonOf({ since }: NewMessage, { nowMs, dedupWindowMs, marginMs }: PrepareOptions): number {
  return Math.min(since?.getTime() ?? nowMs - dedupWindowMs, nowMs) - marginMs;
}

function checkExtras(place: MessagePlace, { key, messageId, since, headers }: NewMessage): void {
  checkText(place, "key", key);
  checkText(place, "messageId", messageId);
  if (since !== undefined && !(since instanceof Date && Number.isFinite(since.getTime()))) {
    throw refusal(place, { path: "since", message: "it is no valid Date" });
  }
  if (headers === undefined) return;
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw refusal(place, { path: "headers", message: "headers are an object of texts" });
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== "string") {
      throw refusal(place, { path: formatPath("headers", [name]), message: "a header is a text" });
    }
  }
}

function checkText(place: MessagePlace, path: string, text: unknown): void {
  if (text === undefined) return;
  if (typeof text === "string" && text !== "" && text.length <= MAX_ID_CHARACTERS) return;
  throw refusal(place, { path, message: `a text of 1 to ${MAX_ID_CHARACTERS} characters is needed` });
}

function checkedBody(place: MessagePlace, result: StandardSchemaV1.Result<unknown>): unknown {
  const [issue, ...issues] = result.issues ?? [];
  if (issue !== undefined) throw refusal(place, describeIssue(issue), ...issues.map(describeIssue));
  return (result as StandardSchemaV1.SuccessResult<unknown>).value;
}

function describeIssue(issue: StandardSchemaV1.Issue): MessageIssue {
  const keys = (issue.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment));
  return { path: formatPath("body", keys), message: issue.message };
}

function refusal(
  place: MessagePlace,
  first: MessageIssue,
  ...rest: readonly MessageIssue[]
): InvalidMessageError {
  return new InvalidMessageError({ ...place, issues: [first, ...rest] });
}
