import { trace } from "@opentelemetry/api";
import { expect, it } from "vitest";
import { createCommandHandler, createEventStore, type NewEvent } from "@tuppence/core";
//#region readme-imports
import { createOtelObserver, linksFrom, traceMetadata } from "@tuppence/core/otel";
//#endregion readme-imports
import { openTelemetry } from "./telemetry.ts";
import { connect } from "./test-database.ts";

const client = connect("otelexample");
const decider = {
  initialState: () => 0,
  evolve: (count: number) => count + 1,
  decide: (by: number): NewEvent => ({ type: "Counted", data: { by } }),
};

it("the README's example follows an event from its command to its consumer", async () => {
  const telemetry = openTelemetry();
  trace.setGlobalTracerProvider(telemetry.tracerProvider);
  await createEventStore({ client }).ensureTables();
  const tracer = trace.getTracer("example");

  await tracer.startActiveSpan("request", async (request) => {
    //#region readme
    const observer = createOtelObserver();
    const store = createEventStore({ client, observer });
    const handle = createCommandHandler({ store, decider, observer });

    await handle("counter|1", 5, { metadata: traceMetadata() });

    for await (const event of store.read("counter|1")) {
      tracer.startActiveSpan("project", { links: linksFrom(event.metadata) }, (span) => span.end());
    }
    //#endregion readme
    request.end();
  });

  expect(telemetry.trees()).toEqual([
    {
      name: "request",
      outcome: undefined,
      children: [
        {
          name: "tuppence.handle",
          outcome: "ok",
          children: ["load", "decide", "append"].map((name) => ({
            name: `tuppence.${name}`,
            outcome: "ok",
            children: [],
          })),
        },
        { name: "project", outcome: undefined, children: [] },
        { name: "tuppence.read", outcome: "ok", children: [] },
      ],
    },
  ]);
  const [link] = telemetry.span("project").links;
  expect(link?.context.spanId).toBe(telemetry.span("request").spanContext().spanId);
});
