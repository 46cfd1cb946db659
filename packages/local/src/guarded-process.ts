import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { createInterface } from "node:readline";

/** How long a process has between being asked to end and being killed. */
const GRACE_MS = 2_000;
const LINES_KEPT = 40;

/**
 * The watchdog runs the command and ends it when its standard input closes. The kernel closes that pipe however
 * our process ends, by SIGKILL too, so nothing stays behind and our process needs no signal handlers.
 */
const WATCHDOG = `
const [command, ...args] = process.argv.slice(1);
const child = require("node:child_process").spawn(command, args, {
  stdio: ["ignore", "inherit", "inherit"],
  windowsHide: true,
});
child.on("error", (error) => { console.error(error.message); process.exit(127); });
child.on("exit", (code, signal) => {
  if (signal !== null) console.error("ended by " + signal);
  process.exit(code ?? 1);
});
const end = () => { child.kill(); setTimeout(() => child.kill("SIGKILL"), ${GRACE_MS}); };
process.stdin.on("error", (error) => console.error(error.message)).once("close", end);
process.once("SIGTERM", end).once("SIGINT", end);
process.stdin.resume();
`;

/** A process that ends with ours, however ours ends, and that does not keep ours from ending. */
export interface GuardedProcess {
  /** Aborted when the process is gone, with an Error as its reason that says how it ended. */
  readonly ended: AbortSignal;
  /** The last lines that it wrote to standard output and standard error, oldest first. */
  readonly lastOutput: readonly string[];
  /** Ends it, and resolves when it is gone: at the latest 2 s later, when it is killed. */
  stop(): Promise<void>;
}

/** Starts a command that ends with our process. */
export function startGuardedProcess(command: string, args: readonly string[]): GuardedProcess {
  const child = spawn(process.execPath, ["--eval", WATCHDOG, "--", command, ...args], {
    // A process group of its own: Ctrl-C in the terminal is for us, and the command ends after us.
    detached: true,
    windowsHide: true,
    stdio: ["pipe", "pipe", "pipe"],
    // What our process is run with (a debugger, a loader) is not for the watchdog.
    env: { ...process.env, NODE_OPTIONS: undefined },
  });
  const lastOutput: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lastOutput.push(line);
      if (lastOutput.length > LINES_KEPT) lastOutput.shift();
    });
  }
  const ended = new AbortController();
  child.once("error", (cause) => ended.abort(new Error(`${process.execPath} could not be run`, { cause })));
  // Not "exit": the output's pipe closes when the watchdog and the command are both gone.
  child.once("close", (code, signal) => ended.abort(new Error(`it ended with ${signal ?? `code ${code}`}`)));

  const handles = [child, ...child.stdio.filter((stream) => stream instanceof Socket)];
  for (const handle of handles) handle.unref();
  return {
    ended: ended.signal,
    lastOutput,
    async stop() {
      for (const handle of handles) handle.ref();
      child.stdin.destroy();
      await aborted(ended.signal);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
