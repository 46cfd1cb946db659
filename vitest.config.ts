import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "examples/*/test/**/*.test.ts",
      "soak/test/**/*.test.ts",
      "test/**/*.test.ts",
      "docs/code/**/*.test.ts",
    ],
    globalSetup: ["test/shared-server.ts"],
    // The server has a process of its own, and most files wait, for it or for a clock: fewer workers would leave cores idle.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Tests wait for a server that they share: slow under load, but never for a fixed time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Files have databases of their own and leave no global state behind: no process, and no AWS SDK, for each.
    isolate: false,
    expect: { poll: { timeout: 30_000 } },
    reporters: process.env["CI"] ? ["default", ["json", { outputFile: "coverage/tests.json" }]] : ["default"],
  },
});
