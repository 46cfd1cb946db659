import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Runtime } from "@tuppence/core";
import { type Backoff, DEFAULT_RETRY_BACKOFF } from "@tuppence/core/failures";
import { DEFAULT_LEASE_DURATION_MS } from "@tuppence/core/leases";
import type { Message } from "../message.ts";
import type { GroupEvent } from "./group-event.ts";
import type { LaneState } from "./lane-state.ts";

/**
 * What becomes of a message that can't be handled. `block`: its lane stands still until it can be. `parkMessage`: it is put aside,
 * and the others go on. `parkKey`: so are all that follow of its key, so that a key stays in order; without a key, it alone. `skip`:
 * it is left out for good.
 */
export type FailurePolicy = "block" | "parkMessage" | "parkKey" | "skip";

/** Where a group begins: with the first message there is, behind the last, with a position, or with the first enqueued at a time or later. */
export type StartAt = "beginning" | "end" | number | Date;

/** What a handler is told beside the message. */
export interface HandlerContext {
  /** Aborted when the lane is lost, or the handler has taken too long: stop, what is done from then on may be done twice. */
  readonly signal: AbortSignal;
  /** From 1; begins anew when another process takes over. */
  readonly attempt: number;
  readonly group: string;
  readonly lane: number;
  /** Goes up whenever the lanes are changed or the group is reset. */
  readonly generation: number;
}

export interface BatchContext extends HandlerContext {
  /** Says that everything up to a position is done: when the handler fails afterwards, those come not again. */
  readonly handled: (position: number) => void;
}

/** Handles one message. It is done when the promise resolves. Throw `NonRetryableError` or `RetryAfterError` to say more. */
export type MessageHandler<Body = unknown> = (message: Message<Body>, context: HandlerContext) => unknown;

/** Handles several messages of a lane, in order. */
export type BatchHandler<Body = unknown> = (
  messages: readonly Message<Body>[],
  context: BatchContext,
) => unknown;

/** Answers the writes that follow from several messages: they are made together with the move of the cursor, exactly once. */
export type TransactionHandler<Body = unknown> = (
  messages: readonly Message<Body>[],
  context: HandlerContext,
) => Promise<readonly TransactWriteItem[]> | readonly TransactWriteItem[];

/** What is to be done with the messages of a group. */
type Handling =
  | { readonly kind: "each"; readonly handle: MessageHandler }
  | { readonly kind: "batch"; readonly handle: BatchHandler }
  | { readonly kind: "transaction"; readonly handle: TransactionHandler };

/** What all consumers can be told. */
export interface GroupOptions {
  /**
   * In how many parts the group is worked on at a time, by one process or many: 1 keeps all messages in their one order, more keep
   * the order of each key. Other lanes than the group has are changed to when the consumer is started, each where it is, with
   * the order kept. Default: those that the group has; 1 for a new one.
   */
  readonly lanes?: number | undefined;
  /** Where the group begins if there is none of the name yet. Default `"beginning"`. */
  readonly from?: StartAt | undefined;
  /** Default `"block"`. */
  readonly onFailure?: FailurePolicy | undefined;
  /**
   * How often a message is tried before `onFailure` takes place. What fails for the moment only (throttling, connections,
   * `RetryAfterError`) is not counted, and tried for ever. Default 5.
   */
  readonly maxAttempts?: number | undefined;
  /** Before what failed is tried again, in ms: doubled each time, half of it chance. Default `{ baseMs: 100, maxMs: 30_000 }`. */
  readonly backoff?: Backoff | undefined;
  /** Messages that a lane parks at most; beyond, it blocks. Each makes what is stored with an ack 5 to 20 bytes larger. Default 1,000. */
  readonly maxParked?: number | undefined;
  /** What a handler may take, in ms; it counts as a failed attempt. Default: no limit, the lease is kept while it runs. */
  readonly handlerTimeoutMs?: number | undefined;
  /** How long a lane stays with a process that gives no sign of life, in ms. Default 10,000. */
  readonly leaseDurationMs?: number | undefined;
  /** How often the end of the queue is looked at, in ms, for all lanes and groups of the process; 0.5 RCU each. Default 100. */
  readonly pollIntervalMs?: number | undefined;
  /** The looks get rarer while nothing comes, down to one in this time, in ms. Default 1,000. */
  readonly maxIdleMs?: number | undefined;
  /** To recognise this process by; a random part is added. Default: none. */
  readonly workerId?: string | undefined;
  /** Sees what happens; must not throw. Default: nobody does. */
  readonly onEvent?: ((event: GroupEvent) => void) | undefined;
}

export interface MessageConsumeOptions extends GroupOptions {
  readonly batchSize?: undefined;
  readonly mode?: undefined;
  /** Messages that are handled before the cursor is stored, for 1 WCU; as many may come again after a crash. Default 1. */
  readonly ackEvery?: number | undefined;
}

export interface BatchConsumeOptions extends GroupOptions {
  readonly mode?: undefined;
  readonly ackEvery?: undefined;
  /** Messages that a handler gets at most; it never waits for more than there are. Stored with 1 WCU a batch. */
  readonly batchSize: number;
}

