export {
  createProjectionHandler,
  type ProjectionHandlerOptions,
  projectionEventSourceMapping,
} from "./create-projection-handler.ts";
