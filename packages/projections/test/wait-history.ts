import type { RecordedEvent } from "@tuppence/core";
import { documentsOf, slotOf } from "../src/builds/names.ts";
import type { AnyEvent, DocumentProjection } from "../src/definition/projection.ts";
import { documentAfter, type DocumentRecord, holdsEvent, NO_DOCUMENT } from "../src/documents/document.ts";
import { createDocuments } from "../src/documents/documents.ts";
import { createMemoryProjectionStorage, defineProjection } from "../src/index.ts";
import { waitForProjection } from "../src/wait/wait-for-projection.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";
import type { Token } from "../src/wait/token.ts";
import { eventOf, PlacedProjection } from "./placed-build.ts";

const KEYS = ["a", "b", "c", "d"];
const NAME = "history";
const STREAMS = 3;
const EVENTS = 14;
const MAX_STEPS = 3_000;

/** What keeps waits from ending early, as they see it; the model can blind them to each. */
export interface WaitSight {
  readonly seesParked: boolean;
  /** Whether what they read is as it is now. */
  readonly readsStrongly: boolean;
  /** Whether readers know which build waits have seen. */
  readonly tellsReaders: boolean;
}

type LogEvent = AnyEvent & { readonly data: { readonly keys: readonly string[] } };

interface Slot {
  done: number;
  readonly parked: Map<string, LogEvent[]>;
}

interface ModelBuild {
  readonly number: number;
  readonly slots: readonly Slot[];
  stored: number[];
}

/** One history: a worker's slots, rebuilds, parking and replays, seeded; and waits whose answers are checked. Answers what was wrong. */
export async function waitHistory(random: () => number, sight: WaitSight): Promise<readonly string[]> {
  const world = new WaitWorld(random);
  await world.begin();
  const violations: string[] = [];
  const projection = modelProjection();
  const place = {
    storage: world.seenBy(sight),
    store: { waitFor: (streamId: string, version: number) => world.logged(streamId, version) },
    runtime: { monotonic: () => world.steps, sleep: () => world.step() },
  };
  const documents = createDocuments(projection, place);
  const readers = sight.tellsReaders ? documents : createDocuments(projection, place);
  for (let wait = 0; wait < 6; wait++) {
    const key = world.pick(KEYS);
    const token = world.token();
    await readers.get(key);
    const found = await documents.waitFor(key, token, { timeoutMs: MAX_STEPS });
    violations.push(...world.missing(key, token, found ?? []));
    // Reads in this process are as far.
    violations.push(...world.missing(key, token, (await readers.get(key)) ?? []));
    const other = world.token();
    await waitForProjection(projection, other, { ...place, timeoutMs: MAX_STEPS });
    violations.push(...world.notPassed(other));
  }
  return violations;
}

/** A document is the list of the positions of its events. */
function modelProjection(): DocumentProjection<readonly number[]> {
  return defineProjection({
    name: NAME,
    version: 1,
    types: ["T"],
    key: ({ data }) => (data as LogEvent["data"]).keys,
    initialState: (): readonly number[] => [],
    evolve: (state, { position }) => [...state, position],
  });
}

class WaitWorld {
  steps = 0;
  readonly #random: () => number;
  readonly #storage: ProjectionStorage = createMemoryProjectionStorage();
  readonly #placed = new PlacedProjection(this.#storage, NAME);
  /** What is appended, in the order that it will have in the log. */
  readonly #events: LogEvent[] = [];
  #logged = 0;
  readonly #everParked = new Set<number>();
  #live: ModelBuild;
  #next: ModelBuild | undefined;

