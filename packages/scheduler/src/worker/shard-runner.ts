import { LinkedAbort, pause } from "@tuppence/core";
import type { ControlItem, Lease } from "@tuppence/core/leases";
import type { LimitFunction } from "p-limit";
import { LRUCache } from "lru-cache";
import type { SchedulerContext } from "../context.ts";
import { type OpenMinute, readOpenMinutes } from "../drain/ring.ts";
import { type Entry, isItemOpen } from "../entries/entry.ts";
import { timeKey } from "../entries/entry-id.ts";
import { findEntry, readEntries } from "../entries/read-entries.ts";
import { fireEntry, type FiringContext } from "../firing/fire-entry.ts";
import { nextStep } from "../firing/next-step.ts";
import { closeMinute } from "../minutes/close-minute.ts";
import { endOfMinute, isOver } from "../minutes/minute.ts";
import type { Pulse } from "./pulse.ts";
import { beginsAt, ShardTimer } from "./shard-timer.ts";

export interface ShardSettings {
  /** How often it is looked for what others have scheduled, in milliseconds. */
  readonly lookMs: number;
  /** How long before its time an occurrence is claimed at most, in milliseconds. */
  readonly claimAheadMs: number;
  /** Attempts of targets at a time. */
  readonly attempts: LimitFunction;
  /** What all shards of this process have before them: occurrences that wait to be claimed. */
  readonly load: { waiting: number };
  /** Shared by all shards of this process: claims and ends of all of them are written together. */
  readonly pulse: Pulse;
}

/** Times of what a look is about, both inclusive. */
interface LookRange {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How much more time is taken for claims than they should need: what ends beside them is written as well. */
const RESERVE = 2;
/** What claiming one takes at most, as a rule: a pause of the process or of the network included, in milliseconds. */
const MIN_AHEAD_MS = 200;
/** What begins within so many milliseconds of another is claimed with it. */
const TOGETHER_MS = 50;
/** One look of so many goes as far as is claimed ahead, and back as far as clocks of those who schedule may be behind; the others see what is next. */
const LOOKS_PER_FAR_LOOK = 5;
const FAR_LOOK_BACK_MS = 10_000;
/** Beside what is in between two looks, in milliseconds: for writes that take their time. */
const NEAR_LOOK_MS = 1_000;
/** How often all of a minute is read, in milliseconds. */
const WHOLE_LOOK_MS = 30_000;
/** After what failed, in milliseconds. */
const RETRY_MS = 1_000;
const MAX_DONE = 50_000;

/** Fires what is due in one shard, by the clock, while its lease lasts. */
export class ShardRunner {
  readonly #context: FiringContext;
  readonly #shard: number;
  readonly #settings: ShardSettings;
  readonly #release: AbortSignal;
  readonly #timer = new ShardTimer();
  readonly #running = new Map<string, Promise<void>>();
  /** What was done: a look that is a little behind may still see it as it was. */
  readonly #done = new LRUCache<string, true>({ max: MAX_DONE });
  /** When a minute was last read whole. */
  readonly #wholeAt = new Map<number, number>();
  readonly #waits = new Map<number, Promise<void>>();
  #looks = 0;
  /** When it begins with what is next; what has to begin before that wakes it. */
  #beginsAtMs = Number.POSITIVE_INFINITY;
  #awake = new AbortController();

  constructor(context: SchedulerContext, lease: Lease, settings: ShardSettings) {
    const { runtime } = context;
    this.#context = {
      ...context,
      presentMs: () => runtime.now(),
      signal: lease.lost,
      untilTime: (fireAtMs) => this.#untilTime(fireAtMs),
      untilOthers: settings.pulse.wait,
      attempts: settings.attempts,
    };
    this.#shard = Number(lease.resource);
    this.#settings = settings;
    this.#release = lease.release;
  }

