export type { MappingStats } from "./deliver-batch.ts";
export type { EventSourceMapping } from "./event-source-mapping.ts";
export type { FailureCondition, FailureRecord } from "./failure-record.ts";
export type { FilterPattern } from "./filter-pattern.ts";
export type { InvokeOptions, InvokeResult, LocalFunction } from "./local-function.ts";
export { DEFAULT_BATCH_SIZE, type MappingOptions } from "./mapping-settings.ts";
export { type EventSourceMappingOptions, startEventSourceMapping } from "./start-event-source-mapping.ts";
export type { JsonAttribute, JsonItem, StreamEvent, StreamEventRecord } from "./stream-event.ts";
export type { StreamName } from "./stream-source.ts";
