import { LinkedAbort, pause } from "@tuppence/core";
import { describeFailure, tryUntilDone, WorkEndedError } from "@tuppence/core/failures";
import { slotOf } from "../builds/names.ts";
import type { AnyEvent, DocumentProjection, Projection } from "../definition/projection.ts";
import { DocumentApplier } from "./apply-documents.ts";
import { HandlerApplier, loadPosition } from "./apply-handler.ts";
import { ReactorApplier } from "./apply-reactor.ts";
import { type LogSource, LogWindow, type TakenEvents } from "./log-window.ts";
import { nextPart, type Part } from "./next-part.ts";
import { type ParkedEvent, parkedKey, parkUpdate } from "./parked-event.ts";
import { ParkedStreams } from "./parked-streams.ts";
import type { ProjectionEvent } from "./projection-event.ts";
import { replayParked } from "./replay-parked.ts";
import {
  type Applied,
  type Applier,
  attemptsOf,
  changesUpTo,
  type FailedEvent,
  type SlotContext,
} from "./slot-context.ts";
import type { SlotReporter } from "./slot-reporter.ts";

/** How long a position waits to be stored where nothing else needs it to be, in milliseconds. */
export const DEFAULT_CHECKPOINT_INTERVAL_MS = 500;

const HALT_BACKOFF = { minMs: 1_000, maxMs: 60_000 };

/** What the work on a slot needs beside its context. */
export interface SlotWork {
  readonly projection: Projection;
  readonly log: LogSource;
  readonly checkpointIntervalMs: number;
  /** How often it is looked for what somebody wants to be replayed, in milliseconds, while anything is parked. */
  readonly parkedLookMs: number;
  readonly reporter: SlotReporter;
  readonly emit: (event: ProjectionEvent) => void;
  /** Called at the end of the log, with all that is done stored. */
  readonly onCaughtUp: () => Promise<void>;
  /** Events a second at most; undefined: no limit. */
  readonly rate: () => number | undefined;
}

/** Goes through the log for one slot, from its position on, until the slot is let go or lost. */
export class SlotRunner {
  readonly #context: SlotContext;
  readonly #work: SlotWork;
  readonly #parked: ParkedStreams;
  readonly #applier: Applier;
  readonly #window: LogWindow;
  #isAtEnd = false;
  #halts = 0;
  #lookedAtParked = Number.NEGATIVE_INFINITY;

