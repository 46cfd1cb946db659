import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { ArgsDef, ParsedArgs } from "citty";
import type { Output } from "./output.ts";

/** What every command works with. */
export interface Shell {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly output: Output;
  /** All values of an option that may be given more than once, in their order; undefined without any. */
  readonly valuesOf: (option: string) => readonly string[] | undefined;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A command: it calls a public function and prints what that gives. */
export interface Command {
  readonly description: string;
  /** Its own arguments, beside those that all commands have. */
  readonly args: ArgsDef;
  readonly run: (args: ParsedArgs, shell: Shell) => Promise<void>;
}

/** Commands under one name. */
export interface CommandGroup {
  /** As it is typed, with the names before it. */
  readonly name: string;
  readonly description: string;
  readonly members: Readonly<Record<string, Command | CommandGroup>>;
  /** What its name does when options follow it at once, and no member. Default: that makes no sense. */
  readonly alone?: Command | undefined;
}

/** Defines a command, whose `run` knows the types of its arguments. */
export function defineCommand<const Args extends ArgsDef>(command: {
  readonly description: string;
  readonly args: Args;
  readonly run: (args: ParsedArgs<Args>, shell: Shell) => Promise<void>;
}): Command {
  return command as unknown as Command;
}
