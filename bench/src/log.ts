import type { Benchmark } from "./benchmark.ts";
import { measureLive } from "./log-live.ts";
import { compareReplays } from "./log-replay.ts";
import { compareSequencing } from "./log-sequencing.ts";

/** The global log: putting commits into it, reading it all, and how far it is behind. */
export const logBenchmark: Benchmark = {
  name: "log",
  description:
    "The global log on real events: sequencing and replay, ours and by hand in turn, and its delay",
  async run(local, options) {
    return [
      ...(await compareSequencing(local, options)),
      ...(await compareReplays(local, options)),
      ...(await measureLive(local, options)),
    ];
  },
};
