import type { SchedulerContext } from "../context.ts";
import type { Entry } from "../entries/entry.ts";
import { TargetTimeoutError } from "../errors.ts";
import { deadlinesOf } from "./deadlines.ts";
import { onAbort } from "./on-abort.ts";
import {
  DEFAULT_TARGET_TIMEOUT_MS,
  type FireContext,
  type Occurrence,
  type Target,
} from "../targets/target.ts";

/** How much longer a claim lasts than an attempt may, in milliseconds: for the writes around it. */
const CLAIM_MARGIN_MS = 30_000;

function timeoutOf({ timeoutMs = DEFAULT_TARGET_TIMEOUT_MS }: Pick<Target, "timeoutMs">): number {
  return timeoutMs;
}

/** How long an occurrence stays with whoever claimed it, in milliseconds. */
export function claimDurationMs(target: Target): number {
  return timeoutOf(target) + CLAIM_MARGIN_MS;
}

/** What a target is told. */
export function occurrenceOf(entry: Entry, attempt: number): Occurrence {
  const { id, name, definition, dueMs, fireAtMs } = entry;
  const { group, payload } = definition;
  return {
    id,
    name,
    group,
    dueAt: new Date(dueMs),
    fireAt: new Date(fireAtMs),
    payload: payload === undefined ? undefined : JSON.parse(payload),
    attempt,
  };
}

/**
 * Lets a target make its attempt, and gives up on it in time.
 *
 * @throws TargetTimeoutError, or what the target throws.
 */
export async function attemptTarget<Result>(
  { runtime }: Pick<SchedulerContext, "runtime">,
  attempt: {
    readonly name: string;
    readonly target: Pick<Target, "timeoutMs">;
    readonly signal: AbortSignal | undefined;
  },
  fire: (context: FireContext) => Promise<Result>,
): Promise<Result> {
  const { name, signal } = attempt;
  signal?.throwIfAborted();
  const timeoutMs = timeoutOf(attempt.target);
  const ending = new EarlyEnd();
  const inTime = deadlinesOf(runtime).set(timeoutMs, () => {
    ending.giveUp(new TargetTimeoutError(name, timeoutMs));
  });
  const unlink = signal && onAbort(signal, () => ending.giveUp(signal.reason));
  try {
    return await Promise.race([(async () => fire(ending))(), ending.givenUp]);
  } finally {
    inTime();
    unlink?.();
  }
}

/** The end of an attempt that is given up. There is a signal only for who asks for it: most attempts are over before that would pay. */
class EarlyEnd implements FireContext {
  /** Rejects with the reason. */
  readonly givenUp: Promise<never>;
  #giveUp: (reason: unknown) => void = () => undefined;
  #controller: AbortController | undefined;
  #end: { readonly reason: unknown } | undefined;

  constructor() {
    this.givenUp = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#end !== undefined) this.#controller.abort(this.#end.reason);
    }
    return this.#controller.signal;
  }

  giveUp(reason: unknown): void {
    this.#end ??= { reason };
    this.#controller?.abort(reason);
    this.#giveUp(reason);
  }
}
