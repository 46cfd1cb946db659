import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import { LOG_STREAM_NAME, logGroupName } from "./call-handler.ts";
import { ExecutionEnvironment, type RuntimeProgram } from "./execution-environment.ts";
import { between, checkLimits, type FunctionLimits } from "./function-limits.ts";
import { checkFunctionName, functionArn, LATEST, LOCAL_REGION } from "./function-name.ts";
import { eventText } from "./in-process-function.ts";
import type { InvokeResult, LocalFunction } from "./local-function.ts";

/** How many environments a function has at most, if it is not said. */
export const DEFAULT_MAX_ENVIRONMENTS = 10;

/** How many invocations of a function may wait for an environment. */
const MAX_WAITING = 1_000;

export interface ProcessFunctionOptions extends FunctionLimits {
  /** 1 to 64 letters, digits, hyphens and underscores. */
  readonly name: string;
  /** How many invocations run at once, each in a process of its own; more wait; from 1 to 1,000; default: 10. */
  readonly maxEnvironments?: number | undefined;
  /** Variables on top of those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Gets each line that the function writes; default: standard error; `false`: nothing. */
  readonly log?: ((line: string) => void) | false | undefined;
}

/** A function whose handler runs in processes of its own. They end with ours, and do not keep ours from ending. */
export interface ProcessFunction extends LocalFunction, AsyncDisposable {
  /**
   * Kills an environment (SIGKILL), in the middle of whatever it does: an invocation that runs in it fails with
   * `Runtime.ExitError`, and the next starts in a new one. Resolves when it is gone, to `false` when there was none.
   *
   * @param which counted from the oldest, modulo how many there are; default: 0
   */
  kill(which?: number): Promise<boolean>;
  /** Kills all environments, and refuses further invocations. */
  stop(): Promise<void>;
}

/** What differs between runtimes. */
export interface Runtime {
  /** The handler as Lambda's variable `_HANDLER` has it. */
  readonly handler: string;
  /** The arguments for Node. */
  readonly args: readonly string[];
  /** The folder to run in; default: ours. */
  readonly cwd?: string | undefined;
}

/** Makes a function of a runtime that speaks the Lambda Runtime API. */
export function processFunction(options: ProcessFunctionOptions, runtime: Runtime): ProcessFunction {
  const { name, maxEnvironments = DEFAULT_MAX_ENVIRONMENTS } = options;
  checkFunctionName(name);
  const program = runtimeProgram(options, runtime);
  const limit = pLimit(between("maxEnvironments", maxEnvironments, [1, MAX_WAITING]));
  const environments = new Set<ExecutionEnvironment>();
  const idle: ExecutionEnvironment[] = [];
  let stopped = false;

  const take = async (): Promise<ExecutionEnvironment> => {
    for (let warm = idle.pop(); warm !== undefined; warm = idle.pop()) {
      if (warm.isAlive) return warm;
      environments.delete(warm);
    }
    const fresh = await ExecutionEnvironment.start(program);
    environments.add(fresh);
    return fresh;
  };
  const run = async (event: string, requestId: string): Promise<InvokeResult> => {
    if (stopped) throw new TypeError(`The function ${name} is stopped`);
    const environment = await take();
    try {
      return await environment.run({ requestId, arn: functionArn(name), event });
    } finally {
      if (environment.isAlive) idle.push(environment);
      else environments.delete(environment);
    }
  };
  const stop = async (): Promise<void> => {
    stopped = true;
    await Promise.all(Array.from(environments, (environment) => environment.kill()));
  };
  return {
    name,
    async invoke(event, { requestId = randomUUID() } = {}) {
      if (limit.pendingCount >= MAX_WAITING) {
        throw new RangeError(`${MAX_WAITING} invocations of ${name} are waiting already`);
      }
      return limit(run, eventText(event), requestId);
    },
    async kill(which = 0) {
      const alive = Array.from(environments).filter((environment) => environment.isAlive);
      const chosen = alive[which % alive.length];
      await chosen?.kill();
      return chosen !== undefined;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function runtimeProgram(options: ProcessFunctionOptions, { handler, args, cwd }: Runtime): RuntimeProgram {
  const { name, env, log = writeToStderr } = options;
  const { timeoutMs, memoryMb } = checkLimits(options);
  return {
    command: process.execPath,
    args: [`--max-old-space-size=${memoryMb}`, ...args],
    cwd,
    env: {
      AWS_REGION: LOCAL_REGION,
      ...env,
      // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
      _HANDLER: handler,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: LATEST,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
      AWS_LAMBDA_LOG_GROUP_NAME: logGroupName(name),
      AWS_LAMBDA_LOG_STREAM_NAME: LOG_STREAM_NAME,
    },
    timeoutMs,
    onLine: log === false ? undefined : log,
  };
}

function writeToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
