import { defineCommand, runMain } from "citty";
import { appendBenchmark } from "./append.ts";
import { commandOf } from "./benchmark.ts";
import { contentionBenchmark } from "./contention.ts";
import { loadBenchmark } from "./load.ts";
import { logBenchmark } from "./log.ts";
import { projectionsBenchmark } from "./projections.ts";
import { queueBenchmark } from "./queue/queue.ts";
import { schedulerBenchmark } from "./scheduler/scheduler.ts";

// The SDK's notice on the end of its support for Node 20 would come between the figures.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const benchmarks = [
  appendBenchmark,
  contentionBenchmark,
  loadBenchmark,
  logBenchmark,
  projectionsBenchmark,
  queueBenchmark,
  schedulerBenchmark,
];

await runMain(
  defineCommand({
    meta: { name: "bench", description: "Benchmarks: ours and a baseline in turn within one run." },
    subCommands: Object.fromEntries(benchmarks.map((benchmark) => [benchmark.name, commandOf(benchmark)])),
  }),
);