  constructor(context: SlotContext, work: SlotWork) {
    const { slot, slots, position } = context;
    this.#context = context;
    this.#work = work;
    this.#parked = new ParkedStreams(context.storage.control, slot);
    this.#applier = createApplier(context, work.projection);
    const { projection } = work;
    const isOwnStream = (streamId: string): boolean => slotOf(streamId, slots) === slot.slot;
    this.#window = new LogWindow(work.log, projection, {
      position: position.done,
      ...(projection.kind === "document"
        ? { isOwn: (event) => goesIntoSlot(projection, event, context), isOwnStream: () => true }
        : { isOwn: ({ streamId }) => isOwnStream(streamId), isOwnStream }),
    });
  }

  async run(): Promise<void> {
    const { ending, lease, position, slot } = this.#context;
    try {
      await this.#begin();
      while (!ending.aborted) await this.#step();
    } catch (error) {
      if (!(error instanceof WorkEndedError)) throw error;
    } finally {
      try {
        if (!lease.lost.aborted) await position.store();
      } finally {
        this.#work.emit({ type: "slotStopped", ...slot, position: position.done });
      }
    }
  }

  async #begin(): Promise<void> {
    const { lease, position, slot } = this.#context;
    const { projection } = this.#work;
    await this.#retrying(() => this.#parked.load(lease.lost));
    if (projection.kind === "handler") {
      if (lease.position === undefined) {
        const { projection: name, build } = slot;
        const { version } = this.#context;
        await this.#retrying(async () => projection.prepare?.({ name, version, build, signal: lease.lost }));
      }
      const own = await this.#retrying(() => loadPosition(this.#context, projection));
      if (own !== undefined) {
        position.set(own);
        this.#window.seek(own);
      }
    }
    this.#work.reporter.started(position.done);
    this.#work.emit({ type: "slotStarted", ...slot, position: position.done });
  }

  async #step(): Promise<void> {
    const { position, runtime } = this.#context;
    await this.#replay();
    await this.#retrying(() => this.#fill());
    const rate = this.#work.rate();
    const startedAt = runtime.monotonic();
    // What a second allows at most: so none is long without a look at the rate, and the position is stored in between.
    const taken = this.#window.take(rate && Math.max(1, Math.floor(rate)));
    if (taken.position > position.done) {
      this.#isAtEnd = false;
      await this.#process(taken);
      if (position.staleMs >= this.#work.checkpointIntervalMs) await position.store();
      if (rate !== undefined) await this.#slowDown((taken.events.length / rate) * 1_000, startedAt);
    }
    this.#work.reporter.progressed(position.done);
    // Where it halted there is more to do.
    if (taken.caughtUp && position.done >= taken.position) await this.#rest();
  }

  /** Reads a batch, and waits a while for more of it where that is wanted. */
  async #fill(): Promise<void> {
    const { ending, runtime } = this.#context;
    const { maxDelayMs } = this.#work.projection.batch;
    const found = await this.#window.fill(ending);
    if (found === 0 || this.#window.isFull || maxDelayMs === 0) return;
    if (await pause(runtime, maxDelayMs, ending)) await this.#window.fill(ending);
  }

  /** At the log's end: stores the position when it is time, and waits for more. */
  async #rest(): Promise<void> {
    const { position, ending, slot, lease } = this.#context;
    if (!this.#isAtEnd) {
      this.#isAtEnd = true;
      this.#work.emit({ type: "caughtUp", ...slot, position: position.done });
    }
    const { checkpointIntervalMs, parkedLookMs } = this.#work;
    if (position.staleMs >= checkpointIntervalMs || lease.position === undefined) await position.store();
    if (position.isStored) {
      await this.#retrying(() => this.#work.onCaughtUp());
      await this.#retrying(() => this.#work.reporter.report());
    }
    const waits = [
      position.isStored ? undefined : checkpointIntervalMs - position.staleMs,
      this.#parked.total > 0 ? parkedLookMs : undefined,
      this.#context.isLive() ? undefined : checkpointIntervalMs,
    ].filter((ms) => ms !== undefined);
    await this.#retrying(() => waitAtMost(this.#context, waits, (signal) => this.#window.wait(signal)));
    if (ending.aborted) throw new WorkEndedError();
  }

  async #process(taken: TakenEvents): Promise<void> {
    const { position, runtime, guards } = this.#context;
    const startedAt = runtime.monotonic();
    const from = position.done;
    if (!guards.movesLast) position.reached(taken.position);
    let after = from;
    let handled = 0;
    let isHalted = false;
    while (after < taken.position && !isHalted) {
      const part = nextPart(taken, {
        after,
        parked: this.#parked.names(),
        parksBehind: guards.parksBehind,
        now: new Date(runtime.now()),
      });
      const applied = await this.#applyPart(part);
      after = applied.upTo;
      handled += part.events.filter((event) => event.position <= applied.upTo).length;
      position.reached(after);
      const failed = applied.failed ?? (after === part.upTo ? part.failed : undefined);
      if (failed === undefined) continue;
      isHalted = !(await this.#settle(failed));
      after = position.done;
    }
    if (position.done > from) {
      this.#told(taken, { events: handled, from, durationMs: runtime.monotonic() - startedAt });
    }
    if (isHalted) return this.#window.seek(position.done);
    this.#halts = 0;
    this.#work.reporter.succeeded();
  }

  async #applyPart(part: Part): Promise<Applied> {
    const { position, slot } = this.#context;
    if (part.upTo <= part.after) return { upTo: part.after, isMoved: false };
    const room = Math.max(0, this.#work.projection.maxParked - this.#parked.total);
    const tooMany = part.behind[room];
    if (tooMany !== undefined) return this.#refuseToPark(part, tooMany);
    const changes = part.behind.map((event) => ({
      position: event.position,
      change: parkUpdate(slot, event),
    }));
    const applied =
      part.events.length === 0
        ? { upTo: part.upTo, isMoved: false }
        : await this.#applier.apply({ ...part, changes });
    const { upTo } = applied;
    // Also when an event failed: the position passes none that is not parked.
    const behind = part.behind.filter((event) => event.position <= upTo);
    if (behind.length === 0) return applied;
    if (!applied.isMoved) await position.move({ to: upTo, control: changesUpTo(changes, upTo) });
    for (const event of behind) this.#park(event);
    return applied;
  }

  /** Handles what is before an event that there is no room for among the parked ones. */
  async #refuseToPark(part: Part, event: ParkedEvent): Promise<Applied> {
    const upTo = event.position - 1;
    const isBefore = ({ position }: { readonly position: number }): boolean => position <= upTo;
    const less = {
      ...part,
      upTo,
      events: part.events.filter(isBefore),
      behind: part.behind.filter(isBefore),
    };
    const applied = await this.#applyPart({ ...less, failed: undefined });
    if (applied.failed || applied.upTo < upTo) return applied;
    const error = new Error(`More than ${this.#work.projection.maxParked} events would be parked.`);
    return { ...applied, failed: { event, error, attempts: 0 } };
  }

  /** Parks, skips or halts, as the projection says. Answers whether to go on. */
  async #settle({ event, error, attempts }: FailedEvent): Promise<boolean> {
    const { position, slot, runtime } = this.#context;
    const { projection } = this.#work;
    const isFull = this.#parked.total >= projection.maxParked;
    if (projection.onFailure === "skip") {
      position.reached(event.position);
      this.#work.emit({ type: "skipped", ...slot, position: event.position, error });
      return true;
    }
    if (projection.onFailure === "halt" || isFull) return this.#halt(event, error);
    const parked: ParkedEvent = {
      position: event.position,
      streamId: event.streamId,
      version: event.version,
      type: event.type,
      reason: "failed",
      error: describeFailure(error),
      attempts,
      parkedAt: new Date(runtime.now()),
      replay: undefined,
    };
    await position.move({ to: event.position, control: [parkUpdate(slot, parked)] });
    this.#park(parked);
    return true;
  }

  async #halt(event: Pick<AnyEvent, "position">, error: unknown): Promise<false> {
    const { position, slot, ending, runtime } = this.#context;
    await position.store();
    const pauseMs = Math.min(HALT_BACKOFF.minMs * 2 ** this.#halts++, HALT_BACKOFF.maxMs);
    this.#work.emit({ type: "halted", ...slot, position: event.position, error, pauseMs });
    this.#work.reporter.halted({ position: event.position, error: describeFailure(error) });
    await this.#retrying(() => this.#work.reporter.report());
    await pause(runtime, pauseMs, ending);
    return false;
  }

  #park(event: ParkedEvent): void {
    this.#parked.add(event);
    this.#work.emit({ type: "parked", ...this.#context.slot, event });
  }

  /** Handles what somebody asked for of what is parked, now and then. */
  async #replay(): Promise<void> {
    const { runtime, lease, slot } = this.#context;
    if (this.#parked.total === 0) return;
    if (runtime.monotonic() - this.#lookedAtParked < this.#work.parkedLookMs) return;
    const all = await this.#retrying(() => this.#parked.load(lease.lost));
    await replayParked(this.#context, all, {
      projection: this.#work.projection,
      applier: this.#applier,
      log: this.#work.log,
      parked: () => this.#parked.names(),
      keyOf: (event) => parkedKey(slot, event.position),
      onDone: (event, skipped) => {
        this.#parked.remove(event);
        this.#work.emit({ type: "replayed", ...slot, event, skipped });
      },
    });
    this.#lookedAtParked = runtime.monotonic();
  }

  #told(
    taken: TakenEvents,
    batch: { readonly events: number; readonly from: number; readonly durationMs: number },
  ): void {
    const { slot, runtime, position } = this.#context;
    const newest = taken.events.findLast((event) => event.position <= position.done);
    const { events, from, durationMs } = batch;
    this.#work.emit({
      type: "batchHandled",
      ...slot,
      events,
      positions: position.done - from,
      position: position.done,
      durationMs,
      lagMs: newest && Math.max(0, runtime.now() - newest.recordedAt.getTime()),
    });
  }

  /** Lets as much time have passed since then. */
  async #slowDown(ms: number, startedAt: number): Promise<void> {
    const { runtime, ending } = this.#context;
    const pauseMs = ms - (runtime.monotonic() - startedAt);
    if (pauseMs > 0) await pause(runtime, pauseMs, ending);
  }

  #retrying<Result>(read: () => Promise<Result>): Promise<Result> {
    return tryUntilDone(attemptsOf(this.#context, MAX_READ_ATTEMPTS), read);
  }
}

