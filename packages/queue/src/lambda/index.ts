export {
  createQueueHandler,
  queueEventSourceMapping,
  type QueueHandlerOptions,
} from "./create-queue-handler.ts";
