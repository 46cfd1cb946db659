import type { ControlItem, ControlUpdate } from "@tuppence/core/leases";
import { reportsOf } from "../builds/names.ts";
import type { SlotRef } from "./parked-event.ts";

/** What the owner of a slot tells others of it, from time to time. */
export interface SlotReport {
  /** "halted": it stands still at an event until that succeeds. */
  readonly state: "running" | "halted";
  /** Positions a second that it got on lately. */
  readonly rate: number;
  /** What went wrong last, and is not over; undefined: nothing. */
  readonly error: string | undefined;
  /** The event that it is about. */
  readonly errorPosition: number | undefined;
  readonly reportedAt: Date;
}

export function reportUpdate({ projection, build, slot }: SlotRef, report: SlotReport): ControlUpdate {
  const { state, rate, error, errorPosition, reportedAt } = report;
  return {
    key: { partition: reportsOf(projection, build), sort: String(slot) },
    where: {},
    set: { state, rate, error, errorPosition, reportedAt: reportedAt.getTime() },
  };
}

export function readReport({ state, rate, error, errorPosition, reportedAt }: ControlItem): SlotReport {
  return {
    state: state === "halted" ? "halted" : "running",
    rate: Number(rate),
    error: error === undefined ? undefined : String(error),
    errorPosition: errorPosition === undefined ? undefined : Number(errorPosition),
    reportedAt: new Date(Number(reportedAt)),
  };
}
