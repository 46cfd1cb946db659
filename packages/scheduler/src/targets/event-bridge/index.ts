export { DEFAULT_EVENT_SOURCE, type EventBridgeTargetOptions, eventBridge } from "./event-bridge-target.ts";
