import type { Runtime } from "@tuppence/core";
import { describeFailure, type Retry } from "@tuppence/core/failures";
import type { ControlStorage } from "@tuppence/core/leases";
import type { SlotRef } from "./parked-event.ts";
import { reportUpdate, type SlotReport } from "./slot-report.ts";

/** How often a slot that gets on tells how fast, in milliseconds. */
const REPORT_INTERVAL_MS = 10_000;

/** Attempts after which something that goes on failing is told. */
const TOLD_ATTEMPTS = 5;

/** Tells others of a slot: at once when it halts or goes on, otherwise now and then, and not while nothing happens. */
export class SlotReporter {
  readonly #control: ControlStorage;
  readonly #slot: SlotRef;
  readonly #runtime: Runtime;
  #from: { readonly position: number; readonly at: number };
  #position = 0;
  #failure: Pick<SlotReport, "state" | "error" | "errorPosition"> | undefined;
  #isDirty = false;

  constructor(place: {
    readonly control: ControlStorage;
    readonly slot: SlotRef;
    readonly runtime: Runtime;
  }) {
    this.#control = place.control;
    this.#slot = place.slot;
    this.#runtime = place.runtime;
    this.#from = { position: 0, at: place.runtime.monotonic() };
  }

  started(position: number): void {
    this.#position = position;
    this.#from = { position, at: this.#runtime.monotonic() };
  }

  progressed(position: number): void {
    this.#position = position;
  }

  /** What was wrong is over. */
  succeeded(): void {
    this.#isDirty ||= this.#failure !== undefined;
    this.#failure = undefined;
  }

  /** It stands still at an event. */
  halted({ position, error }: { readonly position: number; readonly error: string }): void {
    this.#failure = { state: "halted", error, errorPosition: position };
    this.#isDirty = true;
  }

  /** Something is tried again, for the so manieth time: told to others once it has lasted. */
  retrying({ error, attempt }: Retry): void {
    if (attempt < TOLD_ATTEMPTS || this.#failure?.state === "halted") return;
    this.#failure = { state: "running", error: describeFailure(error), errorPosition: undefined };
    if (this.#runtime.monotonic() - this.#from.at < REPORT_INTERVAL_MS) return;
    this.#isDirty = true;
    // What it is about goes on being tried; the next time it is told again.
    this.report().catch(() => (this.#isDirty = true));
  }

  /** Tells what there is to tell, if it is time. */
  async report(): Promise<void> {
    const now = this.#runtime.monotonic();
    const elapsedMs = now - this.#from.at;
    const moved = this.#position - this.#from.position;
    if (!this.#isDirty && (moved === 0 || elapsedMs < REPORT_INTERVAL_MS)) return;
    const report: SlotReport = {
      ...(this.#failure ?? { state: "running", error: undefined, errorPosition: undefined }),
      rate: elapsedMs === 0 ? 0 : Math.round((moved / elapsedMs) * 100_000) / 100,
      reportedAt: new Date(this.#runtime.now()),
    };
    this.#isDirty = false;
    this.#from = { position: this.#position, at: now };
    await this.#control.update(reportUpdate(this.#slot, report));
  }
}
