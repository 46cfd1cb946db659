import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MAX_RESPONSE_BYTES, responseTooLarge } from "./invoke-result.ts";
import type { InvokeResult } from "./local-function.ts";
import { readBody } from "./read-body.ts";

/** What a runtime is handed to run. */
export interface Invocation {
  readonly requestId: string;
  /** The invoked function's ARN. */
  readonly arn: string;
  /** JSON text. */
  readonly event: string;
}

/** What a runtime tells. */
export interface RuntimeListener {
  /** It asks for the next invocation. */
  polled(): void;
  /** The invocation that it was handed is done. */
  replied(result: InvokeResult): void;
  /** It can't start: what its first invocation is told. */
  failedToStart(result: InvokeResult): void;
}

export interface RuntimeApi {
  /** Host and port, for the variable AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  /** Hands an invocation to the runtime, which has asked for one. */
  hand(invocation: Invocation, deadlineMs: number): void;
  close(): void;
}

const PREFIX = "/2018-06-01/runtime";
const REPLY = /^\/invocation\/([^/]+)\/(response|error)$/;

/**
 * Serves Lambda's Runtime API, on 127.0.0.1, for the runtime in one execution environment. It does not keep the process
 * from ending.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntimeApi(listener: RuntimeListener): Promise<RuntimeApi> {
  let poll: ServerResponse | undefined;
  let current: string | undefined;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.startsWith(PREFIX) ? request.url.slice(PREFIX.length) : "";
    if (request.method === "GET" && path === "/invocation/next") {
      poll = response;
      current = undefined;
      listener.polled();
      return;
    }
    const [, requestId, kind] = REPLY.exec(path) ?? [];
    if (request.method !== "POST" || (kind === undefined && path !== "/init/error")) {
      return reply(response, 404, {
        errorType: "NotFound",
        errorMessage: `${request.method} ${request.url}`,
      });
    }
    const body = await readBody(request, MAX_RESPONSE_BYTES);
    if (kind === undefined) {
      listener.failedToStart({ payload: errorText(body), functionError: "Unhandled" });
    } else if (requestId === undefined || decodeURIComponent(requestId) !== current) {
      return reply(response, 400, { errorType: "InvalidRequestID", errorMessage: "Invalid request ID" });
    } else {
      current = undefined;
      if (body === "tooLarge") {
        listener.replied(responseTooLarge());
        return reply(response, 413, { errorType: "RequestEntityTooLarge", errorMessage: "Exceeded 6 MB" });
      }
      listener.replied(
        kind === "response"
          ? { payload: body.toString(), functionError: undefined }
          : { payload: errorText(body), functionError: "Unhandled" },
      );
    }
    return reply(response, 202, { status: "OK" });
  };

  const server = await listen((request, response) => {
    // It fails only when the runtime is gone in the middle of a request, and then nobody waits for an answer.
    answer(request, response).catch((error: unknown) => response.destroy(asError(error)));
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    hand({ requestId, arn, event }, deadlineMs) {
      current = requestId;
      poll
        ?.writeHead(200, {
          "Content-Type": "application/json",
          "Lambda-Runtime-Aws-Request-Id": requestId,
          "Lambda-Runtime-Deadline-Ms": String(deadlineMs),
          "Lambda-Runtime-Invoked-Function-Arn": arn,
        })
        .end(event);
      poll = undefined;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  // A runtime may be frozen between two requests for as long as it likes.
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, answer);
  server.on("connection", (socket) => socket.unref());
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return server;
}

function errorText(body: Buffer | "tooLarge"): string {
  return body === "tooLarge" ? responseTooLarge().payload : body.toString();
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
