import type { Runtime } from "@tuppence/core";
import type { ControlStorage } from "@tuppence/core/leases";
import type { SlotRef } from "./parked-event.ts";
import { reportUpdate, type SlotReport } from "./slot-report.ts";

/** How often a slot that gets on tells how fast, in milliseconds. */
const REPORT_INTERVAL_MS = 10_000;

/** Tells others of a slot: at once when it halts or goes on, otherwise now and then, and not while nothing happens. */
export class SlotReporter {
  readonly #control: ControlStorage;
  readonly #slot: SlotRef;
  readonly #runtime: Runtime;
  #from: { readonly position: number; readonly at: number };
  #position: number;
  #error: Pick<SlotReport, "error" | "errorPosition"> | undefined;
  #isDirty = false;

  constructor(
    place: { readonly control: ControlStorage; readonly slot: SlotRef; readonly runtime: Runtime },
    position: number,
  ) {
    this.#control = place.control;
    this.#slot = place.slot;
    this.#runtime = place.runtime;
    this.#position = position;
    this.#from = { position, at: place.runtime.monotonic() };
  }

  progressed(position: number): void {
    this.#position = position;
  }

  /** What was wrong is over. */
  succeeded(): void {
    this.#isDirty ||= this.#error !== undefined;
    this.#error = undefined;
  }

  async halted(failure: { readonly position: number; readonly error: string }): Promise<void> {
    this.#error = { error: failure.error, errorPosition: failure.position };
    this.#isDirty = true;
    await this.report();
  }

  /** Tells what there is to tell, if it is time. */
  async report(): Promise<void> {
    const now = this.#runtime.monotonic();
    const elapsedMs = now - this.#from.at;
    const moved = this.#position - this.#from.position;
    if (!this.#isDirty && (moved === 0 || elapsedMs < REPORT_INTERVAL_MS)) return;
    const report: SlotReport = {
      state: this.#error === undefined ? "running" : "halted",
      rate: elapsedMs === 0 ? 0 : Math.round((moved / elapsedMs) * 100_000) / 100,
      error: this.#error?.error,
      errorPosition: this.#error?.errorPosition,
      reportedAt: new Date(this.#runtime.now()),
    };
    this.#isDirty = false;
    this.#from = { position: this.#position, at: now };
    await this.#control.update(reportUpdate(this.#slot, report));
  }
}
