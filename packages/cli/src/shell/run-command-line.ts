import { stripVTControlCharacters } from "node:util";
import { type ArgsDef, type CommandDef, parseArgs, renderUsage } from "citty";
import { allValuesOf } from "./all-values-of.ts";
import type { Command, CommandGroup, Shell } from "./command.ts";
import { CONNECTION_ARGS, connect, describeDatabase } from "./connection.ts";
import { createOutput, hasColours } from "./output.ts";
import { describeError, EXIT } from "./report-error.ts";
import { UsageError } from "./usage-error.ts";

/** Where a command line comes from and what it prints to. */
export interface CommandLineHost {
  readonly process: NodeJS.Process;
  /** Of this package. */
  readonly version: string;
}

/** The arguments that all commands have. */
const COMMON_ARGS = {
  ...CONNECTION_ARGS,
  json: { type: "boolean", description: "JSON instead of text; a line for each element of a list" },
  verbose: { type: "boolean", description: "Show the stack of an error" },
} as const satisfies ArgsDef;

/** A command that was named, and what follows its name. */
interface Call {
  readonly name: string;
  readonly command: Command | CommandGroup;
  readonly rest: readonly string[];
}

/**
 * Runs the command that the process's arguments name, and answers the exit code: 0 when it is done, 1 when it failed, with
 * one line on standard error, 2 when the command line makes no sense, 128 and the signal's number when it was interrupted.
 */
export async function runCommandLine(
  commands: CommandGroup,
  { process, version }: CommandLineHost,
): Promise<number> {
  const call = findCommand(commands, process.argv.slice(2));
  const usage = async (): Promise<string> => {
    const text = await renderUsage(describe(call));
    return `${hasColours(process.stdout, process.env) ? text : stripVTControlCharacters(text)}\n`;
  };
  endQuietlyOnBrokenPipe(process);
  const flags = beforeDashes(call.rest);
  if (flags.some((flag) => flag === "--help" || flag === "-h")) {
    process.stdout.write(await usage());
    return EXIT.ok;
  }
  if (call.name === commands.name && flags[0] === "--version") {
    process.stdout.write(`${version}\n`);
    return EXIT.ok;
  }
  if ("members" in call.command && call.rest.length === 0) {
    process.stderr.write(await usage());
    return EXIT.usage;
  }
  const stopped = stopOnSignals(process);
  try {
    await run(call, { process, signal: stopped.signal });
    return stopped.exitCode() ?? EXIT.ok;
  } catch (error) {
    const interrupted = stopped.exitCode();
    if (interrupted !== undefined) return interrupted;
    const { line, exitCode } = describeError(error);
    const hint = exitCode === EXIT.usage ? ` See ${call.name} --help.` : placeHint(call, error, process.env);
    const stack = flags.includes("--verbose") && error instanceof Error ? `${error.stack}\n` : "";
    process.stderr.write(`${line}${hint}\n${stack}`);
    return exitCode;
  }
}

/** Follows the names of groups and commands as far as they go. */
function findCommand(commands: CommandGroup, words: readonly string[]): Call {
  let call: Call = { name: commands.name, command: commands, rest: words };
  while ("members" in call.command) {
    const [word = "", ...rest] = call.rest;
    const members = new Map(Object.entries(call.command.members));
    const command = members.get(word);
    if (command === undefined) return isAlone(call) ? { ...call, command: call.command.alone } : call;
    call = { name: `${call.name} ${word}`, command, rest };
  }
  return call;
}

/** Whether options follow the name of a group that does something by itself. Help is that of the group. */
function isAlone(call: Call): call is Call & { readonly command: { readonly alone: Command } } {
  const [word = ""] = call.rest;
  const isOption = word.startsWith("--") && word !== "--help";
  return "members" in call.command && call.command.alone !== undefined && isOption;
}

/** What a command is called with, by the definitions of its arguments. @throws UsageError when that makes no sense. */
function parseCall({ command, rest }: Call) {
  if ("members" in command) {
    const [word = ""] = rest;
    throw new UsageError(
      word.startsWith("-") ? "Options come after the command." : `There is no command ${word}.`,
    );
  }
  const definitions = argsOf(command);
  const args = parseArgs<ArgsDef & typeof COMMON_ARGS>([...rest], definitions);
  checkArgs(args, definitions);
  return { command, args, definitions };
}

