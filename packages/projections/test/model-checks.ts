import type { ControlItem } from "@tuppence/core/leases";
import { LEASE_GROUP, REGISTRATIONS, RETIRED, slotOf } from "../src/builds/names.ts";
import { readRegistration, type Registration } from "../src/builds/registration.ts";
import type { AnyEvent } from "../src/definition/projection.ts";
import { evolveTaken, idOf, keysOf, type ModelName, type Taken } from "./model-projections.ts";
import type { CarriedOut } from "@tuppence/test-support/world";

/** What is stored of a document. */
interface StoredDocument {
  readonly state: Taken | undefined;
  readonly position: number;
  readonly streams: ReadonlyMap<string, number>;
}

interface SlotName {
  readonly name: ModelName;
  /** `name@build` */
  readonly build: string;
  readonly slot: number;
}

/** Looks at each write at the moment that it is carried out. */
export class ModelChecks {
  readonly problems: string[] = [];
  /** All events, by position from 1. */
  readonly log: AnyEvent[] = [];
  /** Builds of which nothing is promised any more. */
  readonly retired = new Set<string>();
  /** Builds of which something was parked. */
  readonly parkedIn = new Set<string>();
  readonly registrations = new Map<string, Registration>();
  readonly counts: Record<"parked" | "replayed" | "flips" | "resets" | "takeovers" | "waits", number> = {
    waits: 0,
    parked: 0,
    replayed: 0,
    flips: 0,
    resets: 0,
    takeovers: 0,
  };
  readonly #slots = new Map<string, number>();
  /** By `name@build#slot`. */
  readonly #positions = new Map<string, number>();
  readonly #parked = new Map<string, Set<number>>();
  readonly #effects = new Map<string, Map<string, number[]>>();
  /** By `name@build|slot`, and keys. */
  readonly #documents = new Map<string, Map<string, StoredDocument>>();
  readonly #sqlPositions = new Map<string, number>();
  readonly #mailKeys = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get parkedNow(): number {
    return [...this.#parked].reduce((total, [resource, positions]) => {
      const { build } = slotNameOf(resource);
      return this.isUsed(build) ? total + positions.size : total;
    }, 0);
  }

  isUsed(build: string): boolean {
    const { live, next, name } = this.registrations.get(build.split("@")[0] ?? "") ?? {};
    return [live, next].some((each) => each && `${name}@${each.number}` === build);
  }

  positionOf(resource: string): number {
    return this.#positions.get(resource) ?? 0;
  }

  /** Takes in what was written together, and looks at it then. */
  written(done: readonly CarriedOut[], also: readonly object[]): void {
    const checks: (() => void)[] = [];
    for (const { key, before, after } of done) {
      const { partition, sort } = key;
      if (partition === REGISTRATIONS && after) this.#registered(sort, after);
      if (partition === RETIRED && after) this.retired.add(sort);
      if (partition.startsWith("DOCUMENTS|")) checks.push(this.#documentPut(partition, sort, after));
      if (partition.startsWith("PARKED|")) checks.push(this.#parkedPut(partition, Number(sort), after));
      if (partition === `LEASE|${LEASE_GROUP}` && after && !sort.endsWith("!")) {
        if (before?.["epoch"] !== after["epoch"] && before?.["owner"] !== undefined) {
          this.counts.takeovers++;
        }
        checks.push(this.#leasePut(sort, after));
      }
    }
    for (const write of also) this.#ledgerWritten(write);
    for (const check of checks) check();
  }

  /** Rows of the SQL database: answers false when its position is another. */
  inserted(build: string, slot: number, batch: BatchOfEvents): boolean {
    const resource = `sql@${build}#${slot}`;
    const position = this.#sqlPositions.get(resource) ?? 0;
    if (position > batch.after) return false;
    for (const event of batch.events) this.#effect(resource, event, "once");
    this.#sqlPositions.set(resource, batch.upTo);
    return true;
  }

  sqlPosition(build: number, slot: number): number | undefined {
    return this.#sqlPositions.get(`sql@${build}#${slot}`);
  }

  sent(build: number, slot: number, mail: { readonly event: AnyEvent; readonly key: string }): void {
    const { event, key } = mail;
    const known = this.#mailKeys.get(key) ?? event.position;
    if (known !== event.position) this.#fail(`${key} is the key of ${known} and of ${event.position}`);
    this.#mailKeys.set(key, event.position);
    this.#effect(`mails@${build}#${slot}`, event, "again");
  }

  /** Somebody was told that a position is passed; a reset since they asked, after so many, may have taken that back. */
  waited(name: ModelName, position: number, resetsBefore: number): void {
    const { live } = this.registrations.get(name) ?? {};
    if (live === undefined) return this.#fail(`${name} was waited for, and is not known`);
    if (this.counts.resets > resetsBefore) return;
    this.counts.waits++;
    const build = `${name}@${live.number}`;
    for (const event of this.log.slice(0, position)) {
      for (let slot = 0; slot < live.slots; slot++) this.#checkDone({ name, build, slot }, event);
    }
  }

  /** What has to be there once everything has come to rest. */
  checkEnd(names: readonly ModelName[]): void {
    for (const name of names) {
      const registration = this.registrations.get(name);
      if (registration === undefined) {
        this.#fail(`${name} was never registered`);
        continue;
      }
      const build = `${name}@${registration.live.number}`;
      for (let slot = 0; slot < registration.live.slots; slot++) {
        for (const event of this.log) this.#checkDone({ name, build, slot }, event);
        for (const [key, document] of this.#documents.get(`${build}|${slot}`) ?? []) {
          this.#checkDocument({ name, build, slot }, key, document);
        }
      }
    }
  }

  #registered(name: string, item: ControlItem): void {
    const before = this.registrations.get(name);
    const after = readRegistration(name, item);
    this.registrations.set(name, after);
    for (const build of [after.live, after.next]) {
      if (build) this.#slots.set(`${name}@${build.number}`, build.slots);
    }
    if (before === undefined || before.live.number === after.live.number) return;
    if (before.next?.number !== after.live.number) {
      this.counts.resets++;
      return;
    }
    this.counts.flips++;
    const from = this.#buildPosition(name, before.live);
    const to = this.#buildPosition(name, after.live);
    if (to < from) this.#fail(`${name}: a flip led from position ${from} back to ${to}`);
  }

  #buildPosition(
    name: string,
    { number, slots }: { readonly number: number; readonly slots: number },
  ): number {
    return Math.min(
      ...Array.from({ length: slots }, (_, slot) => this.positionOf(`${name}@${number}#${slot}`)),
    );
  }

  #documentPut(partition: string, key: string, item: ControlItem | undefined): () => void {
    const [, build = "", slotText = ""] = partition.split("|");
    const place = `${build}|${slotText}`;
    const documents = this.#documents.get(place) ?? new Map<string, StoredDocument>();
    this.#documents.set(place, documents);
    const slot = { name: build.split("@")[0] as ModelName, build, slot: Number(slotText) };
    if (item === undefined) {
      documents.delete(key);
      return () => {
        if (this.isUsed(build)) this.#fail(`${build}: document ${key} of a build in use was deleted`);
      };
    }
    const document: StoredDocument = {
      state: item["state"] === undefined ? undefined : (JSON.parse(String(item["state"])) as Taken),
      position: Number(item["position"]),
      streams: new Map(JSON.parse(String(item["streams"])) as [string, number][]),
    };
    documents.set(key, document);
    return () => this.#checkDocument(slot, key, document);
  }

  #parkedPut(partition: string, position: number, item: ControlItem | undefined): () => void {
    const resource = partition.slice("PARKED|".length);
    const { build } = slotNameOf(resource);
    const positions = this.#parked.get(resource) ?? new Set<number>();
    this.#parked.set(resource, positions);
    if (item !== undefined) {
      if (!positions.has(position)) this.counts.parked++;
      positions.add(position);
      this.parkedIn.add(build);
      return () => undefined;
    }
    this.counts.replayed++;
    positions.delete(position);
    const event = this.#eventAt(position);
    return () => event && this.#checkDone(slotNameOf(resource), event);
  }

  #leasePut(resource: string, item: ControlItem): () => void {
    const before = this.positionOf(resource);
    const after = Number(item["position"] ?? 0);
    this.#positions.set(resource, after);
    return () => {
      if (after < before) this.#fail(`${resource} went back from ${before} to ${after}`);
      const slot = slotNameOf(resource);
      for (let position = before + 1; position <= after; position++) {
        const event = this.#eventAt(position);
        if (event) this.#checkDone(slot, event);
      }
    };
  }

  #ledgerWritten(write: object): void {
    const { Put } = write as {
      readonly Put: {
        readonly TableName: string;
        readonly Item: { readonly position: { readonly N: string } };
      };
    };
    const event = this.#eventAt(Number(Put.Item.position.N));
    if (event) this.#effect(`ledger@${Put.TableName}`, event, "once");
  }

  /** Something was done for an event outside: once, or for the first time, in the order of its stream. */
  #effect(resource: string, event: AnyEvent, times: "once" | "again"): void {
    const { build, name, slot } = slotNameOf(resource);
    if (this.retired.has(build)) return;
    const streams = this.#effects.get(resource) ?? new Map<string, number[]>();
    this.#effects.set(resource, streams);
    const versions = streams.get(event.streamId) ?? [];
    streams.set(event.streamId, versions);
    if (versions.includes(event.version)) {
      if (times === "once") this.#fail(`${resource}: ${idOf(event)} was done twice`);
      return;
    }
    if (event.version !== (versions.at(-1) ?? 0) + 1) {
      this.#fail(`${resource}: ${idOf(event)} was done behind ${versions.at(-1) ?? 0} of its stream`);
    }
    versions.push(event.version);
    const slots = this.#slots.get(build) ?? 1;
    if (slotOf(event.streamId, slots) !== slot) this.#fail(`${name}: ${idOf(event)} is not of slot ${slot}`);
  }

  /** Below a position, everything is done or parked. */
  #checkDone({ name, build, slot }: SlotName, event: AnyEvent): void {
    const resource = `${build}#${slot}`;
    if (name === "naive" || this.retired.has(build)) return;
    if (this.#parked.get(resource)?.has(event.position)) return;
    const slots = this.#slots.get(build) ?? 1;
    if (name === "ledger" || name === "sql" || name === "mails") {
      if (slotOf(event.streamId, slots) !== slot) return;
      const versions = this.#effects.get(resource)?.get(event.streamId);
      if (!versions?.includes(event.version)) {
        this.#fail(`${resource}: ${idOf(event)} at ${event.position} is neither done nor parked`);
      }
      return;
    }
    for (const key of keysOf(name, event)) {
      if (slotOf(key, slots) !== slot) continue;
      const document = this.#documents.get(`${build}|${slot}`)?.get(key);
      if (document === undefined || !claims(document, event)) {
        this.#fail(
          `${resource}: ${key} does not have ${idOf(event)} at ${event.position}, which is not parked`,
        );
      }
    }
  }

  /** It is a fold of exactly the events that it claims. */
  #checkDocument({ name, build, slot }: SlotName, key: string, document: StoredDocument): void {
    if (this.retired.has(build)) return;
    const claimed = this.log.filter((event) => keysOf(name, event).includes(key) && claims(document, event));
    let expected: Taken | undefined;
    for (const event of claimed) expected = evolveTaken(name, expected, event);
    const isOrdered = name === "single" || !this.parkedIn.has(build);
    const found = textOf(document.state, isOrdered);
    if (found !== textOf(expected, isOrdered)) {
      const { position, streams } = document;
      const claim = JSON.stringify({ position, streams: [...streams] });
      this.#fail(`${build}: ${key} is ${found} and claims ${claim}: ${textOf(expected, isOrdered)}`);
    }
    const furthest = Math.max(document.position, ...document.streams.values());
    if (name === "together" && furthest > this.positionOf(`${build}#${slot}`)) {
      this.#fail(`${build}: ${key} is at ${furthest}, ahead of its slot`);
    }
  }

  #eventAt(position: number): AnyEvent | undefined {
    const event = this.log[position - 1];
    if (event === undefined) this.#fail(`there is no event at ${position}`);
    return event;
  }

  #fail(problem: string): void {
    this.problems.push(`at ${Math.round(this.#now())}: ${problem}`);
  }
}

interface BatchOfEvents {
  readonly events: readonly AnyEvent[];
  readonly after: number;
  readonly upTo: number;
}

function claims({ position, streams }: StoredDocument, event: AnyEvent): boolean {
  return event.position <= (streams.get(event.streamId) ?? position);
}

/** The events of a state; if their order in all is not promised, by streams. */
function textOf(state: Taken | undefined, isOrdered: boolean): string {
  if (state === undefined) return "not there";
  const { taken } = state;
  const streamOf = (id: string): string => id.slice(0, id.lastIndexOf(":"));
  const ordered = isOrdered
    ? taken
    : [...new Set(taken.map(streamOf))]
        .toSorted()
        .flatMap((stream) => taken.filter((id) => streamOf(id) === stream));
  return ordered.join(" ");
}

function slotNameOf(resource: string): SlotName {
  const [build = "", slot] = resource.split("#");
  return { name: build.split("@")[0] as ModelName, build, slot: Number(slot) };
}
