import { describeFailure } from "@tuppence/core/failures";
import type { ControlItem, ControlStorage } from "@tuppence/core/leases";
import type { Runtime } from "@tuppence/core";
import { failingPartition } from "../names.ts";
import type { LaneRef } from "./group-event.ts";

/** What a lane can't do at the moment. */
export interface FailingLane {
  readonly error: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** The message that it stands still at; undefined while it tries again, and where it is no message. */
  readonly blockedAt: number | undefined;
  readonly at: Date;
}

/** Attempts that may fail before others are told. */
const UNTOLD_ATTEMPTS = 2;

/** Between two reports of the same, in ms. */
const REPORT_INTERVAL_MS = 10_000;

/** Tells those who operate a group what a lane fails at, until it goes on. Cost: 1 WCU each time; nothing while all goes well. */
export class FailingLaneReporter {
  readonly #control: ControlStorage;
  readonly #runtime: Runtime;
  readonly #key: { readonly partition: string; readonly sort: string };
  #reportedAt = Number.NEGATIVE_INFINITY;
  /** Whether something is stored, by this process or one that had the lane before. */
  #isStored = true;
  #sending: Promise<void> = Promise.resolve();

  constructor(means: { readonly control: ControlStorage; readonly runtime: Runtime; readonly ref: LaneRef }) {
    const { queue, group, lane } = means.ref;
    this.#control = means.control;
    this.#runtime = means.runtime;
    this.#key = { partition: failingPartition(queue, group), sort: String(lane) };
  }

  /** Something failed, and is tried again. */
  async retrying(failure: { readonly error: unknown; readonly attempt: number }): Promise<void> {
    if (failure.attempt <= UNTOLD_ATTEMPTS) return;
    if (this.#runtime.monotonic() - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#sending = this.#report(failure.error, { attempts: failure.attempt });
    await this.#sending;
  }

  /** The lane stands still at a message. */
  async blocked(
    position: number,
    failure: { readonly error: unknown; readonly blocks: number },
  ): Promise<void> {
    await this.#report(failure.error, { attempts: failure.blocks, blockedAt: position });
  }

  /** The lane goes on. */
  async over(signal: AbortSignal): Promise<void> {
    if (!this.#isStored) return;
    // Whoever sent it is told of its failure; here it is only not to come afterwards.
    await this.#sending.catch(() => undefined);
    await this.#control.delete(this.#key, signal);
    this.#isStored = false;
    this.#reportedAt = Number.NEGATIVE_INFINITY;
  }

  async #report(
    error: unknown,
    told: { readonly attempts: number; readonly blockedAt?: number | undefined },
  ): Promise<void> {
    const { attempts, blockedAt } = told;
    this.#reportedAt = this.#runtime.monotonic();
    this.#isStored = true;
    const set = { error: describeFailure(error), attempts, blockedAt, at: this.#runtime.now() };
    await this.#control.update({ key: this.#key, where: {}, set });
  }
}

export function readFailing(item: ControlItem): FailingLane {
  const { error, attempts, blockedAt, at } = item;
  return {
    error: String(error),
    attempts: Number(attempts),
    blockedAt: blockedAt === undefined ? undefined : Number(blockedAt),
    at: new Date(Number(at)),
  };
}
