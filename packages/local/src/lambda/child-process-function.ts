import { fileURLToPath } from "node:url";
import { type ProcessFunction, processFunction, type ProcessFunctionOptions } from "./process-function.ts";

/** Compiled, wherever this file itself runs from: the child process is plain Node. */
const RUNTIME_CLIENT = new URL("../../dist/lambda/runtime-client.js", import.meta.url);

export interface ChildProcessFunctionOptions extends ProcessFunctionOptions {
  /** The module that exports the handler, as a file URL, e.g. `new URL("./handler.js", import.meta.url)`. */
  readonly moduleUrl: URL;
  /** The name that the handler is exported by; default: "handler". */
  readonly handlerName?: string | undefined;
}

/**
 * Makes a function of a module, whose handler runs in child processes of Node, as Lambda runs it: one invocation at a time
 * in each, which is used again while it is well; killed (SIGKILL) when the time is up; lost when it crashes.
 *
 * A new environment takes some 0.1 s, and two small processes: Node with the handler, and one that ends it with ours.
 *
 * @throws TypeError for a name, RangeError for a limit that Lambda would not take
 */
export function childProcessFunction(options: ChildProcessFunctionOptions): ProcessFunction {
  const { moduleUrl, handlerName = "handler" } = options;
  return processFunction(options, {
    handler: handlerName,
    args: [fileURLToPath(RUNTIME_CLIENT), moduleUrl.href, handlerName],
  });
}
