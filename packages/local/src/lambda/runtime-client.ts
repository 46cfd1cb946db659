import { request } from "node:http";
import { callHandler, type Handler, lambdaContext } from "./call-handler.ts";
import { threw } from "./invoke-result.ts";
import type { InvokeResult } from "./local-function.ts";

/**
 * The program in a child process: loads a handler, and calls it for each invocation that the Lambda Runtime API gives it.
 * Arguments: the URL of the module, and the name of its export.
 */

interface Response {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

const { env } = process;
const HOST = `http://${env["AWS_LAMBDA_RUNTIME_API"]}/2018-06-01/runtime`;

/** The invocation that runs, for errors that nobody awaits. */
let current: string | undefined;

class RuntimeError extends Error {
  constructor(kind: string, message: string) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

process.on("uncaughtException", (error) => void tellAndExit(error, 129));
process.on("unhandledRejection", (reason) => {
  void tellAndExit(new RuntimeError("UnhandledPromiseRejection", String(reason)), 128);
});

const [, , moduleUrl = "", handlerName = ""] = process.argv;
const handler = await loadHandler();
for (;;) await runNext();

async function loadHandler(): Promise<Handler> {
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = (await import(moduleUrl)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw startError(error);
  }
  const found = exports[handlerName];
  if (typeof found !== "function") {
    throw new RuntimeError("HandlerNotFound", `${handlerName} is not a function that ${moduleUrl} exports`);
  }
  return found as Handler;
}

function startError(error: unknown): unknown {
  if (error instanceof SyntaxError) return new RuntimeError("UserCodeSyntaxError", String(error));
  const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
  return isMissing ? new RuntimeError("ImportModuleError", String(error)) : error;
}

async function runNext(): Promise<void> {
  const { headers, body } = await send("GET", "/invocation/next");
  const requestId = String(headers["lambda-runtime-aws-request-id"]);
  current = requestId;
  const context = lambdaContext({
    name: env["AWS_LAMBDA_FUNCTION_NAME"] ?? "",
    arn: String(headers["lambda-runtime-invoked-function-arn"]),
    requestId,
    memoryMb: Number(env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
    deadlineMs: Number(headers["lambda-runtime-deadline-ms"]),
  });
  await tell(await callHandler(handler, JSON.parse(body), context), requestId);
  current = undefined;
}

async function tell({ payload, functionError }: InvokeResult, requestId: string): Promise<void> {
  const kind = functionError === undefined ? "response" : "error";
  await send("POST", `/invocation/${encodeURIComponent(requestId)}/${kind}`, payload);
}

async function tellAndExit(error: unknown, code: number): Promise<void> {
  const result = threw(error);
  try {
    if (current === undefined) await send("POST", "/init/error", result.payload);
    else await tell(result, current);
  } finally {
    // oxlint-disable-next-line unicorn/no-process-exit
    process.exit(code);
  }
}

/** Without a time limit: the next invocation may be hours away. */
function send(method: string, path: string, body?: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = request(HOST + path, { method }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
