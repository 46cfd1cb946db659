import type { EventStore } from "@tuppence/core";
import type { Queue } from "@tuppence/queue";
import {
  append,
  call,
  type Cancellation,
  enqueue,
  type InStoreTarget,
  type Occurrence,
  type OutsideTarget,
} from "@tuppence/scheduler";
import { Journal } from "./journal.ts";
import { oneOf, wholeNumber } from "./random.ts";
import type { Step } from "./steps.ts";

/** What creators schedule: jobs that tell of themselves when they are fired, in three ways. */

/** The step that scheduled it, or the series. */
export interface Job {
  readonly by: string;
  readonly step: number;
}

/** What a job tells when it is fired. */
export interface Fired extends Job {
  readonly id: string;
  readonly name: string | null;
  readonly dueMs: number;
  readonly fireMs: number;
}

/** A call tells by whose clock, too. */
export interface Called extends Fired {
  readonly atMs: number;
}

export type JobIntention =
  | {
      readonly kind: "schedule";
      readonly target: keyof JobTargets & string;
      readonly atMs: number;
      /** Scheduled once, however often it is asked for; undefined: perhaps twice. */
      readonly name: string | undefined;
    }
  | { readonly kind: "cancel"; readonly id: string };

export type JobOutcome =
  | { readonly id: string; readonly fireMs: number }
  | { readonly answer: Cancellation; readonly atMs: number };

export interface JobTargets {
  readonly call: OutsideTarget;
  readonly append: InStoreTarget;
  readonly enqueue: OutsideTarget;
  readonly [name: string]: OutsideTarget | InStoreTarget;
}

export const CALLED_JOURNAL = "called";
export const FIRED_STREAM = "fired|jobs";

/** Whole intervals from one to the next, in milliseconds, of the series of each kind. */
export const SERIES = { append: 1_500, call: 1_000 } as const;

/** A claim of one who was killed lasts this and 30 seconds more. */
const timeoutMs = 5_000;

export function jobTargets({
  folder,
  store,
  queue,
}: {
  readonly folder: string;
  readonly store: EventStore;
  readonly queue: Queue;
}): JobTargets {
  let journal: Journal<Called> | undefined;
  return {
    call: call<Job>(
      (occurrence) => {
        journal ??= new Journal(folder, CALLED_JOURNAL);
        journal.write({ ...firedOf(occurrence), atMs: Date.now() });
      },
      { timeoutMs },
    ),
    append: append<never, Job>({
      store: store as never,
      streamId: FIRED_STREAM,
      events: (occurrence) => [{ type: "Fired", data: firedOf(occurrence) } as never],
      timeoutMs,
    }),
    enqueue: enqueue<Job>(queue, { message: (occurrence) => ({ body: firedOf(occurrence) }), timeoutMs }),
  };
}

function firedOf({ id, name, dueAt, fireAt, payload }: Occurrence<Job>): Fired {
  return { ...payload, id, name: name ?? null, dueMs: dueAt.getTime(), fireMs: fireAt.getTime() };
}

/** A job for the next moments, or to take one back that is still to come. */
export function planJob(
  random: () => number,
  { by, step, withinMs }: Job & { readonly withinMs: number },
  done: readonly Step<JobIntention, JobOutcome>[],
): JobIntention {
  const cancelled = new Set(done.map(({ intention }) => (intention.kind === "cancel" ? intention.id : "")));
  const open = done.slice(-200).flatMap(({ outcome }) => {
    if (outcome === undefined || !("id" in outcome) || cancelled.has(outcome.id)) return [];
    return outcome.fireMs > Date.now() - 1_000 ? [outcome.id] : [];
  });
  if (open.length > 0 && random() < 0.25) return { kind: "cancel", id: oneOf(random, open) };
  const target = oneOf(random, ["call", "append", "enqueue"]);
  const atMs = Date.now() + wholeNumber(random, 100, withinMs);
  const name = random() < 0.3 ? `job ${by} ${step}` : undefined;
  return { kind: "schedule", target, atMs, name };
}
