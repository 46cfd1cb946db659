export {
  DEFAULT_DONE_RETENTION_MS,
  DEFAULT_MAX_RESULT_BYTES,
  type DropDuplicatesOptions,
  type DropDuplicatesPlace,
  dropDuplicates,
  type InvocationContext,
} from "../receiver/drop-duplicates.ts";
export { OccurrenceRunningError } from "../receiver/errors.ts";
export { bellEventSourceMapping, type BellHandlerOptions, createBellHandler } from "./create-bell-handler.ts";
