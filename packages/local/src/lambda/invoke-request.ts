import { functionArn, type FunctionReference, parseFunctionReference } from "./function-name.ts";

/**
 * The most that an event may be, in bytes of JSON text: 6 MB if the caller waits, and 1 MB if it does not.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export const MAX_EVENT_BYTES: Readonly<Record<InvocationType, number>> = {
  RequestResponse: 6 * 1_048_576,
  Event: 1_048_576,
  DryRun: 6 * 1_048_576,
};

export type InvocationType = "RequestResponse" | "Event" | "DryRun";

/** What Lambda answers instead of a result. */
export interface InvokeFault {
  readonly status: number;
  /** For the header `x-amzn-ErrorType`. */
  readonly errorType: string;
  readonly body: Readonly<Record<string, string>>;
}

export interface InvokeRequest {
  readonly reference: FunctionReference;
  readonly type: InvocationType;
}

export interface InvokeHead {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly invocationType: string | undefined;
  readonly authorization: string | undefined;
}

const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/** Reads the request line and headers of an Invoke request. */
export function parseInvokeHead(head: InvokeHead): InvokeRequest | InvokeFault {
  // A signature is not checked, but a web page that the developer looks at can't send one.
  if (head.authorization === undefined) {
    return fault(403, "MissingAuthenticationTokenException", { message: "Missing Authentication Token" });
  }
  const { pathname, searchParams } = new URL(head.url, "http://local");
  const [, encoded] = PATH.exec(pathname) ?? [];
  if (head.method !== "POST" || encoded === undefined) {
    return fault(404, "UnknownOperationException", { message: `${head.method} ${pathname} is not Invoke` });
  }
  const type = head.invocationType ?? "RequestResponse";
  if (!Object.hasOwn(MAX_EVENT_BYTES, type)) {
    return invalid(
      `Value '${type}' at 'invocationType' is not one of ${Object.keys(MAX_EVENT_BYTES).join(", ")}`,
    );
  }
  const name = decodeURIComponent(encoded);
  const reference = parseFunctionReference(name);
  if (reference === undefined)
    return invalid(`Value '${name}' at 'functionName' is no name or ARN of a function`);
  const qualifier = searchParams.get("Qualifier") ?? undefined;
  if (qualifier !== undefined && (reference.qualifier ?? qualifier) !== qualifier) {
    return fault(400, "InvalidParameterValueException", {
      Type: "User",
      message: "The derived qualifier from the function name does not match the specified qualifier.",
    });
  }
  return {
    reference: { name: reference.name, qualifier: reference.qualifier ?? qualifier },
    type: type as InvocationType,
  };
}

/** Reads an event; none at all is `{}`. */
export function parseEvent(body: Buffer): { readonly event: unknown } | InvokeFault {
  if (body.length === 0) return { event: {} };
  try {
    return { event: JSON.parse(body.toString()) as unknown };
  } catch (error) {
    return fault(400, "InvalidRequestContentException", {
      Type: "User",
      message: `Could not parse request body into json: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

export function functionNotFound({ name, qualifier }: FunctionReference): InvokeFault {
  return fault(404, "ResourceNotFoundException", {
    Type: "User",
    Message: `Function not found: ${functionArn(name, qualifier)}`,
  });
}

/** The API's description calls it RequestTooLargeException; the service itself calls it so. */
export function eventTooLarge(type: InvocationType): InvokeFault {
  return fault(413, "RequestEntityTooLargeException", {
    Type: "User",
    message: `Request must be smaller than ${MAX_EVENT_BYTES[type]} bytes for the InvokeFunction operation`,
  });
}

export function tooManyRequests(): InvokeFault {
  return fault(429, "TooManyRequestsException", {
    Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    Type: "User",
    message: "Rate Exceeded.",
  });
}

export function serviceFault(error: unknown): InvokeFault {
  return fault(500, "ServiceException", { Type: "Service", Message: String(error) });
}

function invalid(message: string): InvokeFault {
  return fault(400, "ValidationException", { message });
}

function fault(status: number, errorType: string, body: InvokeFault["body"]): InvokeFault {
  return { status, errorType, body };
}
