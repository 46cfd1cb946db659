import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { EventDefinitions } from "@tuppence/core";
import type {
  BatchContext,
  BatchLimits,
  BuildContext,
  DocumentProjection,
  FailurePolicy,
  HandlerProjection,
  ProjectedEvent,
  Projection,
  ReactionContext,
  ReactorProjection,
} from "./projection.ts";

/** Slots of a projection at most: all of them change hands in one transaction. */
export const MAX_SLOTS = 64;

/** What is handled at a time when nothing else is said. */
export const DEFAULT_BATCH: BatchLimits = { maxEvents: 500, maxCharacters: 1_000_000, maxDelayMs: 0 };

/** The same of documents, each of which is put once each batch: more events at a time are fewer puts. */
export const DEFAULT_DOCUMENT_BATCH: BatchLimits = { ...DEFAULT_BATCH, maxEvents: 2_000 };

/** The same where every batch is a transaction of at most 100 writes and 4 MB. */
export const DEFAULT_TRANSACTION_BATCH: BatchLimits = {
  maxEvents: 25,
  maxCharacters: 1_000_000,
  maxDelayMs: 0,
};

/** How often code of the user's own is tried on an event before it counts as one that can't be handled. */
export const DEFAULT_MAX_ATTEMPTS = 5;

/** Events of one slot that may be parked at a time. */
export const DEFAULT_MAX_PARKED = 1_000;

/** What the three shapes of a projection have in common. */
export interface ProjectionOptions<Definitions extends EventDefinitions, Type extends string> {
  /** Letters, digits, `-`, `_` and `.`, at most 64; stays for ever. */
  readonly name: string;
  /** A whole number from 1. Raise it when the fold, the key or the slots change: a new version is built beside the live one. */
  readonly version: number;
  /** The event definitions, from `defineEvents`: only for the types of the events. */
  readonly events?: Definitions | undefined;
  /** The types that it handles; the others are passed over without being opened. Default: all. */
  readonly types?: readonly Type[] | undefined;
  /** The categories of streams that it is about. Default: all. */
  readonly categories?: readonly string[] | undefined;
  /**
   * In how many parts it runs, each with a position of its own, in any number of processes: documents are shared out by
   * their keys, other events by their streams. 1 to 64, default 1. Changing it takes a new version.
   */
  readonly slots?: number | undefined;
  /** Where it begins when it is run for the first time: with all events there are (default), or with those to come. */
  readonly startFrom?: "beginning" | "end" | undefined;
  /** How much is handled at a time. Default: 500 events, 2,000 of documents, 25 in transaction mode; 1,000,000 characters; no waiting. */
  readonly batch?: Partial<BatchLimits> | undefined;
  /**
   * What to do with an event that can't be handled. `"park"` (default): put it aside, with all later ones of its stream, and
   * go on with the others; see `parked` and `replay`. Not with `loadPosition`, where the default is `"halt"`. `"skip"`: leave it out. `"halt"`: stand still until it succeeds.
   */
  readonly onFailure?: FailurePolicy | undefined;
  /** How often a handler or reactor is tried on what fails, unless it says more. Default 5. Folds are pure, and tried once. */
  readonly maxAttempts?: number | undefined;
  /** Events of one slot that may be parked; more of them halt it. Default 1,000. */
  readonly maxParked?: number | undefined;
}

/** Nothing is inferred from what takes it: a function for more events than these fits as well. */
type EventFor<Definitions extends EventDefinitions, Type extends string> = NoInfer<
  ProjectedEvent<Definitions, Type>
>;

export interface DocumentOptions<Definitions extends EventDefinitions, Type extends string, State>
  extends ProjectionOptions<Definitions, Type> {
  /** The document, or documents, that an event goes into: 1 to 1,024 bytes each; undefined for none. */
  readonly key: (event: EventFor<Definitions, Type>) => string | readonly string[] | undefined;
  readonly initialState: (key: string) => State;
  /** The next state; undefined takes the document away. It is plain JSON. */
  readonly evolve: (state: State, event: EventFor<Definitions, Type>, key: string) => State | undefined;
  /** What each state has to fit; it is checked, not changed: Zod or any other Standard Schema. Default: unchecked. */
  readonly schema?: StandardSchemaV1<State, unknown> | undefined;
  /**
   * `"guard"` (default): every document by itself, once each batch. `"transaction"`: all documents of a batch together with the position,
   * for twice the write units; nobody ever sees one without the others.
   */
  readonly mode?: "guard" | "transaction" | undefined;
}

interface HandlerOptions<Definitions extends EventDefinitions, Type extends string>
  extends ProjectionOptions<Definitions, Type> {
  /** Called before the first batch of a build, and perhaps again: creates what it writes to, empty. */
  readonly prepare?: ((build: BuildContext) => Promise<void> | void) | undefined;
  /** Called when a build is not needed any more, and perhaps again: takes away what it wrote. */
  readonly retire?: ((build: BuildContext) => Promise<void> | void) | undefined;
}

