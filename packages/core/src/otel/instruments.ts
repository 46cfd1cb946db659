import type { Attributes, Counter, MeterProvider } from "@opentelemetry/api";
import type { Operation, OperationOutcome } from "../observer.ts";
import { errorType, type OutcomeKind } from "./classify.ts";

/** Writes an operation that has ended into the metrics. */
export type RecordMetrics = (ended: {
  readonly operation: Operation;
  readonly outcome: OperationOutcome;
  readonly kind: OutcomeKind;
  readonly seconds: number;
  /** How often a command was decided, where that is known. */
  readonly attempts: number | undefined;
}) => void;

/** Seconds, as OpenTelemetry's conventions have them for clients of databases. */
const DURATION_BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const ATTEMPT_BOUNDARIES = [1, 2, 3, 5, 10, 20, 30];

/** The instruments of a provider, with what each records. */
export function createInstruments(provider: MeterProvider, scope: string): RecordMetrics {
  const meter = provider.getMeter(scope);
  const duration = meter.createHistogram("tuppence.operation.duration", {
    description: "Duration of operations.",
    unit: "s",
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
  });
  const attempts = meter.createHistogram("tuppence.command.attempts", {
    description: "How often commands were decided.",
    unit: "{attempt}",
    advice: { explicitBucketBoundaries: ATTEMPT_BOUNDARIES },
  });
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { unit, description });
  const requests = counter("tuppence.requests", "{request}", "Requests to DynamoDB.");
  const readUnits = counter("tuppence.read_units", "{unit}", "Read request units consumed.");
  const writeUnits = counter("tuppence.write_units", "{unit}", "Write request units consumed.");
  const appended = counter("tuppence.events.appended", "{event}", "Events appended.");
  const read = counter("tuppence.events.read", "{event}", "Events read or folded.");
  const conflicts = counter(
    "tuppence.conflicts",
    "{conflict}",
    "Writes refused for their expected versions.",
  );
  const resends = counter("tuppence.resends", "{request}", "Writes sent again after an uncertain outcome.");
  const lostRaces = counter("tuppence.lost_races", "{race}", "Places found taken by writes to any version.");

  return ({ operation, outcome, kind, seconds, attempts: decided }) => {
    const { name } = operation;
    const of = { "tuppence.operation": name, ...categoryAttribute(operation, outcome) };
    duration.record(seconds, {
      ...of,
      "tuppence.outcome": kind,
      ...(kind === "error" ? { "error.type": errorType(outcome.error) } : undefined),
    });
    if (decided !== undefined) attempts.record(decided, { ...categoryAttribute(operation, outcome) });
    // A command's parts are operations of the store, which count for themselves.
    if (name === "handle" || name === "decide") return;
    add(requests, outcome.capacity.requests, of);
    add(readUnits, outcome.capacity.readUnits, of);
    add(writeUnits, outcome.capacity.writeUnits, of);
    add(resends, outcome.resends, of);
    add(lostRaces, outcome.lostRaces, of);
    if (kind === "conflict") add(conflicts, 1, of);
    if ((name === "append" || name === "transact") && !outcome.duplicate)
      add(appended, outcome.events ?? 0, of);
    if (name === "read" || name === "load") add(read, outcome.events ?? 0, of);
  };
}

/** The category, not the stream, as there are few of them. A name that was refused has none. */
function categoryAttribute({ category }: Operation, { error }: OperationOutcome): Attributes {
  if (category === undefined || errorType(error) === "invalidStreamId") return {};
  return { "tuppence.category": category };
}

function add(counter: Counter, value: number, attributes: Attributes): void {
  if (value > 0) counter.add(value, attributes);
}