/** Checks the words after `tuppence` without running anything. @throws UsageError when they make no sense. */
export function checkCommandLine(commands: CommandGroup, words: readonly string[]): void {
  const call = findCommand(commands, words);
  if (!beforeDashes(call.rest).includes("--help")) parseCall(call);
}

async function run(
  call: Call,
  { process, signal }: { readonly process: NodeJS.Process; readonly signal: AbortSignal },
): Promise<void> {
  const { command, args, definitions } = parseCall(call);
  const { prefix: tablePrefix, json = false } = args;
  const client = connect(args, process.env);
  try {
    const { stdout, stderr, env } = process;
    const output = createOutput({ stdout, stderr, env, json, signal });
    const valuesOf: Shell["valuesOf"] = (option) => allValuesOf(option, call.rest, definitions);
    await command.run(args, { client, tablePrefix, output, valuesOf, signal });
  } finally {
    client.destroy();
  }
}

/** The parser takes whatever comes; a misspelt option must not be overlooked. */
function checkArgs(args: Readonly<Record<string, unknown>>, definitions: ArgsDef): void {
  for (const [name, value] of Object.entries(args)) {
    // The parser gives `--two-words` as `twoWords` too.
    const { type } = definitions[name] ?? definitions[kebabCase(name)] ?? {};
    if (name === "_") continue;
    if (type === undefined)
      throw new UsageError(`There is no option ${name.length > 1 ? "--" : "-"}${name}.`);
    if (type === "string" && (value === "" || value === false)) {
      throw new UsageError(`--${name} needs a value.`);
    }
  }
  const expected = Object.values(definitions).filter(({ type }) => type === "positional").length;
  const extra = (args["_"] as readonly string[])[expected];
  if (extra !== undefined) throw new UsageError(`There is no use for ${JSON.stringify(extra)} here.`);
}

function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A command's own arguments, and those of all, which it may describe in its own words. */
function argsOf({ args }: Command): ArgsDef & typeof COMMON_ARGS {
  return { ...args, ...COMMON_ARGS, ...args };
}

/** A command or group as citty describes them. */
function describe({ name, command }: Call): CommandDef {
  const meta = { name, description: command.description };
  if (!("members" in command)) return { meta, args: argsOf(command) };
  const members = Object.entries(command.members).map(([member, { description }]) => [
    member,
    { meta: { name: member, description } },
  ]);
  const subCommands = Object.fromEntries(members) as NonNullable<CommandDef["subCommands"]>;
  return { meta, subCommands, ...(command.alone && { args: argsOf(command.alone) }) };
}

/** When a table is missing in DynamoDB Local, it may well be in another of its databases. */
function placeHint({ command, rest }: Call, error: unknown, env: NodeJS.ProcessEnv): string {
  if ("members" in command || (error as { readonly code?: unknown } | null)?.code !== "tableMissing")
    return "";
  const args = parseArgs<typeof COMMON_ARGS>([...rest], { ...command.args, ...COMMON_ARGS });
  const database = describeDatabase(args, env);
  return database === undefined ? "" : ` This is ${database}.`;
}

/** The arguments that can be options: after `--` there are none. */
function beforeDashes(words: readonly string[]): readonly string[] {
  const dashes = words.indexOf("--");
  return dashes === -1 ? words : words.slice(0, dashes);
}

/** Who reads has enough: `tuppence … | head`. */
function endQuietlyOnBrokenPipe(process: NodeJS.Process): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    throw error;
  });
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** The first Ctrl-C ends the command in order, the second at once. */
function stopOnSignals(process: NodeJS.Process): {
  readonly signal: AbortSignal;
  readonly exitCode: () => number | undefined;
} {
  const stopped = new AbortController();
  let exitCode: number | undefined;
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.once(name, () => {
      exitCode = 128 + number;
      stopped.abort();
    });
  }
  return { signal: stopped.signal, exitCode: () => exitCode };
}
