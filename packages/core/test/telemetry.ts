import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** A span with what began inside of it. */
interface SpanTree {
  readonly name: string;
  readonly outcome: unknown;
  readonly children: readonly SpanTree[];
}

export interface Telemetry {
  readonly tracerProvider: BasicTracerProvider;
  readonly meterProvider: MeterProvider;
  /** The spans that have ended, in the order of their ends. */
  readonly spans: () => readonly ReadableSpan[];
  /** The only span of that name. */
  readonly span: (name: string) => ReadableSpan;
  /** Spans without a parent, in the order of their ends, with their children in that of theirs. */
  readonly trees: () => readonly SpanTree[];
  /** The sums (or, of histograms, counts) by metric name and then attributes as JSON. */
  readonly metrics: () => Promise<Readonly<Record<string, Readonly<Record<string, number>>>>>;
}

/** OpenTelemetry's own SDK, keeping what it is given in memory. */
export function openTelemetry(): Telemetry {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new InMemorySpanExporter();
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 1e9 })],
  });
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  const childrenOf = (parent: string | undefined): readonly SpanTree[] =>
    spans()
      .filter((span) => span.parentSpanContext?.spanId === parent)
      .map((span) => ({
        name: span.name,
        outcome: span.attributes["tuppence.outcome"],
        children: childrenOf(span.spanContext().spanId),
      }));
  return {
    tracerProvider,
    meterProvider,
    spans,
    span(name) {
      const [found, ...more] = spans().filter((span) => span.name === name);
      if (found === undefined || more.length > 0) throw new Error(`There is not one span ${name}.`);
      return found;
    },
    trees: () => childrenOf(undefined),
    async metrics() {
      metricExporter.reset();
      await meterProvider.forceFlush();
      const metrics = metricExporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics[0]?.metrics ?? []);
      return Object.fromEntries(
        metrics.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          Object.fromEntries(
            dataPoints.map(({ attributes, value }) => [
              JSON.stringify(attributes),
              typeof value === "number" ? value : value.count,
            ]),
          ),
        ]),
      );
    },
  };
}
