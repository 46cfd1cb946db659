import { type GuardedProcess, type ProcessEnd, startGuardedProcess } from "../guarded-process.ts";
import { exited, timedOut } from "./invoke-result.ts";
import type { InvokeResult } from "./local-function.ts";
import { type Invocation, type RuntimeApi, startRuntimeApi } from "./runtime-api.ts";

/**
 * How long a runtime has until it asks for its first invocation, in milliseconds: loading the handler does not count as
 * part of the invocation's own time. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
const INIT_TIMEOUT_MS = 10_000;

/** The runtime that an environment runs, as a command. */
export interface RuntimeProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Gets each line that it writes. */
  readonly onLine: ((line: string) => void) | undefined;
}

/** What happens in an environment, to the one invocation that is waiting for it. */
type News =
  | { readonly kind: "polled" }
  | { readonly kind: "replied"; readonly result: InvokeResult }
  | { readonly kind: "failedToStart"; readonly result: InvokeResult }
  | { readonly kind: "ended"; readonly end: ProcessEnd }
  | { readonly kind: "late" };

/** A process with a runtime in it, which runs one invocation at a time, for as long as it is well. */
export class ExecutionEnvironment {
  #process: GuardedProcess | undefined;
  #api: RuntimeApi | undefined;
  readonly #program: RuntimeProgram;
  /** A process tells a few things at most between two invocations. */
  readonly #news: News[] = [];
  #wake: (() => void) | undefined;
  #polls = false;

  private constructor(program: RuntimeProgram) {
    this.#program = program;
  }

  static async start(program: RuntimeProgram): Promise<ExecutionEnvironment> {
    const environment = new ExecutionEnvironment(program);
    const tell = (news: News): void => environment.#tell(news);
    const api = await startRuntimeApi({
      polled: () => tell({ kind: "polled" }),
      replied: (result) => tell({ kind: "replied", result }),
      failedToStart: (result) => tell({ kind: "failedToStart", result }),
    });
    environment.#api = api;
    environment.#process = startGuardedProcess(program.command, program.args, {
      cwd: program.cwd,
      env: { ...program.env, AWS_LAMBDA_RUNTIME_API: api.address },
      onLine: program.onLine,
      onEnd: (end) => {
        api.close();
        tell({ kind: "ended", end });
      },
    });
    return environment;
  }

  /** Whether it can run another invocation. */
  get isAlive(): boolean {
    return this.#process?.ended.aborted === false;
  }

  /** Runs an invocation, and resolves when the runtime asks for the next one, or is gone. */
  async run(invocation: Invocation): Promise<InvokeResult> {
    const { requestId } = invocation;
    const { timeoutMs } = this.#program;
    if (!this.#polls) {
      const start = await this.#next(INIT_TIMEOUT_MS);
      if (start.kind !== "polled") return this.#end(start, requestId, INIT_TIMEOUT_MS);
    }
    const deadlineMs = Date.now() + timeoutMs;
    this.#polls = false;
    this.#api?.hand(invocation, deadlineMs);
    const reply = await this.#next(timeoutMs);
    if (reply.kind === "replied") {
      // What the handler left to do, a runtime does before it asks for the next, in the same time.
      const then = await this.#next(Math.max(1, deadlineMs - Date.now()));
      this.#polls = then.kind === "polled";
    }
    return this.#polls && reply.kind === "replied" ? reply.result : this.#end(reply, requestId, timeoutMs);
  }

  /** Kills the process (SIGKILL), and resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async #end(news: News, requestId: string, limitMs: number): Promise<InvokeResult> {
    await this.kill();
    switch (news.kind) {
      case "replied":
      case "failedToStart":
        return news.result;
      case "ended":
        return exited(requestId, news.end);
      default:
        return timedOut(requestId, limitMs);
    }
  }

  #tell(news: News): void {
    this.#news.push(news);
    this.#wake?.();
  }

  /** Waits for what happens next. The timer keeps our process from ending meanwhile. */
  async #next(limitMs: number): Promise<News> {
    const timer = setTimeout(() => this.#tell({ kind: "late" }), limitMs);
    try {
      if (this.#news.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      return this.#news.shift() ?? { kind: "late" };
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }
}
