import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** The oldest Java that DynamoDB Local 2.6 runs with. */
const OLDEST_JAVA = 17;
const VERSION_TIMEOUT_MS = 10_000;

export interface Java {
  readonly command: string;
  /** The major version, e.g. 17. */
  readonly version: number;
}

/** Finds a Java of version 17 or newer, at JAVA_HOME or else on the PATH; a string says why there is none. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java | string> {
  const problems: string[] = [];
  const home = env["JAVA_HOME"];
  const candidates = home ? [join(home, "bin", "java"), "java"] : ["java"];
  for (const command of candidates) {
    const found = await askVersion(command, env);
    if (typeof found === "string") problems.push(found);
    else if (found.version < OLDEST_JAVA) problems.push(`${command} is Java ${found.version}`);
    else return found;
  }
  return problems.join("; ");
}

async function askVersion(command: string, env: NodeJS.ProcessEnv): Promise<Java | string> {
  try {
    const { stderr } = await promisify(execFile)(command, ["-version"], { env, timeout: VERSION_TIMEOUT_MS });
    const version = javaMajorVersion(stderr);
    return version === undefined
      ? `${command} -version says ${JSON.stringify(stderr)}`
      : { command, version };
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT"
      ? `there is no ${command}${command === "java" ? " on the PATH" : ""}`
      : `${command} -version failed: ${String(error)}`;
  }
}

/** Reads the major version, e.g. 17 or 8, from what `java -version` says. */
export function javaMajorVersion(text: string): number | undefined {
  // Java 8 and older call themselves 1.8.
  const major = /version "(?:1\.)?(\d+)/.exec(text)?.[1];
  return major === undefined ? undefined : Number(major);
}
