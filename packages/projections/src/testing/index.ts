export type { AfterFold } from "./after-fold.ts";
export type { AfterHandle } from "./after-handle.ts";
export type { GivenEvent } from "./given-events.ts";
export {
  DEFAULT_CATCH_UP_MS,
  type ProjectionRun,
  runProjections,
  type RunOptions,
} from "./run-projections.ts";
export { type GivenLog, testProjection } from "./test-projection.ts";
