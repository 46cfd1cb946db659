export { createProjectionMetrics, type ProjectionMetricsOptions } from "./projection-metrics.ts";