  async run(): Promise<void> {
    const { onEntry, signal } = this.#context;
    using ending = new LinkedAbort(this.#release, signal);
    const listen = (entry: Entry): void => {
      if (entry.shard === this.#shard) this.#learn(entry, this.#horizonMs);
    };
    onEntry.add(listen);
    try {
      await Promise.all([this.#lookAgain(ending.signal), this.#keepTime(ending.signal)]);
    } finally {
      onEntry.delete(listen);
      this.#settings.load.waiting -= this.#timer.size;
    }
    // What was begun is ended; what was claimed ahead is fired in its time.
    await Promise.all(this.#running.values());
  }

  get #horizonMs(): number {
    const { lookMs, claimAheadMs } = this.#settings;
    return this.#context.presentMs() + claimAheadMs + 2 * lookMs;
  }

  async #lookAgain(ending: AbortSignal): Promise<void> {
    const { runtime, emit } = this.#context;
    const { lookMs } = this.#settings;
    do {
      try {
        await this.#look();
      } catch (error) {
        if (ending.aborted) return;
        emit({ type: "requestFailed", shard: this.#shard, error });
      }
    } while (await pause(runtime, lookMs, ending));
  }

  async #look(): Promise<void> {
    const nowMs = this.#context.presentMs();
    const isFar = this.#looks++ % LOOKS_PER_FAR_LOOK === 0;
    const nearMs = 2 * this.#settings.lookMs + NEAR_LOOK_MS;
    const untilMs = isFar ? this.#horizonMs : Math.min(this.#horizonMs, nowMs + nearMs);
    const range = { fromMs: nowMs - (isFar ? FAR_LOOK_BACK_MS : nearMs), untilMs };
    const open = await readOpenMinutes(this.#context, this.#shard, { untilMs, consistency: "eventual" });
    for (const minute of this.#wholeAt.keys()) {
      if (!open.some((each) => each.minute === minute)) this.#wholeAt.delete(minute);
    }
    for (const each of open) await this.#lookAt(each, range);
  }

  async #lookAt({ minute, marker }: OpenMinute, { fromMs, untilMs }: LookRange): Promise<void> {
    const nowMs = this.#context.presentMs();
    const isWhole = nowMs - (this.#wholeAt.get(minute) ?? Number.NEGATIVE_INFINITY) >= WHOLE_LOOK_MS;
    if (!isWhole && endOfMinute(minute) < fromMs) return;
    const place = { shard: this.#shard, minute };
    const from = isWhole ? undefined : timeKey(fromMs);
    const consistency = isWhole ? "strong" : "eventual";
    let isEmpty = true;
    const isNews = (id: string, item: ControlItem): boolean => {
      if (!isItemOpen(item)) return false;
      isEmpty = false;
      return !this.#timer.has(id) && !this.#running.has(id);
    };
    // "~" comes behind all that follows the time in an id.
    const range = { ...place, from, to: `${timeKey(untilMs)}~`, consistency, isWanted: isNews } as const;
    for await (const entry of readEntries(this.#context, range)) this.#learn(entry, untilMs);
    if (!isWhole) return;
    this.#wholeAt.set(minute, nowMs);
    if (isEmpty && isOver(minute, nowMs)) await closeMinute(this.#context, place, marker);
  }

  #learn(entry: Entry, untilMs: number): void {
    if (this.#timer.has(entry.id) || this.#running.has(entry.id) || this.#done.has(seenAs(entry))) return;
    const nowMs = this.#context.presentMs();
    const step = nextStep(entry, nowMs);
    if (step.kind === "nothing") return;
    const atMs = step.kind === "wait" ? step.untilMs : nowMs;
    if (atMs > untilMs && entry.state === "pending" && entry.retryAtMs === undefined) return;
    // Who waits for somebody else's claim, or for another attempt, looks first what has become of it.
    const isFresh = entry.state === "pending" && entry.retryAtMs === undefined;
    this.#await({ id: entry.id, atMs, entry: isFresh ? entry : undefined });
  }

  #await(awaited: Parameters<ShardTimer["set"]>[0]): void {
    const before = this.#timer.size;
    this.#timer.set(awaited);
    this.#settings.load.waiting += this.#timer.size - before;
    if (beginsAt(awaited, this.#aheadMs) < this.#beginsAtMs) this.#awake.abort("awake");
  }

  async #keepTime(ending: AbortSignal): Promise<void> {
    const { runtime } = this.#context;
    while (!ending.aborted) {
      this.#awake = new AbortController();
      this.#beginsAtMs = Number.NEGATIVE_INFINITY;
      using woken = new LinkedAbort(this.#awake.signal, ending);
      this.#begin();
      this.#beginsAtMs = this.#timer.firstMs(this.#aheadMs);
      const pauseMs = this.#beginsAtMs - this.#context.presentMs();
      await pause(runtime, Math.min(pauseMs, this.#settings.lookMs), woken.signal);
      // What has time enough is claimed together with that of other shards.
      const leftMs = this.#timer.firstMs(0) - this.#context.presentMs();
      if (leftMs > MIN_AHEAD_MS / 2) await this.#settings.pulse.wait();
    }
  }

  /** Begins with what it is time to claim, and what is next to that. */
  #begin(): void {
    const aheadMs = Math.min(this.#settings.claimAheadMs, this.#aheadMs + TOGETHER_MS);
    for (const { id, entry } of this.#timer.take(this.#context.presentMs(), aheadMs)) {
      this.#settings.load.waiting--;
      this.#running.set(
        id,
        this.#fire(id, entry).finally(() => this.#running.delete(id)),
      );
    }
  }

  /** The more there is to claim, the earlier it is begun. */
  get #aheadMs(): number {
    const { claimAheadMs, load } = this.#settings;
    const { writeMs } = this.#context.speed;
    return Math.min(claimAheadMs, MIN_AHEAD_MS + RESERVE * writeMs * load.waiting);
  }

  /** Never fails: what goes wrong is told, and tried again. */
  async #fire(id: string, seen: Entry | undefined): Promise<void> {
    const { runtime, emit, signal } = this.#context;
    try {
      const entry = seen ?? (await findEntry(this.#context, id));
      if (entry === undefined) return;
      const fired = await fireEntry(this.#context, entry);
      this.#done.set(seenAs(entry), true);
      if (fired.kind === "later") this.#await({ id, atMs: fired.atMs, entry: undefined });
    } catch (error) {
      if (signal?.aborted) return;
      emit({ type: "requestFailed", shard: this.#shard, error });
      this.#await({ id, atMs: runtime.now() + RETRY_MS, entry: undefined });
    }
  }

  /** Those that are due at the same moment wait together. */
  #untilTime(fireAtMs: number): Promise<void> {
    const waiting =
      this.#waits.get(fireAtMs) ??
      this.#waitUntil(fireAtMs).finally(() => {
        this.#waits.delete(fireAtMs);
      });
    this.#waits.set(fireAtMs, waiting);
    return waiting;
  }

  async #waitUntil(fireAtMs: number): Promise<void> {
    const { runtime, signal } = this.#context;
    // A timer may be early by a part of a millisecond, and a clock may be set back.
    for (let leftMs = fireAtMs - runtime.now(); leftMs > 0; leftMs = fireAtMs - runtime.now()) {
      await runtime.sleep(Math.ceil(leftMs), signal);
    }
  }
}

/** An entry at a moment of its life. */
function seenAs({ id, token = "" }: Entry): string {
  return `${id}|${token}`;
}