export interface TransactionHandlerOptions<Definitions extends EventDefinitions, Type extends string>
  extends HandlerOptions<Definitions, Type> {
  readonly mode: "transaction";
  /**
   * Answers the writes that follow from the events; they are made exactly once, in one transaction with the position. When they
   * are more than 99 it is called again with fewer events. May read, and write nothing by itself.
   */
  readonly handle: (
    events: readonly EventFor<Definitions, Type>[],
    context: BatchContext,
  ) => Promise<readonly TransactWriteItem[]> | readonly TransactWriteItem[];
}

export interface AtLeastOnceHandlerOptions<Definitions extends EventDefinitions, Type extends string>
  extends HandlerOptions<Definitions, Type> {
  readonly mode?: "atLeastOnce" | undefined;
  /** Does what follows from the events, in any database. They come again after a crash, in batches that may end elsewhere. */
  readonly handle: (
    events: readonly EventFor<Definitions, Type>[],
    context: BatchContext,
  ) => Promise<void> | void;
  /**
   * The position that the other database keeps, where it moves in the same transaction as the data; undefined or 0: none
   * yet. Then nothing is done twice. Default: the position is kept here.
   */
  readonly loadPosition?:
    | ((build: BuildContext & { readonly slot: number }) => Promise<number | undefined>)
    | undefined;
}

export interface ReactorOptions<Definitions extends EventDefinitions, Type extends string>
  extends ProjectionOptions<Definitions, Type> {
  /** The side effect of an event. Those of one stream come in order, one after the other; after a crash some come again. */
  readonly react: (event: EventFor<Definitions, Type>, context: ReactionContext) => Promise<void> | void;
}

/**
 * Defines a projection: a read model or side effects that follow from the events of the global log. In one of three shapes:
 *
 * - a **document** (`key`, `initialState`, `evolve`): a fold of the events that have its key, stored in the table
 *   `<prefix>-documents`;
 * - a **handler** (`handle`): batches of events, for writes to DynamoDB that are made exactly once (`mode: "transaction"`) or for
 *   any other database;
 * - a **reactor** (`react`): side effects, one event after the other, at least once.
 *
 * It is data: `createProjectionWorker` runs it.
 *
 * @throws TypeError or RangeError for what can't be.
 */
export function defineProjection<
  const Definitions extends EventDefinitions,
  const Type extends keyof Definitions & string,
>(options: ReactorOptions<Definitions, Type>): ReactorProjection;
export function defineProjection<
  const Definitions extends EventDefinitions,
  const Type extends keyof Definitions & string,
>(
  options: TransactionHandlerOptions<Definitions, Type> | AtLeastOnceHandlerOptions<Definitions, Type>,
): HandlerProjection<ProjectedEvent<Definitions, Type>>;
export function defineProjection<
  const Definitions extends EventDefinitions,
  const Type extends keyof Definitions & string,
  State,
>(
  options: DocumentOptions<Definitions, Type, NoInfer<State>> & {
    readonly schema: StandardSchemaV1<State, unknown>;
  },
): DocumentProjection<State, ProjectedEvent<Definitions, Type>>;
// The last one is what the compiler explains when none fits.
export function defineProjection<
  const Definitions extends EventDefinitions,
  const Type extends keyof Definitions & string,
  State,
>(
  options: DocumentOptions<Definitions, Type, State>,
): DocumentProjection<State, ProjectedEvent<Definitions, Type>>;
export function defineProjection(options: object): Projection {
  const given = options as GivenOptions;
  const shapes = (["evolve", "handle", "react"] as const).filter((each) => given[each] !== undefined);
  const [shape] = shapes;
  if (shapes.length !== 1 || shape === undefined) {
    throw new TypeError(
      `Projection ${JSON.stringify(given.name)} has ${shapes.join(" and ") || "nothing to do"}: ` +
        "it needs evolve, handle or react, and one of them only.",
    );
  }
  const isTransaction = given["mode"] === "transaction";
  if (shape === "handle" && isTransaction && given["loadPosition"] !== undefined) {
    throw new TypeError(
      `Projection ${given.name} has loadPosition: in transaction mode its position is here.`,
    );
  }
  const ownBatch = shape === "evolve" ? DEFAULT_DOCUMENT_BATCH : DEFAULT_BATCH;
  const base = {
    ...checkedBase(given),
    batch: checkedBatch(given, isTransaction ? DEFAULT_TRANSACTION_BATCH : ownBatch),
  };
  checkFunctions(given, shape === "evolve" ? ["key", "initialState", "evolve"] : [shape]);
  checkFunctions(
    given,
    HOOKS.filter((hook) => given[hook] !== undefined),
  );
  checkSchema(given);
  switch (shape) {
    case "evolve":
      return Object.freeze({
        ...base,
        kind: "document" as const,
        mode: checkedChoice(given, "mode", ["guard", "transaction"] as const),
        ...pick(given, ["key", "initialState", "evolve", "schema"]),
      }) as unknown as DocumentProjection;
    case "handle":
      return Object.freeze({
        ...base,
        kind: "handler" as const,
        mode: checkedChoice(given, "mode", ["atLeastOnce", "transaction"] as const),
        ...pick(given, ["handle", "prepare", "retire", "loadPosition"]),
      }) as unknown as HandlerProjection;
    case "react":
      return Object.freeze({
        ...base,
        kind: "reactor" as const,
        ...pick(given, ["react"]),
      }) as unknown as ReactorProjection;
  }
}

