import { availableParallelism, cpus } from "node:os";
import { type DynamoDBLocal, startDynamoDBLocal } from "@tuppence/local";
import { type ArgsDef, type CommandDef, defineCommand } from "citty";
import type { Figures } from "./measure.ts";

/** A benchmark: what `pnpm bench <name>` runs. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** How often each side is measured unless `--rounds` says otherwise. Default: 5. */
  readonly defaultRounds?: number;
  /** What a round has so many of at most, where that can be chosen by an option of this name. */
  readonly amount?: { readonly option: string; readonly default: number; readonly description: string };
  /** Measures; `tell` shows a part of the result to people as soon as it is there. */
  readonly run: (local: DynamoDBLocal, options: RunOptions) => Promise<readonly ScenarioResult[]>;
}

export interface RunOptions {
  /** How often each side is measured. */
  readonly rounds: number;
  /** As chosen, or the benchmark's own; 0 where there is nothing to choose. */
  readonly amount: number;
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

function argumentsOf({ defaultRounds = DEFAULT_ROUNDS, amount }: Benchmark): ArgsDef {
  return {
    rounds: {
      type: "string",
      default: String(defaultRounds),
      description: "How often each side is measured, in turn",
    },
    json: { type: "boolean", default: false, description: "Print one JSON object as the last line" },
    ...(amount === undefined
      ? {}
      : {
          [amount.option]: {
            type: "string",
            default: String(amount.default),
            description: amount.description,
          },
        }),
  };
}

/** The command that starts a DynamoDB Local, runs the benchmark against it and prints the figures. */
export function commandOf(benchmark: Benchmark): CommandDef {
  const { name, description } = benchmark;
  return defineCommand({
    meta: { name, description },
    args: argumentsOf(benchmark),
    run: async ({ args }) => {
      const wholeNumber = (option: string): number => parseWholeNumber(option, String(args[option]));
      const rounds = wholeNumber("rounds");
      const amount = benchmark.amount === undefined ? 0 : wholeNumber(benchmark.amount.option);
      const machine = describeMachine();
      let server = "";
      await using local = await startDynamoDBLocal({ log: (line) => void (server = line) });
      console.log(
        `${machine}\n${server}\nMedians of ${rounds} rounds; ratios are medians of those within a round.`,
      );
      const scenarios = await benchmark.run(local, {
        rounds,
        amount,
        tell: (text) => console.log(`\n${text}`),
      });
      await local.stop();
      if (args["json"] === true) {
        const head = { benchmark: name, node: process.version, machine, server, rounds };
        const of = benchmark.amount === undefined ? {} : { [benchmark.amount.option]: amount };
        console.log(JSON.stringify({ ...head, ...of, scenarios }));
      }
    },
  });
}

function parseWholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new RangeError(`--${option} is ${JSON.stringify(text)}; it has to be a whole number from 1.`);
}

function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  return `Node ${process.version}, ${availableParallelism()} cores (${model})`;
}
