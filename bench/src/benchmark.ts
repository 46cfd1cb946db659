import { availableParallelism, cpus } from "node:os";
import { type DynamoDBLocal, startDynamoDBLocal } from "@tuppence/local";
import { type ArgsDef, type CommandDef, defineCommand } from "citty";
import type { Figures } from "./measure.ts";

/** A benchmark: what `pnpm bench <name>` runs. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** Measures; `tell` shows a part of the result to people as soon as it is there. */
  readonly run: (local: DynamoDBLocal, options: RunOptions) => Promise<readonly ScenarioResult[]>;
}

export interface RunOptions {
  /** How often each side is measured. */
  readonly rounds: number;
  readonly tell: (text: string) => void;
}

/** One scenario's figures for each side, and their ratios. */
export interface ScenarioResult {
  readonly name: string;
  /** What each figure is counted in. */
  readonly units: Readonly<Record<string, string>>;
  readonly [sideOrDetail: string]: Figures | Readonly<Record<string, string>> | string | number;
}

const DEFAULT_ROUNDS = 5;

interface Arguments extends ArgsDef {
  readonly rounds: { readonly type: "string"; readonly default: string; readonly description: string };
  readonly json: { readonly type: "boolean"; readonly default: false; readonly description: string };
}

const ARGUMENTS: Arguments = {
  rounds: {
    type: "string",
    default: String(DEFAULT_ROUNDS),
    description: "How often each side is measured, in turn",
  },
  json: { type: "boolean", default: false, description: "Print one JSON object as the last line" },
};

/** The command that starts a DynamoDB Local, runs the benchmark against it and prints the figures. */
export function commandOf(benchmark: Benchmark): CommandDef<Arguments> {
  const { name, description } = benchmark;
  return defineCommand({
    meta: { name, description },
    args: ARGUMENTS,
    run: async ({ args }) => {
      const rounds = parseRounds(args.rounds);
      const machine = describeMachine();
      let server = "";
      await using local = await startDynamoDBLocal({ log: (line) => void (server = line) });
      console.log(
        `${machine}\n${server}\nMedians of ${rounds} rounds; ratios are medians of those within a round.`,
      );
      const scenarios = await benchmark.run(local, { rounds, tell: (text) => console.log(`\n${text}`) });
      await local.stop();
      if (args.json) {
        console.log(
          JSON.stringify({ benchmark: name, node: process.version, machine, server, rounds, scenarios }),
        );
      }
    },
  });
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isSafeInteger(rounds) && rounds >= 1) return rounds;
  throw new RangeError(`--rounds is ${JSON.stringify(text)}; it has to be a whole number from 1.`);
}

function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  return `Node ${process.version}, ${availableParallelism()} cores (${model})`;
}
