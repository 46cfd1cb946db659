import type { RecordedEvent, Runtime } from "@tuppence/core";
import { leaseKey } from "@tuppence/core/leases";
import { documentsOf, LEASE_GROUP, REGISTRATIONS, slotOf, slotResource } from "../src/builds/names.ts";
import { type Build, type Registration, registrationItem } from "../src/builds/registration.ts";
import type { DocumentRecord } from "../src/documents/document.ts";
import { parkedKey, parkUpdate } from "../src/run/parked-event.ts";
import type { ProjectionStorage } from "../src/storage/projection-storage.ts";

/** Puts things where workers would, by hand. */
export class PlacedProjection {
  readonly storage: ProjectionStorage;
  readonly name: string;
  #revision = 0;

  constructor(storage: ProjectionStorage, name: string) {
    this.storage = storage;
    this.name = name;
  }

  /** Makes a build the live one. */
  async flip(live: Partial<Build> = {}, more: Partial<Registration> = {}): Promise<void> {
    this.#revision += 1;
    const registration: Registration = {
      name: this.name,
      kind: "document",
      live: { number: 1, version: 1, slots: 1, ...live },
      next: undefined,
      nextRate: undefined,
      paused: false,
      startPosition: 0,
      builds: live.number ?? 1,
      revision: this.#revision,
      ...more,
    };
    const key = { partition: REGISTRATIONS, sort: this.name };
    await this.storage.control.update({ key, where: {}, set: registrationItem(registration) });
  }

  async moveSlot(position: number, { build = 1, slot = 0 } = {}): Promise<void> {
    const key = leaseKey(LEASE_GROUP, slotResource(this.name, build, slot));
    await this.storage.control.update({
      key,
      where: {},
      set: { epoch: 1, beat: 1, position: String(position) },
    });
  }

  /** Puts a document in the place of whatever is there. */
  async put(
    key: string,
    state: unknown,
    { build = 1, slots = 1, ...more }: Partial<DocumentRecord> & { build?: number; slots?: number } = {},
  ): Promise<void> {
    const partition = documentsOf(this.name, build, slotOf(key, slots));
    const found = await this.storage.documents.getMany(partition, [key], { consistency: "strong" });
    const revision = (found.get(key)?.revision ?? 0) + 1;
    const text = state === undefined ? undefined : JSON.stringify(state);
    const record = { state: text, position: 1, streams: new Map(), ...more, revision };
    await this.storage.documents.put({ partition, key, record });
  }

  async park(position: number, { build = 1, slot = 0 } = {}): Promise<void> {
    const event = {
      position,
      streamId: "s|1",
      version: 1,
      type: "T",
      reason: "failed",
      error: "no",
      attempts: 1,
      parkedAt: new Date(0),
      replay: undefined,
    } as const;
    await this.storage.control.update(parkUpdate({ projection: this.name, build, slot }, event));
  }

  async unpark(position: number, { build = 1, slot = 0 } = {}): Promise<void> {
    await this.storage.control.delete(parkedKey({ projection: this.name, build, slot }, position));
  }
}

/** Time that goes on only by sleeping; with each sleep the next thing happens. */
export function scriptedTime(steps: (() => unknown)[] = []): {
  runtime: Partial<Runtime>;
  now: () => number;
} {
  let now = 5_000;
  const runtime: Partial<Runtime> = {
    monotonic: () => now,
    sleep: async (ms) => {
      now += ms;
      await steps.shift()?.();
    },
  };
  return { runtime, now: () => now };
}

export function eventOf(type: string, version: number, more: Partial<RecordedEvent> = {}): RecordedEvent {
  const streamId = "s|1";
  return {
    type,
    data: { key: "k" },
    metadata: {},
    streamId,
    version,
    eventId: `c/${version}`,
    recordedAt: new Date(0),
    ...more,
  };
}
