import { type Capacity, TuppenceError } from "@tuppence/core";

/** A document does not fit into an item of DynamoDB. The event that made it so large is parked, skipped or halts the projection. */
export class DocumentTooLargeError extends TuppenceError {
  readonly code = "documentTooLarge";
  readonly retryable = false;
  readonly key: string;
  readonly bytes: number;
  readonly maxBytes: number;

  constructor(document: { readonly key: string; readonly bytes: number; readonly maxBytes: number }) {
    const { key, bytes, maxBytes } = document;
    super(`Document ${JSON.stringify(key)} takes ${bytes} bytes; ${maxBytes} are the most.`);
    this.key = key;
    this.bytes = bytes;
    this.maxBytes = maxBytes;
  }
}

/** A document, or what a key function answered, can't be stored. */
export class InvalidDocumentError extends TuppenceError {
  readonly code = "invalidDocument";
  readonly retryable = false;
  readonly key: string;

  constructor(key: string, problem: string, options?: ErrorOptions) {
    super(`Document ${JSON.stringify(key)}: ${problem}.`, options);
    this.key = key;
  }
}

/** No projection of this name was ever run here. */
export class ProjectionMissingError extends TuppenceError {
  readonly code = "projectionMissing";
  readonly retryable = true;
  readonly projection: string;

  constructor(projection: string) {
    super(
      `There is no projection ${JSON.stringify(projection)} here: a worker or Lambda function that has it makes it known.`,
    );
    this.projection = projection;
  }
}

/**
 * The version that is live is another than that of the definition, and what it stores does not fit. `retryable` is true when the
 * definition's is the newer one: it is live once it is built.
 */
export class ProjectionVersionError extends TuppenceError {
  readonly code = "projectionVersion";
  readonly retryable: boolean;
  readonly projection: string;
  readonly definedVersion: number;
  readonly liveVersion: number;

  constructor(versions: { readonly projection: string; readonly defined: number; readonly live: number }) {
    const { projection, defined, live } = versions;
    super(
      `Projection ${JSON.stringify(projection)} is defined in version ${defined}, and live in version ${live}.`,
    );
    this.projection = projection;
    this.definedVersion = defined;
    this.liveVersion = live;
    this.retryable = defined > live;
  }
}

/** The definition differs from what is stored in what can't change: raise its version, or give it another name. */
export class ProjectionChangedError extends TuppenceError {
  readonly code = "projectionChanged";
  readonly retryable = false;
  readonly projection: string;

  constructor(projection: string, change: string, remedy: string = "a new version") {
    super(`Projection ${JSON.stringify(projection)} ${change}: that takes ${remedy}.`);
    this.projection = projection;
  }
}

/** Others change the projection at the same time, or DynamoDB does not answer. */
export class ProjectionBusyError extends TuppenceError {
  readonly code = "projectionBusy";
  readonly retryable = true;
  readonly projection: string;
  /** Whether the change may have been made all the same. */
  readonly mayBeWritten: boolean;

  constructor(projection: string, options: ErrorOptions & { readonly mayBeWritten: boolean }) {
    const doubt = options.mayBeWritten ? " It may have been made all the same." : "";
    super(`The change of projection ${JSON.stringify(projection)} did not get through.${doubt}`, options);
    this.projection = projection;
    this.mayBeWritten = options.mayBeWritten;
  }
}

/**
 * Others change the documents that an append goes into, again and again. Nothing was written. Documents that very many streams go into
 * are for a projection of the log.
 */
export class DocumentContendedError extends TuppenceError {
  readonly code = "documentContended";
  readonly retryable = true;
  readonly streamId: string;
  readonly attempts: number;
  /** What the attempts consumed. */
  readonly capacity: Capacity;

  constructor(
    contended: { readonly streamId: string; readonly attempts: number; readonly capacity: Capacity },
    options?: ErrorOptions,
  ) {
    const { streamId, attempts, capacity } = contended;
    super(
      `Others changed the documents of stream ${JSON.stringify(streamId)} meanwhile, ${attempts} times; nothing was appended.`,
      options,
    );
    this.streamId = streamId;
    this.attempts = attempts;
    this.capacity = capacity;
  }
}
