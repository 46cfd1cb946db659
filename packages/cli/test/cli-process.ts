import { execFile } from "node:child_process";
import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { COMMANDS } from "../src/commands.ts";
import { runCommandLine } from "../src/shell/run-command-line.ts";

export const MAIN: string = fileURLToPath(new URL("../dist/main.js", import.meta.url));

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment without what would lead the command to somebody's AWS account. */
export function cleanEnv(variables: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("AWS_") && !["COLUMNS", "NO_COLOR"].includes(name),
  );
  return { ...Object.fromEntries(own), AWS_EC2_METADATA_DISABLED: "true", ...variables };
}

/** Runs the built command to its end. */
export function tuppence(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return execute(process.execPath, [MAIN, ...args], variables);
}

/** Runs a program to its end, whatever that is. */
export function execute(
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: cleanEnv(variables), maxBuffer: 16 * 1024 * 1024 };
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** Runs a command line in this process, which is a lot faster than in one of its own. */
export async function runHere(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const printed = { stdout: "", stderr: "" };
  const into = (name: keyof typeof printed): Writable =>
    new Writable({
      write(text, _, done) {
        printed[name] += String(text);
        done();
      },
    });
  const host = Object.assign(new EventEmitter(), {
    argv: ["node", MAIN, ...args],
    env: cleanEnv(variables),
    stdout: into("stdout"),
    stderr: into("stderr"),
  });
  const process = host as unknown as NodeJS.Process;
  return { exitCode: await runCommandLine(COMMANDS, { process, version: "1.2.3" }), ...printed };
}