/** What is not transient is given up after so many attempts; the slot is then let go, and taken again later. */
const MAX_READ_ATTEMPTS = 3;

function createApplier(context: SlotContext, projection: Projection): Applier {
  switch (projection.kind) {
    case "document":
      return new DocumentApplier(context, projection);
    case "handler":
      return new HandlerApplier(context, projection);
    case "reactor":
      return new ReactorApplier(context, projection);
  }
}

/** Whether an event goes into a document of the slot; one whose documents are not known concerns all slots. */
function goesIntoSlot(
  projection: DocumentProjection,
  event: AnyEvent,
  { slot, slots }: Pick<SlotContext, "slot" | "slots">,
): boolean {
  if (slots === 1) return true;
  try {
    return [projection.key(event) ?? []].flat().some((key) => slotOf(key, slots) === slot.slot);
  } catch {
    // It fails once more where its failure is dealt with.
    return true;
  }
}

/** Waits for what it is given, for as long as the shortest of these times, or until the slot ends. */
async function waitAtMost(
  { runtime, ending }: SlotContext,
  waitsMs: readonly number[],
  wait: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  using over = new LinkedAbort(ending);
  const end = (): void => over.abort();
  const shortest = waitsMs.length === 0 ? undefined : Math.min(...waitsMs);
  const timer = shortest === undefined ? undefined : pause(runtime, shortest, over.signal).then(end);
  try {
    await wait(over.signal);
  } finally {
    end();
    await timer;
  }
}
