import type { EventMetadata } from "../events.ts";

/** An event as it is stored. */
export interface StoredEvent {
  readonly type: string;
  readonly data: unknown;
  /** The version of the schema that the data was written with, from 1. */
  readonly schemaVersion: number;
  /** Its own metadata. */
  readonly metadata: EventMetadata | undefined;
}

/** An event as one entry of the list in `e`: `[type, data, schemaVersion?, metadata?]`; version 1 is left out. */
export function entryText({ type, data, schemaVersion, metadata }: StoredEvent): string {
  const entry: unknown[] = [type, data];
  if (schemaVersion > 1) entry.push(schemaVersion);
  if (metadata !== undefined) entry.push(metadata);
  return JSON.stringify(entry);
}

/** The event of an entry; undefined when it has another form than this release knows. */
export function readEntry(entry: unknown): StoredEvent | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [type, data, third, fourth] = entry as readonly unknown[];
  if (typeof type !== "string") return undefined;
  const versioned = typeof third === "number";
  return {
    type,
    data,
    schemaVersion: versioned ? third : 1,
    metadata: (versioned ? fourth : third) as EventMetadata | undefined,
  };
}
