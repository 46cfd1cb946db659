import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEventStore } from "@tuppence/core";
import { startDynamoDBLocal } from "@tuppence/local";
import { describe, expect, it } from "vitest";
import { clientConfig } from "../src/shell/connection.ts";
import { createOutput, hasColours } from "../src/shell/output.ts";
import { cleanEnv, execute, MAIN, runHere, tuppence } from "./cli-process.ts";

const server = await startDynamoDBLocal({ log: false });

describe("a command line that makes no sense", () => {
  it.each([
    [["foo"], "There is no command foo. See tuppence --help."],
    [["streams", "foo"], "There is no command foo. See tuppence streams --help."],
    [["toString"], "There is no command toString. See tuppence --help."],
    [["--json", "tables", "status"], "Options come after the command. See tuppence --help."],
    [["streams", "show"], "Missing required positional argument: STREAM. See tuppence streams show --help."],
    [["streams", "show", "a", "b"], 'There is no use for "b" here. See tuppence streams show --help.'],
    [["streams", "show", "a", "--limt", "1"], "There is no option --limt. See tuppence streams show --help."],
    [["streams", "show", "a", "-x"], "There is no option -x. See tuppence streams show --help."],
    [["streams", "show", "a", "--from"], "--from needs a value. See tuppence streams show --help."],
    [
      ["streams", "show", "a", "--from", "0"],
      '--from is "0"; it has to be a whole number from 1. See tuppence streams show --help.',
    ],
    [
      ["streams", "list", "--limit=1e3"],
      '--limit is "1e3"; it has to be a whole number from 1. See tuppence streams list --help.',
    ],
    [["streams", "list", "--after", "a|1"], "--after needs a category. See tuppence streams list --help."],
    [
      ["streams", "list", "a|1"],
      "a|1 is a stream, no category: see tuppence streams show. See tuppence streams list --help.",
    ],
    [
      ["tables", "status", "--database", "a"],
      "--database needs --endpoint. See tuppence tables status --help.",
    ],
    [
      ["tables", "status", "--endpoint", "localhost:8000"],
      '--endpoint is "localhost:8000"; it has to be a URL such as http://127.0.0.1:8000. See tuppence tables status --help.',
    ],
  ])("ends with 2 and says why: %j", async (args, message) => {
    expect(await runHere(args)).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `error usage: ${message}\n`,
    });
  });

  it("without a command shows what there is", async () => {
    const help = await runHere(["--help"]);
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await runHere([])).toEqual({ exitCode: 2, stdout: "", stderr: help.stdout });
  });
});

describe("help", () => {
  it("is plain text when it does not go to a terminal", async () => {
    const { exitCode, stdout } = await tuppence(["streams", "show", "--help"], { CI: "", TEST: "" });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("USAGE tuppence streams show [OPTIONS] <STREAM>");
    expect(stdout).not.toContain("\u001b");
  });

  it("is not asked for behind --, and the version is that of the package", async () => {
    const args = ["streams", "show", "--endpoint", server.endpoint, "--database", "clihelp", "--", "--help"];
    expect(await runHere(args)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("tableMissing"),
    });
    expect(await tuppence(["--version"])).toEqual({ exitCode: 0, stdout: "0.0.0\n", stderr: "" });
  });
});

describe("what fails", () => {
  it("is said in one line, with its stack only if that is asked for", async () => {
    const args = ["tables", "status", "--endpoint", "http://127.0.0.1:1"];
    const line = "error ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1\n";
    expect(await tuppence(args)).toEqual({ exitCode: 1, stdout: "", stderr: line });
    const verbose = await runHere([...args, "--verbose"]);
    expect(verbose.stderr.startsWith(`${line}Error: connect`)).toBe(true);
    expect(verbose.stderr).toContain("\n    at ");
  });

  it("for want of credentials or a Region says what to set", async () => {
    const nowhere = {
      HOME: "/nonexistent",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    };
    const credentials = await tuppence(["tables", "status", "--region", "eu-central-1"], nowhere);
    expect(credentials).toMatchObject({ exitCode: 1, stdout: "" });
    expect(credentials.stderr).toMatch(
      /^error CredentialsProviderError: .* or --endpoint for DynamoDB Local\.\n$/,
    );
    const keys = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", ...nowhere };
    expect(await tuppence(["tables", "status"], keys)).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "error regionMissing: No AWS Region is set. Give --region, or set AWS_REGION.\n",
    });
  });
});

