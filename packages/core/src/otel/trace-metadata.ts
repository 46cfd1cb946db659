import { context, createTraceState, type Link, type SpanContext, trace } from "@opentelemetry/api";
import type { EventMetadata } from "../events.ts";

/** `00-<trace>-<span>-<flags>`, of any later version too. https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;

/**
 * Where the caller is in its trace, to go into the metadata of an append or a command; empty outside of a trace.
 * Always in the form of W3C Trace Context, whatever propagator the process uses: events are read by other programs,
 * years later. About 75 bytes.
 */
export function traceMetadata(): EventMetadata {
  const spanContext = trace.getSpanContext(context.active());
  if (spanContext === undefined || !trace.isSpanContextValid(spanContext)) return {};
  const { traceId, spanId, traceFlags } = spanContext;
  const flags = traceFlags.toString(16).padStart(2, "0");
  const tracestate = spanContext.traceState?.serialize();
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(tracestate ? { tracestate } : undefined) };
}

/**
 * Links to the span that an event was appended in, for a consumer's own span: none if its metadata has no
 * (valid) trace context. A link and no parent, as consumers take events of many traces, at any later time.
 */
export function linksFrom(metadata: EventMetadata): Link[] {
  const { traceparent, tracestate } = metadata;
  const [, traceId, spanId, flags] =
    typeof traceparent === "string" ? (TRACEPARENT.exec(traceparent) ?? []) : [];
  if (traceId === undefined || spanId === undefined) return [];
  const spanContext: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(String(flags), 16),
    isRemote: true,
    ...(typeof tracestate === "string" ? { traceState: createTraceState(tracestate) } : undefined),
  };
  return trace.isSpanContextValid(spanContext) ? [{ context: spanContext }] : [];
}
