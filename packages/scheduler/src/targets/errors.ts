import { TuppenceError } from "@tuppence/core";

/** A Lambda function answered with an error of its own, or did not get to an answer. */
export class FunctionFailedError extends TuppenceError {
  readonly code = "functionFailed";
  readonly retryable = false;
  readonly functionName: string;
  /** As the function's runtime names it, e.g. "TypeError" or "Sandbox.Timedout"; undefined when it does not say. */
  readonly errorType: string | undefined;
  /** What the function answered, parsed if it is JSON. */
  readonly response: unknown;

  constructor(functionName: string, response: unknown) {
    const { errorType, errorMessage } = Object(response) as Readonly<Record<string, unknown>>;
    const type = typeof errorType === "string" ? errorType : undefined;
    const what = [type, errorMessage].filter((part) => typeof part === "string").join(": ");
    super(`Function ${JSON.stringify(functionName)} failed${what === "" ? "" : ` with ${what}`}.`);
    this.functionName = functionName;
    this.errorType = type;
    this.response = response;
  }
}

/** EventBridge took the request, and not the event in it. */
export class EventRefusedError extends TuppenceError {
  readonly code = "eventRefused";
  readonly retryable: boolean;
  readonly eventBusName: string;
  /** EventBridge's own, e.g. "ThrottlingException". https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html */
  readonly errorCode: string;

  constructor(eventBusName: string, refusal: { readonly errorCode: string; readonly message: string }) {
    const { errorCode, message } = refusal;
    super(`Bus ${JSON.stringify(eventBusName)} refused an event: ${errorCode}: ${message}`);
    this.eventBusName = eventBusName;
    this.errorCode = errorCode;
    this.retryable = TRANSIENT_CODES.has(errorCode);
  }
}

const TRANSIENT_CODES = new Set(["ThrottlingException", "InternalFailure", "InternalException"]);
