import { LinkedAbort, pause, type Runtime } from "@tuppence/core";
import type { Message } from "../message.ts";
import type { QueueContext } from "../queue-context.ts";

/** Places in a queue that are read on from without asking anew; each has one request under way at most. */
const MAX_WALKS = 8;

/** Messages that are kept for those who come by a little later: other lanes, other groups. A page, what a request gives, may have more. */
const MAX_KEPT_MESSAGES = 10_000;

/** What is read of a queue at a time. */
export interface FedMessages {
  /** In order, from right behind the position that was asked for; empty at the end. */
  readonly messages: readonly Message[];
  /** Everything up to here was read. */
  readonly position: number;
}

/** How often the end of a queue is looked at while somebody waits there. */
export interface Polling {
  readonly pollIntervalMs: number;
  /** The pauses grow up to this one while nothing comes. */
  readonly maxIdleMs: number;
}

type Walk = AsyncIterator<readonly Message[], unknown>;

interface Waiter {
  readonly after: number;
  readonly polling: Polling;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A queue as all lanes and groups of a process read it: once for all of them, where they are at the same place. */
export class QueueFeed {
  readonly #reader: QueueContext["reader"];
  readonly #runtime: Runtime;
  /** By the position before their first, the oldest first. */
  readonly #kept = new Map<number, readonly Message[]>();
  #keptMessages = 0;
  /** By the position they are at, the least recently used first. */
  readonly #walks = new Map<number, Walk>();
  readonly #reads = new Map<number, Promise<FedMessages>>();
  readonly #waiters = new Set<Waiter>();
  /** Ends the pause before the next look. */
  #polling: AbortController | undefined;
  /** Whether something was enqueued by this process since the last look: it is to be seen by the next. */
  #isWoken = false;
  #hasSeenEnd = false;

  constructor({ reader, runtime, onEnqueued }: Pick<QueueContext, "reader" | "runtime" | "onEnqueued">) {
    this.#reader = reader;
    this.#runtime = runtime;
    onEnqueued(() => this.wake());
  }

  /** Those who wait look at once. */
  wake(): void {
    this.#isWoken = true;
    this.#polling?.abort("woken");
  }

  /** What is behind a position, as much as is at hand; nothing at the end. */
  async read(after: number): Promise<FedMessages> {
    const kept = this.#kept.get(after);
    if (kept !== undefined) return { messages: kept, position: after + kept.length };
    const running = this.#reads.get(after);
    if (running !== undefined) return running;
    const read = this.#step(after).finally(() => this.#reads.delete(after));
    this.#reads.set(after, read);
    return read;
  }

  /** Waits until there is something behind a position, or the signal is aborted. */
  async wait(after: number, polling: Polling, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#kept.has(after)) return;
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter);
        linked[Symbol.dispose]();
        if (this.#waiters.size === 0) this.#polling?.abort("nobody waits");
      };
      const waiter: Waiter = {
        after,
        polling,
        resolve: () => {
          end();
          resolve();
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      const linked = new LinkedAbort(signal);
      linked.signal.addEventListener("abort", () => waiter.resolve(), { once: true });
      this.#waiters.add(waiter);
      if (this.#polling === undefined) void this.#poll();
    });
  }

  /** Looks at the queue's end for all that wait, as long as somebody does. Never rejects. */
  async #poll(): Promise<void> {
    let idleLooks = 0;
    while (this.#waiters.size > 0) {
      const polling = new AbortController();
      this.#polling = polling;
      if (!this.#isWoken) await pause(this.#runtime, this.#pauseMs(idleLooks), polling.signal);
      if (this.#waiters.size === 0) break;
      try {
        idleLooks = (await this.#look()) ? 0 : idleLooks + 1;
      } catch (error) {
        for (const waiter of this.#waiters) waiter.reject(error);
      }
    }
    this.#polling = undefined;
  }

  #pauseMs(idleLooks: number): number {
    const pauses = Array.from(this.#waiters, ({ polling: { pollIntervalMs, maxIdleMs } }) =>
      Math.min(maxIdleMs, pollIntervalMs * 2 ** Math.min(idleLooks, 20)),
    );
    return Math.min(...pauses);
  }

  /** One look for all: at the highest place that somebody waits at; those below have something as soon as it has. */
  async #look(): Promise<boolean> {
    const highest = Math.max(...Array.from(this.#waiters, ({ after }) => after));
    const { position } = await this.read(highest);
    let isFound = false;
    for (const waiter of this.#waiters) {
      if (waiter.after >= position) continue;
      isFound = true;
      waiter.resolve();
    }
    return isFound;
  }

  async #step(after: number): Promise<FedMessages> {
    const walk = this.#walks.get(after);
    this.#walks.delete(after);
    // One that came to the end tells nothing of what was added since.
    const found = (walk && (await this.#next(walk))) ?? (await this.#next(this.#begin(after)));
    if (found === undefined) {
      await this.#seeEnd();
      return { messages: [], position: after };
    }
    const position = after + found.messages.length;
    this.#keep(after, found.messages);
    this.#keepWalk(position, found.walk);
    return { messages: found.messages, position };
  }

  /** Once: a reader that has seen where the queue ends looks for more with one request, not two. */
  async #seeEnd(): Promise<void> {
    if (this.#hasSeenEnd) return;
    await this.#reader.tail();
    this.#hasSeenEnd = true;
  }

  #begin(after: number): Walk {
    // What this process enqueued is there; otherwise half the price does.
    const consistency = this.#isWoken ? "strong" : "eventual";
    this.#isWoken = false;
    return this.#reader.read(after + 1, { consistency })[Symbol.asyncIterator]();
  }

  async #next(
    walk: Walk,
  ): Promise<{ readonly messages: readonly Message[]; readonly walk: Walk } | undefined> {
    const { value, done } = await walk.next();
    return done === true ? undefined : { messages: value, walk };
  }

  #keep(after: number, messages: readonly Message[]): void {
    this.#keptMessages += messages.length - (this.#kept.get(after)?.length ?? 0);
    this.#kept.set(after, messages);
    for (const [oldest, page] of this.#kept) {
      if (this.#keptMessages <= MAX_KEPT_MESSAGES || this.#kept.size === 1) return;
      this.#kept.delete(oldest);
      this.#keptMessages -= page.length;
    }
  }

  #keepWalk(position: number, walk: Walk): void {
    this.#walks.set(position, walk);
    for (const [oldest, other] of this.#walks) {
      if (this.#walks.size <= MAX_WALKS) return;
      this.#walks.delete(oldest);
      // Ends the request ahead.
      void other.return?.();
    }
  }
}
