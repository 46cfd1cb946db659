import { createRequire } from "node:module";
import { join } from "node:path";
import { type ProcessFunction, processFunction, type ProcessFunctionOptions } from "./process-function.ts";

/** AWS's runtime interface client for Node, installed and built. */
export interface RuntimeInterfaceClient {
  /** The file of its command. */
  readonly command: string;
}

export interface RicFunctionOptions extends ProcessFunctionOptions {
  /** See `findRuntimeInterfaceClient`. */
  readonly client: RuntimeInterfaceClient;
  /** The handler as in the function's configuration on Lambda: `file.export`, the file without `.js`, `.mjs` or `.cjs`. */
  readonly handler: string;
  /** The folder with the function's code. */
  readonly cwd: string;
}

/**
 * Finds AWS's runtime interface client, the npm package `aws-lambda-ric`, as a module in a folder would; a string says
 * what is missing. Version 3 runs on Node 18 and newer, 4 on Node 22 and newer.
 */
export function findRuntimeInterfaceClient(folder: string): RuntimeInterfaceClient | string {
  const { resolve } = createRequire(join(folder, "package.json"));
  try {
    const command = resolve("aws-lambda-ric/bin/index.mjs");
    // The native part, which is built when it is installed.
    resolve("aws-lambda-ric/dist/rapid-client.node");
    return { command };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND")) throw error;
    return `aws-lambda-ric is not installed in ${folder}, or was not built: ${error.message.split("\n")[0]}`;
  }
}

/**
 * Makes a function of your built handler, which runs in the real runtime interface client: the code that calls handlers on
 * Lambda itself. Like `childProcessFunction` otherwise.
 *
 * @throws TypeError for a name, RangeError for a limit that Lambda would not take
 */
export function ricFunction(options: RicFunctionOptions): ProcessFunction {
  const { client, handler, cwd } = options;
  return processFunction(options, { handler, args: [client.command, handler], cwd });
}
