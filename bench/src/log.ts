import type { Benchmark } from "./benchmark.ts";
import { compareReplays } from "./log-replay.ts";
import { compareSequencing } from "./log-sequencing.ts";

/** The global log: putting commits into it, and reading it all. */
export const logBenchmark: Benchmark = {
  name: "log",
  description: "The global log on real events: sequencing and replay, ours and by hand in turn",
  async run(local, options) {
    return [...(await compareSequencing(local, options)), ...(await compareReplays(local, options))];
  },
};
