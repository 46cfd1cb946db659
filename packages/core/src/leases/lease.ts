import type { ControlUpdate } from "../control/control-storage.ts";
import type { UpdateInput } from "../dynamodb/control-storage.ts";

/** The right of one process to work on something, fenced by an epoch that no earlier owner has. */
export interface Lease {
  /** What it is for, among those of its group: a shard, a slot, a cursor. */
  readonly resource: string;
  /** Goes up by one with each owner, for ever. */
  readonly epoch: number;
  /** What was committed last, by this or an earlier owner; undefined before the first time. */
  readonly position: string | undefined;
  /**
   * Aborted when the lease is lost, or can't be known to be held any more. Nothing may be done for it from then on.
   *
   * A hint that comes as soon as it can: a process that was frozen and wakes up may get a few lines further. What such a
   * process can't do is to commit, or anything in a transaction that holds a `fence`.
   */
  readonly lost: AbortSignal;
  /** Aborted when it is time to finish and let go: another process is to take over, or this one stops. */
  readonly release: AbortSignal;
  /**
   * Moves the position, on the condition that the lease is still held; it also counts as a heartbeat. A lost reply is
   * settled by sending it again, until the outcome is known or the lease is over.
   *
   * Cost: 1 WCU for each KB of the item, position included.
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption
   *
   * @throws LeaseLostError when another process holds it by now, or may; `mayBeWritten` is false when nothing was written.
   */
  commit(position: string): Promise<void>;
  /**
   * Moves the position for the last time: nothing is to be done for this resource any more. Its item is deleted a week
   * later, by TTL. Otherwise as `commit`.
   */
  finish(position: string): Promise<void>;
  /**
   * The move of the position as one `Update` of a TransactWriteItems: it takes place if the lease is still held and the
   * position is what `lease.position` is now. With it, all else in that transaction is done exactly once, by the owner.
   *
   * Tell the outcome: `moved(position)` when the transaction was accepted; `settle()` when it was refused or its outcome is
   * not known. One at a time, and not while a `commit` is under way. It is no heartbeat; renewals go on meanwhile (one of
   * them at the same moment as the transaction makes it a `TransactionConflict`, to be sent again).
   *
   * Cost: 2 WCU for each KB of the item.
   *
   * @throws LeaseLostError when the lease is lost already.
   */
  fence(position: string): UpdateInput;
  /** The same move as a change for `transact` of a `ControlStorage`. @throws LeaseLostError as `fence`. */
  fenceUpdate(position: string): ControlUpdate;
  /** Says that a transaction with `fence(position)` was accepted. Sends nothing. */
  moved(position: string): void;
  /**
   * Reads where the position is stored to be: whether a transaction with a `fence` was accepted when its outcome is not
   * known. One that is still on its way is refused once the position has moved; sending the same again is always right.
   *
   * Cost: 1 RCU, strongly consistent.
   *
   * @throws LeaseLostError when another process holds it by now.
   */
  settle(): Promise<string | undefined>;
}

/** What there is to do for a group. */
export interface LeasedWork {
  /** What there is to be shared out now; asked again at each round. What is no longer there is asked to finish. */
  readonly resources: () => readonly string[] | Promise<readonly string[]>;
  readonly run: (lease: Lease) => Promise<void>;
}

/** Processes that share resources among them: each resource has one owner at a time. */
export interface LeaseGroup extends AsyncDisposable {
  /** How this member is called in `list()`. */
  readonly workerId: string;
  /**
   * Begins to take part. `run` is called for each lease that is acquired, and the lease is let go when it ends, however it
   * ends; it is acquired again later, after a pause if it failed.
   *
   * @throws TypeError when it was started before.
   */
  start(work: LeasedWork): void;
  /** Looks at once, without waiting for the next round: resources have changed. */
  wake(): void;
  /**
   * Asks all work to finish, waits for it up to `drainMs` (default 10 s), lets the leases go, and leaves the group. Work that
   * has not ended by then has its lease taken away: `lost` is aborted. Where DynamoDB does not answer it takes up to twice
   * `leaseDurationMs` more, and the others wait until the leases are over.
   */
  stop(options?: { readonly drainMs?: number | undefined }): Promise<void>;
  /** All leases of the group as they are stored, owned by whomever: strongly consistent, 1 RCU for each 4 KB (some 25). */
  list(): Promise<readonly LeaseState[]>;
  /** Creates the table `<prefix>-control` if it is not there; safe to call always. */
  ensureTables(): Promise<void>;
}

/** A lease as it is stored. */
export interface LeaseState {
  readonly resource: string;
  readonly owner: string | undefined;
  readonly epoch: number;
  readonly position: string | undefined;
}
