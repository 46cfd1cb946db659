import { parseArgs } from "node:util";
import { runDemo } from "./run-demo.ts";

// The AWS SDK warns at each start on Node 20, which this project supports: this is the SDK's own switch for that.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

try {
  const { values } = parseArgs({ options: { data: { type: "string" } } });
  const { differences } = await runDemo({ output: process.stdout, dataDir: values.data });
  if (differences.length > 0) process.exitCode = 1;
} catch (error) {
  // An error with a code says all there is to say; any other is a mistake of ours, and is shown as it is.
  if (!(error instanceof Error && "code" in error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
