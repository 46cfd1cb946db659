import { fileURLToPath } from "node:url";
import { findRuntimeInterfaceClient, type RuntimeInterfaceClient } from "../../src/lambda/index.ts";

/** AWS's runtime interface client, where CI installs it; or why not: `pnpm --dir test/ric install`. */
export const realClient: RuntimeInterfaceClient | string = findRuntimeInterfaceClient(
  fileURLToPath(new URL("../../../../test/ric/", import.meta.url)),
);
