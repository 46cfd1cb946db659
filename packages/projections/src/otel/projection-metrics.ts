import { type Attributes, type MeterProvider, metrics } from "@opentelemetry/api";
import { TuppenceError } from "@tuppence/core";
import type { SlotRef } from "../run/parked-event.ts";
import type { ProjectionEvent } from "../run/projection-event.ts";

export interface ProjectionMetricsOptions {
  /** Default: the one that is global when the first event comes. */
  readonly meterProvider?: MeterProvider | undefined;
}

const SCOPE = "@tuppence/projections";

/** Seconds, as OpenTelemetry's conventions have them for clients of databases. */
const DURATION_BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** Seconds: from a look at the log's end to a rebuild. */
const LAG_BOUNDARIES = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600, 86_400];

/**
 * A listener that writes what happens to projections into metrics, with OpenTelemetry's API: give it to a worker or a handler as
 * `onEvent`. Start the SDK before the first projection runs. Without an SDK it does nothing.
 */
export function createProjectionMetrics(
  options: ProjectionMetricsOptions = {},
): (event: ProjectionEvent) => void {
  let record: ((event: ProjectionEvent) => void) | undefined;
  return (event) => {
    // The global meter provider is no stand-in for one that is set later.
    record ??= createRecorder(options.meterProvider ?? metrics.getMeterProvider());
    record(event);
  };
}

function createInstruments(provider: MeterProvider) {
  const meter = provider.getMeter(SCOPE);
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description });
  const seconds = (name: string, boundaries: number[], description: string) =>
    meter.createHistogram(name, {
      unit: "s",
      description,
      advice: { explicitBucketBoundaries: boundaries },
    });
  return {
    events: counter("tuppence.projection.events", "{event}", "Events handled."),
    positions: counter("tuppence.projection.positions", "{position}", "Positions moved over."),
    retries: counter("tuppence.projection.retries", "{retry}", "What failed and is tried again."),
    parked: counter("tuppence.projection.parked", "{event}", "Events put aside."),
    replayed: counter("tuppence.projection.replayed", "{event}", "Parked events that are settled."),
    skipped: counter("tuppence.projection.skipped", "{event}", "Events left out as they failed."),
    halts: counter("tuppence.projection.halts", "{halt}", "Times that a slot stood still."),
    failures: counter("tuppence.projection.failures", "{failure}", "What keeps projections from running."),
    duration: seconds("tuppence.projection.batch.duration", DURATION_BOUNDARIES, "Duration of batches."),
    lag: seconds("tuppence.projection.lag", LAG_BOUNDARIES, "Age of the newest event of a batch, handled."),
    halted: meter.createUpDownCounter("tuppence.projection.halted", {
      unit: "{slot}",
      description: "Slots that stand still.",
    }),
    position: meter.createGauge("tuppence.projection.position", {
      unit: "{position}",
      description: "Up to where a slot has handled the log.",
    }),
  };
}

function createRecorder(provider: MeterProvider): (event: ProjectionEvent) => void {
  const to = createInstruments(provider);
  const haltChange = createHaltFollower();

  return (event) => {
    const change = haltChange(event);
    if ("slot" in event && change !== 0) to.halted.add(change, buildAttributes(event));
    if (event.type === "batchHandled" || event.type === "caughtUp") {
      to.position.record(event.position, {
        ...buildAttributes(event),
        "tuppence.projection.slot": event.slot,
      });
    }
    switch (event.type) {
      case "batchHandled": {
        const of = buildAttributes(event);
        if (event.events > 0) to.events.add(event.events, of);
        to.positions.add(event.positions, of);
        to.duration.record(event.durationMs / 1_000, of);
        if (event.lagMs !== undefined) to.lag.record(event.lagMs / 1_000, of);
        return;
      }
      case "retrying":
        return to.retries.add(1, { ...buildAttributes(event), ...errorAttribute(event.error) });
      case "parked":
        return to.parked.add(1, {
          ...buildAttributes(event),
          "tuppence.projection.reason": event.event.reason,
        });
      case "replayed":
        return to.replayed.add(1, {
          ...buildAttributes(event),
          "tuppence.projection.skipped": event.skipped,
        });
      case "skipped":
        return to.skipped.add(1, { ...buildAttributes(event), ...errorAttribute(event.error) });
      case "halted":
        return to.halts.add(1, { ...buildAttributes(event), ...errorAttribute(event.error) });
      case "registrationFailed":
        return to.failures.add(1, {
          "tuppence.projection.name": event.projection,
          "tuppence.projection.failure": event.type,
          ...errorAttribute(event.error),
        });
      case "lease":
        if (!("error" in event.event)) return;
        return to.failures.add(1, {
          "tuppence.projection.failure": event.event.type,
          ...errorAttribute(event.event.error),
        });
      default:
    }
  };
}

/** Tells whether a slot that runs here begins (1) or ceases (-1) to stand still with an event; 0 for neither. */
function createHaltFollower(): (event: ProjectionEvent) => number {
  const halted = new Set<string>();
  return (event) => {
    if (!("slot" in event)) return 0;
    const key = `${event.projection}@${event.build}#${event.slot}`;
    const before = halted.size;
    if (event.type === "halted") halted.add(key);
    // Who runs a slot after this process tells of it.
    if (GOING_ON.has(event.type)) halted.delete(key);
    return halted.size - before;
  };
}

const GOING_ON: ReadonlySet<ProjectionEvent["type"]> = new Set(["batchHandled", "caughtUp", "slotStopped"]);

function buildAttributes({ projection, build }: Pick<SlotRef, "projection" | "build">): Attributes {
  return { "tuppence.projection.name": projection, "tuppence.projection.build": build };
}

/** The code of an error of ours, otherwise its name: there are few of them. */
function errorAttribute(error: unknown): Attributes {
  if (error instanceof TuppenceError) return { "error.type": error.code };
  return { "error.type": error instanceof Error ? error.name : "_OTHER" };
}
