import { TuppenceError } from "@tuppence/core";

/** A payload does not fit in line: keep it elsewhere, and schedule where it is. Nothing was written. */
export class PayloadTooLargeError extends TuppenceError {
  readonly code = "payloadTooLarge";
  readonly retryable = false;
  readonly bytes: number;
  readonly maxBytes: number;

  constructor(bytes: number, maxBytes: number) {
    super(`The payload takes ${bytes} bytes; ${maxBytes} are the most.`);
    this.bytes = bytes;
    this.maxBytes = maxBytes;
  }
}

/** A payload is not what its target takes. Nothing was written. */
export class InvalidPayloadError extends TuppenceError {
  readonly code = "invalidPayload";
  readonly retryable = false;
  readonly target: string;

  constructor(target: string, problem: string, options?: ErrorOptions) {
    super(`The payload is not what target ${JSON.stringify(target)} takes: ${problem}.`, options);
    this.target = target;
  }
}

/** Another schedule has this name. Nothing was written. */
export class ScheduleNameTakenError extends TuppenceError {
  readonly code = "scheduleNameTaken";
  readonly retryable = false;
  readonly scheduleName: string;

  constructor(scheduleName: string) {
    super(
      `There is another schedule of the name ${JSON.stringify(scheduleName)}: cancel it, or say \`replace: true\`.`,
    );
    this.scheduleName = scheduleName;
  }
}

/** There is no such schedule, or there is nothing left of it. */
export class ScheduleMissingError extends TuppenceError {
  readonly code = "scheduleMissing";
  readonly retryable = false;
  readonly idOrName: string;

  constructor(idOrName: string) {
    super(`There is no schedule ${JSON.stringify(idOrName)}.`);
    this.idOrName = idOrName;
  }
}

/** A schedule is not in a state in which that can be done: `state` says in which. */
export class ScheduleStateError extends TuppenceError {
  readonly code = "scheduleState";
  readonly retryable = false;
  readonly idOrName: string;
  readonly state: string;

  constructor(idOrName: string, state: string, wanted: string) {
    super(`Schedule ${JSON.stringify(idOrName)} is ${state}; it has to be ${wanted}.`);
    this.idOrName = idOrName;
    this.state = state;
  }
}

/** Others change the schedule all the time, or DynamoDB does not answer. */
export class ScheduleBusyError extends TuppenceError {
  readonly code = "scheduleBusy";
  readonly retryable = true;
  /** Whether the change may have been made all the same. */
  readonly mayBeWritten: boolean;

  constructor(what: string, options: ErrorOptions & { readonly mayBeWritten: boolean }) {
    const doubt = options.mayBeWritten ? " It may have been made all the same." : "";
    super(`A change of ${what} did not get through.${doubt}`, options);
    this.mayBeWritten = options.mayBeWritten;
  }
}

/** The table has more shards than were asked for. They can be raised, never lowered. */
export class ShardsMismatchError extends TuppenceError {
  readonly code = "shardsMismatch";
  readonly retryable = false;
  readonly shards: number;
  readonly storedShards: number;

  constructor(shards: number, storedShards: number) {
    super(`The table of schedules has ${storedShards} shards, and ${shards} were asked for.`);
    this.shards = shards;
    this.storedShards = storedShards;
  }
}

/** A target did not answer in time. Its attempt counts as failed, whatever it still does. */
export class TargetTimeoutError extends TuppenceError {
  readonly code = "targetTimeout";
  readonly retryable = false;
  readonly target: string;
  readonly timeoutMs: number;

  constructor(target: string, timeoutMs: number) {
    super(`Target ${JSON.stringify(target)} did not answer within ${timeoutMs} ms.`);
    this.target = target;
    this.timeoutMs = timeoutMs;
  }
}
