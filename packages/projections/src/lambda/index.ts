export {
  commitsEventSourceMapping,
  type CommitsHandlerOptions,
  createCommitsHandler,
} from "./create-commits-handler.ts";
export {
  createProjectionHandler,
  type ProjectionHandlerOptions,
  projectionEventSourceMapping,
} from "./create-projection-handler.ts";
