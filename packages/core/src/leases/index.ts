export { UncertainWriteError } from "../chain/storage.ts";
export type {
  ControlChange,
  ControlItem,
  ControlKey,
  ControlOutcome,
  ControlStorage,
  ControlTransactOutcome,
  ControlUpdate,
  ControlValue,
} from "../control/control-storage.ts";
export { createMemoryControlStorage } from "../control/memory-control-storage.ts";
export { isNamed } from "../dynamodb/aws-errors.ts";
export { abortedBy } from "../dynamodb/calls.ts";
export {
  attributeOf,
  createDynamoDBControlStorage,
  type UpdateInput,
  updateInput,
  withoutKeys,
} from "../dynamodb/control-storage.ts";
export { failRead, failWrite } from "../dynamodb/failures.ts";
export { controlTable } from "../dynamodb/tables.ts";
export { LeaseLostError } from "../errors.ts";
export {
  createLeaseGroup,
  DEFAULT_LEASE_DURATION_MS,
  type LeaseGroupOptions,
  type LeasePlace,
} from "./create-lease-group.ts";
export type { Lease, LeasedWork, LeaseGroup, LeaseState } from "./lease.ts";
export type { LeaseEvent } from "./lease-event.ts";
export { leaseKey, readLease } from "./lease-item.ts";
export { sendUntilCertain } from "./send-until-certain.ts";
export { DEFAULT_DRAIN_MS } from "./stored-lease-group.ts";
