/** What every operating error of Tuppence has. Tell them apart by `code`; `docs/errors.md` lists them all. */
export abstract class TuppenceError extends Error {
  /** Says what happened; never changes between releases. */
  abstract readonly code: string;
  /** Whether the same call may succeed later without a change of its input. */
  abstract readonly retryable: boolean;

  override get name(): string {
    return this.constructor.name;
  }
}

/** What was waited for did not come in time. It may still come. */
export class WaitTimeoutError extends TuppenceError {
  readonly code = "waitTimeout";
  readonly retryable = true;
  /** What was waited for. */
  readonly awaited: string;
  readonly timeoutMs: number;

  constructor(awaited: string, timeoutMs: number) {
    super(`Waited ${timeoutMs} ms for ${awaited}.`);
    this.awaited = awaited;
    this.timeoutMs = timeoutMs;
  }
}

/** Another process holds the lease by now, or may: whatever is done for it has to stop. */
export class LeaseLostError extends TuppenceError {
  readonly code = "leaseLost";
  readonly retryable = false;
  readonly group: string;
  readonly resource: string;
  /** Of the lease that was lost. */
  readonly epoch: number;
  /**
   * False when the position was certainly not written; true when a reply was lost before the lease was, so that it may
   * have been. The next owner goes on from what is stored, either way.
   */
  readonly mayBeWritten: boolean;

  constructor(lost: {
    readonly group: string;
    readonly resource: string;
    readonly epoch: number;
    readonly mayBeWritten: boolean;
  }) {
    const { group, resource, epoch, mayBeWritten } = lost;
    super(
      `The lease of ${JSON.stringify(resource)} in group ${JSON.stringify(group)} with epoch ${epoch} is lost` +
        (mayBeWritten ? "; the position may have been written." : "; nothing was written."),
    );
    this.group = group;
    this.resource = resource;
    this.epoch = epoch;
    this.mayBeWritten = mayBeWritten;
  }
}

/** The table does not exist in this account and Region (or, locally, this database). */
export class TableMissingError extends TuppenceError {
  readonly code = "tableMissing";
  readonly retryable = false;
  readonly tableName: string;

  constructor(tableName: string, options?: ErrorOptions) {
    super(
      `DynamoDB has no table ${JSON.stringify(tableName)} here. Create it once with ` +
        "`await store.ensureTables()` (of the event store, or of the lease group), or from `eventsTable(prefix)` or " +
        "`controlTable(prefix)` in your infrastructure code.",
      options,
    );
    this.tableName = tableName;
  }
}

/** A table of that name exists, but it is not one of ours. */
export class TableMismatchError extends TuppenceError {
  readonly code = "tableMismatch";
  readonly retryable = false;
  readonly tableName: string;
  /** One line for each difference. */
  readonly differences: readonly string[];

  constructor(tableName: string, differences: readonly string[]) {
    super(`Table ${JSON.stringify(tableName)} exists, but ${differences.join("; ")}.`);
    this.tableName = tableName;
    this.differences = differences;
  }
}

/**
 * The connection failed again and again, and it is not known whether the commit was stored. Append once more with `commitId`: if it
 * was stored, that is recognised and nothing is written twice. Where the caller gives no commit ids, as with a queue, its own ids or
 * sequences do the same.
 */
export class OutcomeUnknownError extends TuppenceError {
  readonly code = "outcomeUnknown";
  readonly retryable = true;
  readonly streamId: string;
  readonly commitId: string;

  constructor(streamId: string, commitId: string, options: ErrorOptions) {
    super(
      `It is not known whether commit ${commitId} to stream ${JSON.stringify(streamId)} was stored; ` +
        "the same write again, with the same ids, finds out.",
      options,
    );
    this.streamId = streamId;
    this.commitId = commitId;
  }
}

/** What is stored breaks a rule that nothing of ours can break: the table was changed from outside. */
export class IntegrityError extends TuppenceError {
  readonly code = "integrity";
  readonly retryable = false;
  readonly chain: string;
  /** The slot where it was seen. */
  readonly slot: number;

  constructor(chain: string, slot: number, problem: string, options?: ErrorOptions) {
    super(`Chain ${JSON.stringify(chain)}, slot ${slot}: ${problem}.`, options);
    this.chain = chain;
    this.slot = slot;
  }
}
