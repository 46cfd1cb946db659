import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const MAIN = new URL("../dist/main.js", import.meta.url).pathname;

/** The program in a process of its own. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #said: string[] = [];

  constructor(env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.#said.push(line));
  }

  get isStarted(): boolean {
    return this.#said.includes("started");
  }

  /** Sends a signal and answers, once the process is gone, its exit code, or the signal that ended it. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | string | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return exitCode ?? signalCode;
    const gone = once(this.#child, "exit") as Promise<[number | null, string | null]>;
    this.#child.kill(signal);
    const [code, by] = await gone;
    return code ?? by;
  }
}