export interface TransactionConsumeOptions extends GroupOptions {
  /** What the handler answers is written together with the cursor: exactly once. For tables of the same account and Region. */
  readonly mode: "transaction";
  readonly ackEvery?: undefined;
  /** Default 1. When more than 99 writes follow from a batch, it is halved. */
  readonly batchSize?: number | undefined;
}

export type ConsumeOptions = MessageConsumeOptions | BatchConsumeOptions | TransactionConsumeOptions;

/** Options with their defaults. */
export interface ConsumeSettings {
  readonly lanes: number | undefined;
  readonly from: StartAt;
  readonly onFailure: FailurePolicy;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  readonly maxParked: number;
  readonly handlerTimeoutMs: number | undefined;
  readonly leaseDurationMs: number;
  readonly polling: { readonly pollIntervalMs: number; readonly maxIdleMs: number };
  readonly workerId: string | undefined;
  readonly emit: (event: GroupEvent) => void;
  readonly handling: Handling;
  /** Messages that are dealt with before the cursor is stored. */
  readonly partSize: number;
  /** How long it may take until what was only passed over is stored, in ms. */
  readonly passedStoreMs: number;
  /** Called whenever the state of a lane has been stored. */
  readonly onMoved: (lane: number, state: LaneState) => void;
  readonly runtime: Runtime;
}

/** How often a message is tried when nothing else is said, the first time included. */
export const DEFAULT_MAX_ATTEMPTS = 5;
/** Messages that a group may have parked when nothing else is said. */
export const DEFAULT_MAX_PARKED = 1_000;
/** How soon the end of a queue is looked at again while messages come, in milliseconds, when nothing else is said. */
export const DEFAULT_POLL_INTERVAL_MS = 100;
/** How rarely it is looked at while none comes, in milliseconds, when nothing else is said. */
export const DEFAULT_MAX_IDLE_MS = 1_000;

/** The states of 10,000 parked messages would take half of an item. */
const MAX_MAX_PARKED = 10_000;

/** Lanes that a group may have. */
export const MAX_LANES = 1_000;

const PASSED_STORE_MS = 1_000;

/** @throws TypeError or RangeError for options that can't be. */
export function consumeSettings(
  handler: unknown,
  options: ConsumeOptions,
  runtime: Runtime,
): ConsumeSettings {
  const { lanes, from = "beginning", onFailure = "block", mode, batchSize, ackEvery = 1 } = options;
  const { maxAttempts = DEFAULT_MAX_ATTEMPTS, backoff = DEFAULT_RETRY_BACKOFF } = options;
  const { maxParked = DEFAULT_MAX_PARKED, handlerTimeoutMs } = options;
  const { leaseDurationMs = DEFAULT_LEASE_DURATION_MS, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS } = options;
  const { maxIdleMs = Math.max(DEFAULT_MAX_IDLE_MS, pollIntervalMs) } = options;
  if (typeof handler !== "function")
    throw new TypeError(`A consumer needs a handler, not ${typeof handler}.`);
  if (!["block", "parkMessage", "parkKey", "skip"].includes(onFailure)) {
    throw new TypeError(`onFailure is ${JSON.stringify(onFailure)}; it can't be.`);
  }
  if (mode !== undefined && mode !== "transaction") {
    throw new TypeError(`mode is ${JSON.stringify(mode)}; it can only be "transaction".`);
  }
  checkLanes(lanes);
  checkStart(from);
  checkWhole({ batchSize, ackEvery, maxAttempts, pollIntervalMs });
  checkWhole({ maxParked }, 0, MAX_MAX_PARKED);
  checkMs({ ...backoff, handlerTimeoutMs, maxIdleMs });
  const handling = {
    kind: mode ?? (batchSize === undefined ? "each" : "batch"),
    handle: handler,
  } as Handling;
  return {
    lanes,
    from,
    onFailure,
    maxAttempts,
    backoff,
    maxParked,
    handlerTimeoutMs,
    leaseDurationMs,
    polling: { pollIntervalMs, maxIdleMs },
    workerId: options.workerId,
    emit: options.onEvent ?? ((): void => undefined),
    handling,
    partSize: batchSize ?? (handling.kind === "each" ? ackEvery : 1),
    passedStoreMs: PASSED_STORE_MS,
    onMoved: () => undefined,
    runtime,
  };
}

export function checkLanes(lanes: number | undefined): void {
  checkWhole({ lanes }, 1, MAX_LANES);
}

/** @throws TypeError */
export function checkStart(at: StartAt): void {
  if (at === "beginning" || at === "end") return;
  if (at instanceof Date && !Number.isNaN(at.getTime())) return;
  if (typeof at === "number" && Number.isSafeInteger(at) && at >= 1) return;
  throw new TypeError(
    `A group can't begin at ${String(at)}: "beginning", "end", a position or a Date is needed.`,
  );
}

function checkWhole(
  numbers: Readonly<Record<string, number | undefined>>,
  least: number = 1,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) continue;
    throw new RangeError(
      `${name} is ${String(value)}; it has to be a whole number from ${least} to ${most}.`,
    );
  }
}

function checkMs(times: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(times)) {
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    throw new RangeError(`${name} is ${String(value)}; it can't be.`);
  }
}