  constructor(random: () => number) {
    this.#random = random;
    const versions = new Map<string, number>();
    for (let position = 1; position <= EVENTS; position++) {
      const streamId = `s|${this.#below(STREAMS)}`;
      const version = (versions.get(streamId) ?? 0) + 1;
      versions.set(streamId, version);
      const keys = KEYS.filter(() => this.#below(3) === 0);
      const type = this.#below(6) === 0 ? "Else" : "T";
      const event = eventOf(type, version, { streamId, data: { keys } });
      this.#events.push({ ...event, position } as LogEvent);
    }
    this.#live = this.#newBuild(1);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<Value>(values: readonly Value[]): Value {
    return values.at(this.#below(values.length)) as Value;
  }

  #newBuild(number: number): ModelBuild {
    const slots = Array.from({ length: 1 + this.#below(3) }, (): Slot => ({ done: 0, parked: new Map() }));
    return { number, slots, stored: slots.map(() => 0) };
  }

  begin(): Promise<void> {
    return this.#placed.flip({ number: 1, slots: this.#live.slots.length });
  }

  /** A position; or the result of an append of one event or of two, with or without its events. */
  token(): Token {
    const event = this.pick(this.#events);
    const { streamId, version, position } = event;
    const before = this.#events.filter((each) => each.streamId === streamId && each.version === version - 1);
    const events = [...before, event].map((each): RecordedEvent => {
      const { position: _position, ...recorded } = each;
      return recorded;
    });
    return this.pick<Token>([position, { streamId, version }, { streamId, version, events }, event]);
  }

  /** The events that a token means for a document, by their positions. */
  #meant(key: string, token: Token): readonly LogEvent[] {
    const isOf = (event: LogEvent): boolean => event.type === "T" && event.data.keys.includes(key);
    if (typeof token === "number") return this.#events.filter((each) => each.position <= token && isOf(each));
    const versions = token.events?.map(({ version }) => version) ?? [token.version];
    return this.#events.filter(
      (each) => each.streamId === token.streamId && versions.includes(each.version) && isOf(each),
    );
  }

  /** What a document should have of a token, and has not; a position leaves out what was parked. */
  missing(key: string, token: Token, found: readonly number[]): string[] {
    return this.#meant(key, token)
      .filter(({ position }) => !found.includes(position))
      .filter(({ position }) => typeof token !== "number" || !this.#everParked.has(position))
      .map(({ position }) => `event ${position} is not in document ${key}: ${JSON.stringify(token)}`);
  }

  /** Slots that should have passed a token, and have not. */
  notPassed(token: Token): string[] {
    const { slots } = this.#live;
    return KEYS.flatMap((key) => {
      const slot = slots[slotOf(key, slots.length)];
      const last = this.#meant(key, token).at(-1)?.position ?? 0;
      return slot !== undefined && slot.done < last ? [`slot of ${key} is at ${slot.done}, not ${last}`] : [];
    });
  }

  async logged(streamId: string, version: number): Promise<number> {
    const { position } = this.#events.find(
      (each) => each.streamId === streamId && each.version === version,
    ) as LogEvent;
    while (position > this.#logged) await this.step();
    return position;
  }

  /** One thing that happens: an event gets into the log, a slot goes on, a build becomes live, … */
  async step(): Promise<void> {
    this.steps += 1;
    if (this.#logged < EVENTS && this.#below(4) === 0) this.#logged += 1;
    const build = this.#next !== undefined && this.#below(2) === 0 ? this.#next : this.#live;
    const slot = this.#below(build.slots.length);
    switch (this.#below(6)) {
      case 0:
        return this.#store(build, slot);
      case 1:
        return this.#replay(build, slot);
      case 2:
        return this.#flip();
      default:
        return this.#goOn(build, slot);
    }
  }

  async #store(build: ModelBuild, slot: number): Promise<void> {
    const { done } = build.slots.at(slot) as Slot;
    await this.#placed.moveSlot(done, { build: build.number, slot });
    build.stored[slot] = done;
  }

  async #goOn(build: ModelBuild, index: number): Promise<void> {
    const slot = build.slots.at(index) as Slot;
    const event = this.#events[slot.done];
    if (event === undefined || event.position > this.#logged) return;
    const { position, streamId } = event;
    const isHandled =
      event.type === "T" && event.data.keys.some((key) => slotOf(key, build.slots.length) === index);
    const mayPark = this.#below(5) === 0;
    if (isHandled && (mayPark || slot.parked.has(streamId))) {
      await this.#placed.park(position, { build: build.number, slot: index });
      slot.parked.set(streamId, [...(slot.parked.get(streamId) ?? []), event]);
      slot.done = position;
      this.#everParked.add(position);
      // In one transaction with the parked event.
      return this.#store(build, index);
    }
    if (isHandled) await this.#apply(build, index, event);
    slot.done = position;
  }

  async #apply(build: ModelBuild, slot: number, event: LogEvent): Promise<void> {
    const { slots, number } = build;
    const parked = new Set(slots[slot]?.parked.keys());
    const { documents } = this.#storage;
    const partition = documentsOf(NAME, number, slot);
    for (const key of event.data.keys.filter((each) => slotOf(each, slots.length) === slot)) {
      const found = await documents.getMany(partition, [key], { consistency: "strong" });
      const before: DocumentRecord = found.get(key) ?? NO_DOCUMENT;
      if (holdsEvent(before, event)) continue;
      const state = JSON.stringify([...(JSON.parse(before.state ?? "[]") as number[]), event.position]);
      const record = documentAfter(before, { state, events: [event], parked });
      await documents.put({ partition, key, record });
    }
  }

  /** The first parked event of a stream goes in; then it is not parked any more. */
  async #replay(build: ModelBuild, slot: number): Promise<void> {
    const { parked } = build.slots.at(slot) as Slot;
    if (parked.size === 0) return;
    const streamId = this.pick([...parked.keys()]);
    const [first, ...rest] = parked.get(streamId) as [LogEvent, ...LogEvent[]];
    await this.#apply(build, slot, first);
    await this.#placed.unpark(first.position, { build: build.number, slot });
    if (rest.length === 0) parked.delete(streamId);
    else parked.set(streamId, rest);
  }

  async #flip(): Promise<void> {
    if (this.#next === undefined) {
      if (this.#below(10) === 0) this.#next = this.#newBuild(this.#live.number + 1);
      return;
    }
    // What is live has passed nothing that this one has not, and nothing is parked in it.
    const least = Math.min(...this.#next.stored);
    const isFar = this.#live.slots.every(({ done }) => done <= least);
    const hasParked = this.#next.slots.some(({ parked }) => parked.size > 0);
    if (!isFar || hasParked) return;
    this.#live = this.#next;
    this.#next = undefined;
    await this.#placed.flip({ number: this.#live.number, slots: this.#live.slots.length });
  }

  /** The storage as waits see it: before each of their calls, anything may happen. */
  seenBy({ seesParked, readsStrongly }: WaitSight): ProjectionStorage {
    const { control, documents } = this.#storage;
    const earlier = new Map<string, ReadonlyMap<string, DocumentRecord>>();
    const meanwhile = async (): Promise<void> => {
      while (this.#below(2) === 0) await this.step();
    };
    return {
      ...this.#storage,
      control: {
        ...control,
        find: async (key, signal) => {
          await meanwhile();
          if (!seesParked && key.partition.startsWith("PARKED|")) return undefined;
          return control.find(key, signal);
        },
      },
      documents: {
        ...documents,
        getMany: async (partition, keys, options) => {
          await meanwhile();
          const found = await documents.getMany(partition, keys, options);
          const place = JSON.stringify([partition, keys]);
          const before = earlier.get(place) ?? found;
          earlier.set(place, found);
          return readsStrongly || options.consistency === "eventual" ? found : before;
        },
      },
    };
  }
}