/** What a handler may have beside `handle`. */
const HOOKS = ["prepare", "retire", "loadPosition"];

/** What was given, of whatever types. */
type GivenOptions = ProjectionOptions<EventDefinitions, string> & Partial<Record<string, unknown>>;

function checkedBase(options: GivenOptions): Omit<Projection, "kind" | "mode" | "batch"> {
  const { name, version, types, categories } = options;
  if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name)) {
    throw new TypeError(
      `A projection's name has 1 to 64 letters, digits, -, _ and ., which ${JSON.stringify(name)} has not.`,
    );
  }
  const { slots = 1, maxAttempts = DEFAULT_MAX_ATTEMPTS, maxParked = DEFAULT_MAX_PARKED } = options;
  checkWhole({ version, slots, maxAttempts, maxParked });
  if (slots > MAX_SLOTS) throw new RangeError(`slots is ${slots}; ${MAX_SLOTS} is the most.`);
  for (const [what, list] of Object.entries({ types, categories })) {
    if (list !== undefined && !Array.isArray(list))
      throw new TypeError(
        `${what} of projection ${name} are ${JSON.stringify(list)}; they have to be a list.`,
      );
    if (list?.length === 0)
      throw new RangeError(`${what} of projection ${name} are empty: it would do nothing.`);
  }
  return {
    name,
    version,
    types,
    categories,
    slots,
    maxAttempts,
    maxParked,
    startFrom: checkedChoice(options, "startFrom", ["beginning", "end"] as const),
    onFailure: checkedPolicy(options),
  };
}

/** Where another database keeps the position, a parked event would come behind it, and be refused there. */
function checkedPolicy(options: GivenOptions): FailurePolicy {
  if (options["loadPosition"] === undefined) {
    return checkedChoice(options, "onFailure", ["park", "skip", "halt"] as const);
  }
  if (options.onFailure === "park") {
    throw new TypeError(
      `Projection ${options.name} has loadPosition, and nothing can be parked then: onFailure is halt or skip.`,
    );
  }
  return checkedChoice(options, "onFailure", ["halt", "skip"] as const);
}

function checkedBatch(
  { batch }: { readonly batch?: Partial<BatchLimits> | undefined },
  defaults: BatchLimits,
): BatchLimits {
  const limits = { ...defaults, ...batch };
  checkWhole({ maxEvents: limits.maxEvents, maxCharacters: limits.maxCharacters });
  if (!(limits.maxDelayMs >= 0)) throw new RangeError(`maxDelayMs is ${limits.maxDelayMs}; it can't be.`);
  return limits;
}

/** @throws RangeError for a value that is no whole number from 1. */
function checkWhole(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(Number.isSafeInteger(value) && value >= 1)) {
      throw new RangeError(`${name} is ${String(value)}; it has to be a whole number from 1.`);
    }
  }
}

function checkedChoice<const Choice extends string>(
  options: Partial<Record<string, unknown>>,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const value = options[name] ?? choices[0];
  if ((choices as readonly unknown[]).includes(value)) return value as Choice;
  throw new RangeError(`${name} is ${JSON.stringify(value)}; it has to be one of ${choices.join(", ")}.`);
}

function checkFunctions(options: Partial<Record<string, unknown>>, names: readonly string[]): void {
  for (const name of names) {
    if (typeof options[name] !== "function") {
      throw new TypeError(`${name} of a projection is ${typeof options[name]}; it has to be a function.`);
    }
  }
}

function checkSchema({ name, schema }: GivenOptions): void {
  if (schema === undefined || Object(schema)["~standard"] !== undefined) return;
  throw new TypeError(`The schema of projection ${name} is no Standard Schema.`);
}

/** What was given of these, and nothing else. */
function pick(options: Partial<Record<string, unknown>>, names: readonly string[]): object {
  return Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}
