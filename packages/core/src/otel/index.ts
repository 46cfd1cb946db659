export { createOtelObserver, type OtelObserverOptions } from "./otel-observer.ts";
export { linksFrom, traceMetadata } from "./trace-metadata.ts";
