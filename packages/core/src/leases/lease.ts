/** The right of one process to work on something, fenced by an epoch that no earlier owner has. */
export interface Lease {
  /** What it is for, among those of its group: a shard, a slot, a cursor. */
  readonly resource: string;
  /** Goes up by one with each owner, for ever. */
  readonly epoch: number;
  /** What was committed last, by this or an earlier owner; undefined before the first time. */
  readonly position: string | undefined;
  /** Aborted when the lease is lost, or can't be known to be held any more. Nothing may be done for it from then on. */
  readonly lost: AbortSignal;
  /** Aborted when it is time to finish and let go: another process is to take over, or this one stops. */
  readonly release: AbortSignal;
  /**
   * Moves the position, on the condition that the lease is still held; it also counts as a heartbeat.
   *
   * Cost: 1 WCU.
   *
   * @throws LeaseLostError when another process holds it by now; nothing was written.
   */
  commit(position: string): Promise<void>;
}

/** Processes that share resources among them: each resource has one owner at a time. */
export interface LeaseGroup {
  /**
   * Begins to take part. `run` is called for each lease that is acquired, and the lease is let go when it ends, however it
   * ends; it is acquired again later, after a pause if it failed.
   */
  start(work: {
    /** What there is to be shared out now; asked again at each round. */
    readonly resources: () => readonly string[] | Promise<readonly string[]>;
    readonly run: (lease: Lease) => Promise<void>;
  }): void;
  /** Looks at once, without waiting for the next round: resources have changed. */
  wake(): void;
  /** Asks all work to finish, waits for it up to `drainMs`, lets the leases go, and leaves the group. */
  stop(options?: { readonly drainMs?: number | undefined }): Promise<void>;
  /** All leases of the group as they are stored, owned by whomever. */
  list(): Promise<readonly LeaseState[]>;
}

/** A lease as it is stored. */
export interface LeaseState {
  readonly resource: string;
  readonly owner: string | undefined;
  readonly epoch: number;
  readonly position: string | undefined;
}
