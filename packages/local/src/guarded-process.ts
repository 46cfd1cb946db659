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
  if (signal === null) process.exit(code);
  // It ends the way that the command did, so that our process is told by which signal.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(1), ${GRACE_MS});
});
const end = () => { child.kill(); setTimeout(() => child.kill("SIGKILL"), ${GRACE_MS}); };
process.stdin.on("error", (error) => console.error(error.message)).once("close", end);
process.once("SIGTERM", end).once("SIGINT", end);
process.stdin.resume();
`;

/** How a process ended: one of the two is set. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GuardedProcessOptions {
  /** The folder that it runs in; default: ours. */
  readonly cwd?: string | undefined;
  /** Variables on top of ours; NODE_OPTIONS is never passed on. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Gets each line that it writes to standard output and standard error. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Called when it is gone. */
  readonly onEnd?: ((end: ProcessEnd) => void) | undefined;
}

/** A process that ends with ours, however ours ends, and that does not keep ours from ending. */
export interface GuardedProcess {
  /** Aborted when the process is gone, with an Error as its reason that says how it ended. */
  readonly ended: AbortSignal;
  /** The last lines that it wrote to standard output and standard error, oldest first. */
  readonly lastOutput: readonly string[];
  /** Ends it, and resolves when it is gone: at the latest 2 s later, when it is killed. */
  stop(): Promise<void>;
  /** Kills it and what it started, at once (SIGKILL), and resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts a command that ends with our process. */
export function startGuardedProcess(
  command: string,
  args: readonly string[],
  { cwd, env, onLine, onEnd }: GuardedProcessOptions = {},
): GuardedProcess {
  const child = spawn(process.execPath, ["--eval", WATCHDOG, "--", command, ...args], {
    // A process group of its own: Ctrl-C in the terminal is for us, and the command ends after us.
    detached: true,
    windowsHide: true,
    stdio: ["pipe", "pipe", "pipe"],
    // What our process is run with (a debugger, a loader) is not for the watchdog.
    env: { ...process.env, ...env, NODE_OPTIONS: undefined },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const lastOutput: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lastOutput.push(line);
      if (lastOutput.length > LINES_KEPT) lastOutput.shift();
      onLine?.(line);
    });
  }
  const ended = new AbortController();
  child.once("error", (cause) => {
    ended.abort(new Error(`${process.execPath} could not be run`, { cause }));
    onEnd?.({ code: 127, signal: null });
  });
  // Not "exit": the output's pipe closes when the watchdog and the command are both gone.
  child.once("close", (code, signal) => {
    if (ended.signal.aborted) return;
    ended.abort(new Error(`it ended with ${signal ?? `code ${code}`}`));
    onEnd?.({ code, signal });
  });

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
    async kill() {
      for (const handle of handles) handle.ref();
      if (!ended.signal.aborted && child.pid !== undefined) killGroup(child.pid);
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

/** The watchdog leads a group of its own, which what it runs belongs to. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It is gone, and its output's end is on its way.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
