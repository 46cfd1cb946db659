import { TuppenceError } from "@tuppence/core";

/** Another invocation runs the occurrence, or was cut off while it did: the delivery has to be tried again later. */
export class OccurrenceRunningError extends TuppenceError {
  readonly code = "occurrenceRunning";
  readonly retryable = true;
  readonly occurrenceId: string;
  /** When the other one is over at the latest. */
  readonly until: Date;

  constructor(occurrenceId: string, until: Date) {
    super(
      `Another invocation runs occurrence ${JSON.stringify(occurrenceId)}, until ${until.toISOString()} at the latest.`,
    );
    this.occurrenceId = occurrenceId;
    this.until = until;
  }
}
