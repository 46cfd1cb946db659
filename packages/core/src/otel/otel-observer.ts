import {
  type Attributes,
  context,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type TracerProvider,
} from "@opentelemetry/api";
import { VersionConflictError } from "../conflict-errors.ts";
import type { Observation, Observer, Operation, OperationOutcome } from "../observer.ts";
import { classify, errorType, isRejectionByDefault, type OutcomeKind } from "./classify.ts";
import { createInstruments, type RecordMetrics } from "./instruments.ts";

export interface OtelObserverOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default: the one that is global when the first operation begins. */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * Whether what a decider threw is its answer to the command (outcome `rejected`) and no failure (outcome `error`).
   * Default: everything but `TypeError` and the other errors by which JavaScript tells that a program is wrong, and but our own.
   */
  readonly isRejection?: ((error: unknown) => boolean) | undefined;
}

const SCOPE = "@tuppence/core";

/** Operations that nothing is counted for. */
const UNBILLED: ReadonlySet<Operation["name"]> = new Set(["decide", "ensureTables"]);

/**
 * An observer that writes a span and metrics for every operation, with OpenTelemetry's API: give it to the store and
 * to the command handlers. Start the SDK before the first operation. Without an SDK it does nothing, slowly.
 */
export function createOtelObserver(options: OtelObserverOptions = {}): Observer {
  const { tracerProvider = trace.getTracerProvider(), isRejection = isRejectionByDefault } = options;
  const tracer = tracerProvider.getTracer(SCOPE);
  // The global meter provider, other than the tracer's, is no stand-in for one that is set later.
  let instruments: RecordMetrics | undefined;
  /** What deciders threw to refuse a command, to know it again where the command ends. */
  const rejections = new WeakSet<object>();

  return {
    start(operation): Observation {
      instruments ??= createInstruments(options.meterProvider ?? metrics.getMeterProvider(), SCOPE);
      const record = instruments;
      const startedMs = performance.now();
      const span = tracer.startSpan(`tuppence.${operation.name}`, {
        kind: SpanKind.INTERNAL,
        attributes: startAttributes(operation),
      });
      const inside = trace.setSpan(context.active(), span);
      let retries = 0;

      return {
        run: (work) => context.with(inside, work),
        retry(attempt, conflict) {
          retries += 1;
          span.addEvent("tuppence.conflict", {
            "tuppence.attempt": attempt,
            ...conflictAttributes(conflict),
          });
        },
        end(outcome) {
          const { error } = outcome;
          if (operation.name === "decide" && isObject(error) && isRejection(error)) rejections.add(error);
          const kind = classify(
            operation,
            outcome,
            (failure) => isObject(failure) && rejections.has(failure),
          );
          const attempts = outcome.attempts ?? (retries > 0 ? retries + 1 : undefined);
          if (!UNBILLED.has(operation.name)) span.setAttributes(capacityAttributes(outcome));
          endSpan(span, { ...outcome, attempts }, kind);
          record({ operation, outcome, kind, attempts, seconds: (performance.now() - startedMs) / 1_000 });
        },
      };
    },
  };
}

function endSpan(span: Span, outcome: OperationOutcome, kind: OutcomeKind): void {
  const { error } = outcome;
  span.setAttributes({ "tuppence.outcome": kind, ...resultAttributes(outcome) });
  if (error instanceof VersionConflictError) span.setAttributes(conflictAttributes(error));
  if (kind === "rejected") span.setAttribute("tuppence.rejection", errorType(error));
  if (kind === "error") {
    span.setAttribute("error.type", errorType(error));
    const message = error instanceof Error ? error.message : String(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}

function startAttributes({ name, streamId, category, expectedVersion }: Operation): Attributes {
  return {
    "tuppence.operation": name,
    "tuppence.stream_id": streamId,
    "tuppence.category": category,
    "tuppence.expected_version": expectedVersion === undefined ? undefined : String(expectedVersion),
  };
}

function resultAttributes(outcome: OperationOutcome): Attributes {
  const { events, version, duplicate, attempts, streams, commits, resends, lostRaces } = outcome;
  return {
    "tuppence.events": events,
    "tuppence.version": version,
    "tuppence.duplicate": duplicate,
    "tuppence.attempts": attempts,
    "tuppence.streams": streams,
    "tuppence.commits": commits,
    "tuppence.resends": resends > 0 ? resends : undefined,
    "tuppence.lost_races": lostRaces > 0 ? lostRaces : undefined,
  };
}

function capacityAttributes({ capacity }: OperationOutcome): Attributes {
  return {
    "tuppence.requests": capacity.requests,
    "tuppence.read_units": capacity.readUnits,
    "tuppence.write_units": capacity.writeUnits,
  };
}

function conflictAttributes({ expected, actual }: VersionConflictError): Attributes {
  return { "tuppence.expected_version": String(expected), "tuppence.actual_version": actual };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
