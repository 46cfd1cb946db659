export { bellEventSourceMapping, type BellHandlerOptions, createBellHandler } from "./create-bell-handler.ts";
