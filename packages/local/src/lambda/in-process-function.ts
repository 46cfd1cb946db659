import { randomUUID } from "node:crypto";
import { callHandler, type Handler, lambdaContext } from "./call-handler.ts";
import { checkLimits, type FunctionLimits } from "./function-limits.ts";
import { checkFunctionName, functionArn } from "./function-name.ts";
import { jsonText, timedOut } from "./invoke-result.ts";
import type { InvokeResult, LocalFunction } from "./local-function.ts";

export interface InProcessFunctionOptions extends FunctionLimits {
  readonly name: string;
  readonly handler: Handler;
}

/**
 * Makes a function of a handler, which runs in this process: quick, and easy to debug.
 *
 * The time limit only ends the waiting: the handler itself goes on, and a crash of it is a crash of this process.
 * `memoryMb` is what the handler is told, and no limit. `childProcessFunction` has real limits.
 *
 * @throws TypeError for a name, RangeError for a limit that Lambda would not take
 */
export function inProcessFunction(options: InProcessFunctionOptions): LocalFunction {
  const { name, handler } = options;
  checkFunctionName(name);
  const { timeoutMs, memoryMb } = checkLimits(options);
  return {
    name,
    async invoke(event, { requestId = randomUUID() } = {}) {
      const context = lambdaContext({
        name,
        arn: functionArn(name),
        requestId,
        memoryMb,
        deadlineMs: Date.now() + timeoutMs,
      });
      // A copy, as the event would come by JSON: what the handler does to it stays with the handler.
      const copy: unknown = JSON.parse(eventText(event));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<InvokeResult>((resolve) => {
        timer = setTimeout(() => resolve(timedOut(requestId, timeoutMs)), timeoutMs);
      });
      try {
        return await Promise.race([callHandler(handler, copy, context), late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * The JSON text of an event; none at all is `{}`, as on Lambda.
 *
 * @throws TypeError when it cannot be told in JSON
 */
export function eventText(event: unknown): string {
  return jsonText(event) ?? "{}";
}
