#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { COMMANDS } from "./commands.ts";
import { runCommandLine } from "./shell/run-command-line.ts";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

// The SDK's word on old versions of Node is for programs that bundle it; here it would only be in the way of errors.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

process.exitCode = await runCommandLine(COMMANDS, { process, version: manifest.version });
