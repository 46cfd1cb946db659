import type { ProcessEnd } from "../guarded-process.ts";
import type { InvokeResult } from "./local-function.ts";

/**
 * The most that a function may return, in bytes of JSON text: 6 MB, and 100 bytes that Lambda grants on top.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_RESPONSE_BYTES: number = 6 * 1_048_576 + 100;

/** JSON text; `undefined` for what has none, such as `undefined` itself, which JSON.stringify's type does not say. */
export function jsonText(value: unknown): string | undefined {
  return JSON.stringify(value);
}

/** What Lambda tells of an error of the function's. */
interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** Lambda says "Unhandled" of every error today, of those that a handler throws too. */
function failed(error: FunctionError): InvokeResult {
  return { payload: JSON.stringify(error), functionError: "Unhandled" };
}

/** The result of a handler that returned this value; `undefined` becomes `null`. */
export function returned(value: unknown): InvokeResult {
  let payload: string;
  try {
    payload = jsonText(value) ?? "null";
  } catch {
    // The runtime client throws away what JSON.stringify said, and its own error is all that is told.
    return threw(new Error("Unable to stringify response body"));
  }
  return Buffer.byteLength(payload) > MAX_RESPONSE_BYTES
    ? responseTooLarge()
    : { payload, functionError: undefined };
}

/** The result of a handler that threw this, or returned a promise that was rejected with it. */
export function threw(thrown: unknown): InvokeResult {
  // As Lambda's runtime client for Node has it, word for word.
  const reason = thrown ?? "handled";
  if (!(reason instanceof Error)) {
    // oxlint-disable-next-line typescript/no-base-to-string
    return failed({ errorType: typeof reason, errorMessage: String(reason), trace: [] });
  }
  const trace = reason.stack?.split("\n") ?? [];
  return failed({ errorType: reason.name, errorMessage: reason.message, trace });
}

export function timedOut(requestId: string, timeoutMs: number): InvokeResult {
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1_000).toFixed(2)} seconds`;
  return failed({ errorType: "Sandbox.Timedout", errorMessage });
}

/** The result of an invocation whose process ended before it answered. */
export function exited(requestId: string, { code, signal }: ProcessEnd): InvokeResult {
  const how =
    code === 0
      ? "without providing a reason"
      : `with error: ${signal ? signalText(signal) : `exit status ${code}`}`;
  return failed({
    errorType: "Runtime.ExitError",
    errorMessage: `RequestId: ${requestId} Error: Runtime exited ${how}`,
  });
}

export function responseTooLarge(): InvokeResult {
  return failed({
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
  });
}

/** Signals by the names that Lambda gives them, which are Go's. */
const SIGNAL_NAMES: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: "killed",
  SIGTERM: "terminated",
  SIGABRT: "aborted",
  SIGSEGV: "segmentation fault",
};

function signalText(signal: NodeJS.Signals): string {
  return `signal: ${SIGNAL_NAMES[signal] ?? signal}`;
}
