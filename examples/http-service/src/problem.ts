import { TuppenceError } from "@tuppence/core";
import { AccountRefusal } from "./account.ts";

/** What goes wrong, as RFC 9457 has it: the status, a code to program against, and words for people. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }

  /** The response; 503 says that the same request may be sent again. */
  toResponse(): Response {
    const { status, code, message: detail } = this;
    const headers = {
      "content-type": "application/problem+json",
      ...(status === 503 && { "retry-after": "1" }),
    };
    return new Response(JSON.stringify({ type: "about:blank", status, code, detail }), { status, headers });
  }
}

const REFUSALS = { accountMissing: 404, accountExists: 409, notEnoughMoney: 409 } as const;

/** Where an error of Tuppence is the caller's, and which status says so. */
const CALLERS: Readonly<Record<string, number>> = {
  streamClosed: 410,
  eventTooLarge: 413,
  invalidEvent: 422,
  invalidStreamId: 400,
};

/** AWS's words for: too much at the moment. */
const THROTTLES = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];

/**
 * Any error as a problem. A conflict is the caller's when it said which version it expects (412). What else may pass is 503, to be sent again
 * with the same Idempotency-Key, also when the outcome is unknown: what was stored is recognised. The rest is ours, and nobody's concern.
 */
export function problemOf(error: unknown, isConditional: boolean): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof AccountRefusal) return new Problem(REFUSALS[error.code], error.code, error.message);
  if (error instanceof TuppenceError) {
    const { code, message, retryable } = error;
    if (code === "versionConflict" && isConditional) return new Problem(412, code, message);
    const status = CALLERS[code];
    if (status !== undefined) return new Problem(status, code, message);
    if (retryable) return new Problem(503, code, "Send the same request again.", { cause: error });
  }
  if (error instanceof Error && THROTTLES.includes(error.name)) {
    return new Problem(503, "throttled", "Send the same request again.", { cause: error });
  }
  return new Problem(500, "internal", "Something is wrong here.", { cause: error });
}
