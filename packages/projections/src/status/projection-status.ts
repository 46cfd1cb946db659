import type { Build, Registration } from "../builds/registration.ts";
import { buildPosition, type SlotLease } from "../builds/slot-leases.ts";
import type { SlotReport } from "../run/slot-report.ts";

/** How a projection is, as far as its workers have stored it. */
export interface ProjectionStatus {
  readonly name: string;
  readonly kind: Registration["kind"];
  readonly paused: boolean;
  /** The last position of the log. */
  readonly logEnd: number;
  /** The build that readers see. */
  readonly live: BuildStatus;
  /** The one that is being built beside it: a newer version, or a rebuild. */
  readonly next: BuildStatus | undefined;
  /** Events a second, and slot, that the next one is built with at most; undefined: no limit. */
  readonly nextRate: number | undefined;
}

export interface BuildStatus extends Pick<Build, "number" | "version"> {
  /** Everything up to here is handled in all slots. */
  readonly position: number;
  /** How much of the log it has behind it: 0 to 1, and 1 only at the end. */
  readonly progress: number;
  /** How many events the slot that is furthest behind has before it; those that it passes over count too. */
  readonly lagEvents: number;
  /** How old the oldest of them is, in milliseconds: 0 without any, undefined when it can't be read here. */
  readonly lagMs: number | undefined;
  /** Events that were put aside. */
  readonly parked: number;
  /** All of them, in their order. */
  readonly slots: readonly SlotStatus[];
}

export interface SlotStatus {
  readonly slot: number;
  /**
   * "paused": by an operator. "halted": stands still at an event that can't be handled, also while it has no owner, as between two
   * invocations of a function. "waiting": has no owner. "running": otherwise.
   */
  readonly state: "running" | "halted" | "paused" | "waiting";
  readonly position: number;
  readonly lagEvents: number;
  /** The worker that has it, or had it last and was not missed yet. */
  readonly owner: string | undefined;
  /** Positions a second, when it was told last; 0 when that was a while ago. */
  readonly rate: number;
  /** What is wrong with the event that it stands still at, or that is tried again. */
  readonly error: string | undefined;
  readonly errorPosition: number | undefined;
  /** Events that were put aside. */
  readonly parked: number;
}

/** What is stored about a build. */
export interface BuildFacts {
  readonly build: Build;
  readonly leases: readonly SlotLease[];
  /** By slots; some may have none yet. */
  readonly reports: ReadonlyMap<number, SlotReport>;
  /** Parked events, by slots. */
  readonly parked: readonly number[];
  readonly lagMs: number | undefined;
}

/** A rate that was told longer ago, in ms, is over: slots that get on tell it more often. */
const RATE_AGE_MS = 30_000;

export function buildStatus(
  registration: Registration,
  { build, leases, reports, parked, lagMs }: BuildFacts,
  { logEnd, now }: { readonly logEnd: number; readonly now: number },
): BuildStatus {
  const { startPosition, paused } = registration;
  const position = buildPosition(leases, registration);
  const slots = leases.map((lease, slot): SlotStatus => {
    const own = buildPosition([lease], registration);
    const report = reports.get(slot);
    const trouble = troubleIn(report, own);
    const isFresh = report !== undefined && now - report.reportedAt.getTime() <= RATE_AGE_MS;
    return {
      slot,
      state: stateOf({ paused, owner: lease.owner, isHalted: trouble?.state === "halted" }),
      position: own,
      lagEvents: Math.max(0, logEnd - own),
      owner: lease.owner,
      rate: isFresh ? report.rate : 0,
      error: trouble?.error,
      errorPosition: trouble?.errorPosition,
      parked: parked[slot] ?? 0,
    };
  });
  return {
    number: build.number,
    version: build.version,
    position,
    progress: progressOf({ startPosition, position, logEnd }),
    lagEvents: Math.max(0, logEnd - position),
    lagMs,
    parked: parked.reduce((sum, count) => sum + count, 0),
    slots,
  };
}

/** What is said of an event is over once the slot is past it, even if no owner has told so. */
function troubleIn(report: SlotReport | undefined, position: number): SlotReport | undefined {
  return report?.errorPosition !== undefined && report.errorPosition <= position ? undefined : report;
}

function stateOf(facts: {
  readonly paused: boolean;
  readonly owner: string | undefined;
  readonly isHalted: boolean;
}): SlotStatus["state"] {
  if (facts.paused) return "paused";
  if (facts.isHalted) return "halted";
  return facts.owner === undefined ? "waiting" : "running";
}

function progressOf(at: {
  readonly startPosition: number;
  readonly position: number;
  readonly logEnd: number;
}): number {
  const all = at.logEnd - at.startPosition;
  return at.position >= at.logEnd || all <= 0 ? 1 : Math.max(0, at.position - at.startPosition) / all;
}
