import type { LogReader } from "@tuppence/core";
import type { AnyEvent, ProjectionBase } from "../definition/projection.ts";

/** An event that can't be given, and why. */
export interface UnreadablePlace {
  readonly position: number;
  readonly streamId: string;
  readonly version: number;
  readonly type: string;
  readonly error: unknown;
}

/** What is taken from the log at a time. */
export interface TakenEvents {
  readonly events: readonly AnyEvent[];
  readonly unreadable: readonly UnreadablePlace[];
  /** Everything up to here was seen. */
  readonly position: number;
  /** Whether the log ended there. */
  readonly caughtUp: boolean;
}

/** What is needed of the log. */
export type LogSource = Pick<LogReader, "read" | "waitBeyond">;

/** Where a window begins, and which events are its slot's. */
export interface WindowPlace {
  readonly position: number;
  readonly isOwn: (event: AnyEvent) => boolean;
  /** Of an event that can't be read, only the stream is known. */
  readonly isOwnStream: (streamId: string) => boolean;
}

/** The log as one slot goes through it: pages put together and cut, so that batches have the size that they are to have. */
export class LogWindow {
  readonly #source: LogSource;
  readonly #projection: ProjectionBase;
  readonly #place: WindowPlace;
  /** What was read and not taken yet, up to `#readTo`. */
  #events: readonly AnyEvent[] = [];
  #unreadable: readonly UnreadablePlace[] = [];
  #characters = 0;
  #readTo: number;
  #caughtUp = false;

  constructor(source: LogSource, projection: ProjectionBase, place: WindowPlace) {
    this.#source = source;
    this.#projection = projection;
    this.#place = place;
    this.#readTo = place.position;
  }

  /** Goes on behind a position, with what is stored there now. */
  seek(position: number): void {
    this.#readTo = position;
    this.#events = [];
    this.#unreadable = [];
    this.#characters = 0;
    this.#caughtUp = false;
  }

  /** Whether there is a whole batch. */
  get isFull(): boolean {
    const { maxEvents, maxCharacters } = this.#projection.batch;
    return this.#events.length + this.#unreadable.length >= maxEvents || this.#characters >= maxCharacters;
  }

  /** Reads until there is a whole batch or the log ends, and answers how many events there are. */
  async fill(signal: AbortSignal): Promise<number> {
    do {
      if (this.isFull) break;
      await this.#readOn(signal);
    } while (!this.#caughtUp);
    return this.#events.length + this.#unreadable.length;
  }

  /** The next batch of what was read, of so many events at most. */
  take(most: number = Number.POSITIVE_INFINITY): TakenEvents {
    const cut = this.#cut(most);
    const isAll = cut === this.#readTo;
    const upToCut = <Event extends { readonly position: number }>(events: readonly Event[]): Event[] =>
      events.filter(({ position }) => position <= cut);
    const taken: TakenEvents = {
      events: isAll ? this.#events : upToCut(this.#events),
      unreadable: isAll ? this.#unreadable : upToCut(this.#unreadable),
      position: cut,
      caughtUp: isAll && this.#caughtUp,
    };
    const all = this.#events.length;
    this.#events = this.#events.slice(taken.events.length);
    this.#unreadable = this.#unreadable.slice(taken.unreadable.length);
    this.#characters = all === 0 ? 0 : (this.#characters * this.#events.length) / all;
    return taken;
  }

  /** Waits until there is more, or the signal is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    try {
      await this.#source.waitBeyond(this.#readTo, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    const { types, categories } = this.#projection;
    const page = await this.#source.read(this.#readTo, { types, categories, signal });
    const isHandled = (event: AnyEvent): boolean =>
      // What was forgotten has another type now.
      (types === undefined || types.includes(event.type)) && this.#place.isOwn(event);
    const events = page.events.filter(isHandled);
    const unreadable = page.unreadable.flatMap(({ type = "unknown", ...event }) =>
      this.#place.isOwnStream(event.streamId) ? [{ type, ...event }] : [],
    );
    if (events.length > 0) {
      this.#events = this.#events.length === 0 ? events : [...this.#events, ...events];
      this.#characters += (page.characters * events.length) / page.events.length;
    }
    if (unreadable.length > 0) this.#unreadable = [...this.#unreadable, ...unreadable];
    this.#readTo = page.position;
    this.#caughtUp = page.caughtUp;
  }

  /** Where the next batch ends. */
  #cut(most: number): number {
    const { batch } = this.#projection;
    const { maxCharacters } = batch;
    const maxEvents = Math.min(batch.maxEvents, most);
    const count = this.#events.length;
    const fitting = Math.floor(count * Math.min(1, maxCharacters / Math.max(1, this.#characters)));
    const wanted = Math.max(1, Math.min(maxEvents, fitting));
    const isWhole = count <= wanted && this.#unreadable.length <= maxEvents;
    if (isWhole) return this.#readTo;
    const last = this.#events[wanted - 1]?.position ?? this.#readTo;
    const lastUnreadable = this.#unreadable[maxEvents - 1]?.position ?? this.#readTo;
    return Math.min(last, lastUnreadable);
  }
}
