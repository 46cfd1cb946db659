import { defineEvents, type EventDefinitions } from "@tuppence/core";
import { z } from "zod";
import { defineProjection } from "../src/definition/define-projection.ts";
import type {
  AnyEvent,
  BatchContext,
  BuildContext,
  Projection,
  ReactionContext,
} from "../src/definition/projection.ts";
import { NonRetryableError } from "@tuppence/core";

/** The projections of the model. What they make lists the events that it was made of, so that each mistake shows. */

export const MODEL_PROJECTIONS = ["single", "mixed", "together", "ledger", "sql", "mails"] as const;
export type ModelName = (typeof MODEL_PROJECTIONS)[number] | "naive";

/** What a process runs: code is deployed in steps, so different processes run different code. */
export interface Code {
  readonly version: number;
  /** Without, some events can't be handled, and some are of types that it does not know. */
  readonly isFixed: boolean;
}

/** What an event says of where old code fails on it. */
export interface EventData {
  readonly keys: readonly string[];
  /** "outage": whatever the code, it can't be handled before something outside is repaired. */
  readonly poison?: "evolve" | "key" | "handle" | "outage" | undefined;
}

const data = z.object({
  keys: z.array(z.string()),
  poison: z.enum(["evolve", "key", "handle", "outage"]).optional(),
});
const OLD_EVENTS = defineEvents({ Added: data, Removed: data });
export const ALL_EVENTS: EventDefinitions = defineEvents({ ...OLD_EVENTS, Later: data });

export function eventsOf({ isFixed }: Code): EventDefinitions {
  return isFixed ? ALL_EVENTS : OLD_EVENTS;
}

/** The outside world, as handlers and reactors have it. */
export interface Outside {
  readonly isRepaired: () => boolean;
  /** One transaction of an SQL database: rows, and a position on its condition. */
  readonly insert: (events: readonly AnyEvent[], context: BatchContext) => Promise<void>;
  readonly loadPosition: (build: BuildContext & { readonly slot: number }) => Promise<number | undefined>;
  readonly drop: (build: BuildContext) => Promise<void>;
  readonly send: (event: AnyEvent, context: ReactionContext) => Promise<void>;
  /** `ADD count :n IF position < :upTo` for each key. */
  readonly count: (events: readonly AnyEvent[], context: BatchContext) => Promise<void>;
}

export function dataOf(event: Pick<AnyEvent, "data">): EventData {
  return event.data as EventData;
}

/** The keys of documents that an event goes into, with code that can handle it. */
export function keysOf(name: ModelName, event: Pick<AnyEvent, "data" | "streamId">): readonly string[] {
  return name === "single" ? [event.streamId] : dataOf(event).keys;
}

export interface Taken {
  readonly taken: string[];
}

export function idOf({ streamId, version }: Pick<AnyEvent, "streamId" | "version">): string {
  return `${streamId}:${version}`;
}

/** What events make of a document. */
export function evolveTaken(
  name: ModelName,
  state: Taken | undefined,
  event: Pick<AnyEvent, "streamId" | "version" | "type">,
): Taken | undefined {
  if (name === "single" && event.type === "Removed") return undefined;
  const { taken } = state ?? { taken: [] };
  // A fold may change what it is given.
  taken.push(idOf(event));
  return { taken };
}

interface Shape {
  readonly code: Code;
  readonly slots: number;
  readonly maxEvents: number;
}

/** A projection as a process with this code has it. */
export function modelProjection(name: ModelName, shape: Shape, outside: Outside): Projection {
  const { code, slots, maxEvents } = shape;
  const base = { name, version: code.version, slots, batch: { maxEvents }, maxAttempts: 2 };
  const checkHandled = (event: AnyEvent): void => {
    check(code, event, "handle");
    check({ isFixed: outside.isRepaired() }, event, "outage");
  };
  const checkAll = (events: readonly AnyEvent[]): void => {
    for (const event of events) checkHandled(event);
  };
  switch (name) {
    case "single":
    case "mixed":
    case "together":
      return defineProjection({
        ...base,
        mode: name === "together" ? "transaction" : "guard",
        key(event: AnyEvent) {
          check(code, event, "key");
          return keysOf(name, event);
        },
        initialState: (): Taken => ({ taken: [] }),
        evolve(state: Taken, event: AnyEvent) {
          check(code, event, "evolve");
          return evolveTaken(name, state, event);
        },
      }) as Projection;
    case "ledger":
      return defineProjection({
        ...base,
        mode: "transaction",
        handle(events: readonly AnyEvent[], { build, slot }) {
          checkAll(events);
          return events.map(({ position }) => ({
            Put: { TableName: `${build}#${slot}`, Item: { position: { N: String(position) } } },
          }));
        },
      });
    case "sql":
      return defineProjection({
        ...base,
        onFailure: "halt",
        async handle(events: readonly AnyEvent[], context) {
          checkAll(events);
          await outside.insert(events, context);
        },
        loadPosition: outside.loadPosition,
        retire: outside.drop,
      });
    case "naive":
      return defineProjection({ ...base, handle: outside.count });
    case "mails":
      return defineProjection({
        ...base,
        async react(event: AnyEvent, context) {
          checkHandled(event);
          await outside.send(event, context);
        },
      });
  }
}

function check({ isFixed }: Pick<Code, "isFixed">, event: AnyEvent, where: EventData["poison"]): void {
  if (isFixed || dataOf(event).poison !== where) return;
  const message = `${idOf(event)} can't be handled now.`;
  throw event.position % 2 === 0
    ? new Error(message)
    : new NonRetryableError(message, { position: event.position });
}
