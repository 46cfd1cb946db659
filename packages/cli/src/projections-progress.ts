import type { BuildStatus, ProjectionStatus } from "@tuppence/projections";
import { formatDuration } from "./shell/duration.ts";
import { progressBar } from "./shell/progress-bar.ts";
import { Speedometer } from "./shell/speedometer.ts";

/** A line for each build of projections that are looked at again and again. */
export class ProgressLines {
  readonly #speeds = new Map<string, Speedometer>();

  /** The lines after another look, at a moment in milliseconds. */
  after(projections: readonly ProjectionStatus[], now: number): readonly string[] {
    return projections.flatMap((projection) =>
      [projection.live, projection.next].flatMap((build) => {
        if (build === undefined) return [];
        const label = `${projection.name} ${build.number}`;
        const speed = this.#speeds.get(label) ?? new Speedometer();
        this.#speeds.set(label, speed);
        speed.look(build.position, now);
        return [progressLine(label, build, { logEnd: projection.logEnd, rate: speed.rate })];
      }),
    );
  }
}

/** How far a build is, how fast, for how long still, and what is in its way. */
export function progressLine(
  label: string,
  build: BuildStatus,
  { logEnd, rate }: { readonly logEnd: number; readonly rate: number | undefined },
): string {
  const { position, progress, lagEvents, parked, slots } = build;
  const paused = slots.some(({ state }) => state === "paused");
  const parts = [
    `${label} ${progressBar(progress)} ${Math.floor(progress * 100)}%`,
    `${position} of ${logEnd}`,
    rate === undefined ? undefined : `${Math.round(rate)}/s`,
    rate && lagEvents > 0 ? `${formatDuration((lagEvents / rate) * 1_000)} left` : undefined,
    paused ? "paused" : undefined,
    counted(slots.filter(({ state }) => state === "halted").length, "halted"),
    counted(slots.filter(({ state }) => state === "waiting").length, "waiting"),
    counted(parked, "parked"),
  ];
  return parts.filter((part) => part !== undefined).join("  ");
}

function counted(count: number, what: string): string | undefined {
  return count === 0 ? undefined : `${count} ${what}`;
}
