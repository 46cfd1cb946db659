import type { Benchmark } from "./benchmark.ts";
import { compareCatchUps } from "./projections-catch-up.ts";
import { measureProjectionDelay } from "./projections-live.ts";
import { measureRebuild } from "./projections-rebuild.ts";

/** Projections: going through what is in the log, how far they are behind, and a rebuild. */
export const projectionsBenchmark: Benchmark = {
  name: "projections",
  description:
    "Projections on real events: catch-up, ours and by hand in turn; their delay; a rebuild beside the live version",
  async run(local, options) {
    return [
      ...(await compareCatchUps(local, options)),
      ...(await measureProjectionDelay(local, options)),
      ...(await measureRebuild(local, options)),
    ];
  },
};
