import { execFile } from "node:child_process";

/** Runs a command and answers what it printed; the `Error` of one that failed has all that it said. */
export function runCommand(command: string, args: readonly string[], cwd: string): Promise<string> {
  const options = { cwd, maxBuffer: 64 * 2 ** 20, timeout: 300_000 };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${[command, ...args].join(" ")} failed:\n${stdout}${stderr}`.trimEnd()));
    });
  });
}