describe("the connection", () => {
  const endpoint = "http://127.0.0.1:8000";
  const local = {
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "tuppence", secretAccessKey: "local" },
  };

  it("to an endpoint on this machine needs no credentials, and can name a database", () => {
    expect(clientConfig({ endpoint }, {})).toEqual(local);
    for (const each of ["http://localhost:8000", "http://[::1]:8000", "https://127.1.2.3"]) {
      expect(clientConfig({ endpoint: each }, {})).toEqual({ ...local, endpoint: each });
    }
    expect(clientConfig({ endpoint }, { AWS_ACCESS_KEY_ID: "mine", AWS_REGION: "r" })).toMatchObject({
      region: "r",
      credentials: { accessKeyId: "mine" },
    });
    expect(clientConfig({ endpoint, database: "test1", region: "q" }, { AWS_REGION: "r" })).toMatchObject({
      region: "q",
      credentials: { accessKeyId: "test1" },
    });
    expect(() => clientConfig({ endpoint, database: "a-b" }, {})).toThrow("letters and digits");
  });

  it("to another endpoint, and to AWS, has the credentials of the usual places", () => {
    const other = "https://localhost.example.com";
    expect(clientConfig({ endpoint: other }, {})).toEqual({ endpoint: other });
    expect(clientConfig({ endpoint: other, database: "a" }, {})).toMatchObject({
      credentials: { accessKeyId: "a" },
    });
    expect(clientConfig({}, {})).toEqual({});
    expect(clientConfig({ region: "r" }, { AWS_ACCESS_KEY_ID: "mine" })).toEqual({ region: "r" });
  });
});

it("colours are for terminals and people who want them", () => {
  expect(hasColours({ isTTY: true }, {})).toBe(true);
  expect(hasColours({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(hasColours({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  expect(hasColours({}, {})).toBe(false);
});

it.each([
  [true, "\r1 of 2\u001b[K\r\u001b[K"],
  [false, ""],
])("progress is for terminals, on standard error: %j", (isTTY, expected) => {
  let printed = "";
  const stderr = Object.assign(new Writable(), {
    isTTY,
    write: (text: string) => (printed += text),
  }) as unknown as NodeJS.WriteStream;
  const stdout = new Writable() as unknown as NodeJS.WriteStream;
  const output = createOutput({ stdout, stderr, env: {}, json: false, signal: new AbortController().signal });
  output.showProgress("1 of 2");
  output.showProgress();
  expect(printed).toBe(expected);
});

it("a reader that has enough ends the command without a word", async () => {
  const client = new DynamoDBClient(server.clientConfig("clipipe"));
  const store = createEventStore({ client });
  await store.ensureTables();
  const data = { text: "t".repeat(1_000) };
  const events = Array.from({ length: 500 }, () => ({ type: "Written", data }));
  await store.append("long|1", events);
  for (const json of ["--json", ""]) {
    const command = `"${process.execPath}" "${MAIN}" streams show 'long|1' ${json} --endpoint ${server.endpoint} --database clipipe`;
    const script = `set -o pipefail; ${command} | head -n 1 | cut -c 1-7`;
    const ended = await execute("bash", ["-c", script]);
    expect(ended).toEqual({ exitCode: 0, stdout: json ? '{"type"\n' : "VERSION\n", stderr: "" });
  }
});

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends a command that waits, without a word", async (signal, exitCode) => {
  // A server that never answers.
  const silent = createServer(() => undefined);
  const asked = once(silent, "request");
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const args = [MAIN, "streams", "show", "a|1", "--endpoint", `http://127.0.0.1:${port}`];
  const child = spawn(process.execPath, args, { env: cleanEnv(), stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  child.stdout.on("data", (text: Buffer) => (printed += text.toString()));
  child.stderr.on("data", (text: Buffer) => (printed += text.toString()));
  await asked;
  child.kill(signal);
  expect(await once(child, "close")).toEqual([exitCode, null]);
  expect(printed).toBe("");
  silent.closeAllConnections();
  silent.close();
});
