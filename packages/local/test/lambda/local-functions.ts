import type { InvokeResult, LocalFunction } from "../../src/lambda/local-function.ts";
import type { StreamEvent } from "../../src/lambda/stream-event.ts";

/** A function in this process, and the events that it got. */
export interface TestFunction extends LocalFunction {
  readonly events: readonly StreamEvent[];
}

/** Makes a function of a handler; what it throws comes back as an error of the function. */
export function testFunction(handler: (event: StreamEvent) => unknown): TestFunction {
  const events: StreamEvent[] = [];
  return {
    name: "test",
    events,
    async invoke(event): Promise<InvokeResult> {
      events.push(event as StreamEvent);
      try {
        const reply = await handler(event as StreamEvent);
        return { payload: JSON.stringify(reply ?? null), functionError: undefined };
      } catch (error) {
        return { payload: JSON.stringify({ errorMessage: String(error) }), functionError: "Unhandled" };
      }
    },
  };
}

/** The keys of an event's records. */
export function idsOf(event: StreamEvent): readonly unknown[] {
  return event.Records.map(({ dynamodb }) => dynamodb.Keys?.["id"]?.["S"]);
}
