import pMap from "p-map";
import { TuppenceError } from "../errors.ts";
import { openSlices } from "../store/open-events.ts";
import type { ReadContext } from "../store/read-stream.ts";
import { streamOf } from "./collect-units.ts";
import type { LoggedEvent, UnreadableEvent } from "./log-reads.ts";
import type { PageSlice } from "./page.ts";
import {
  openPageSlices,
  type PageRead,
  type UnpackedSlice,
  unpackSlice,
  wantedOfSlice,
  withPosition,
} from "./read-log.ts";

/** Codes of errors that are about one event, or one commit: they will be the same the next time. */
const ABOUT_EVENTS = new Set([
  "blobsMissing",
  "encryptionMissing",
  "integrity",
  "unknownEventType",
  "upcast",
] satisfies string[]);

/** Slices opened at a time, where not all of a page can be. */
const OPEN_CONCURRENCY = 8;

/** What can be given of a page, and what not. */
export interface OpenedApart {
  readonly events: readonly LoggedEvent[];
  readonly unreadable: readonly UnreadableEvent[];
}

/** The events that a read asks for; where some can't be opened, the others all the same. */
export async function openApart(
  context: ReadContext,
  slices: readonly PageSlice[],
  read: PageRead,
): Promise<OpenedApart> {
  try {
    return await openWhole(context, slices, read);
  } catch (error) {
    throwUnlessAboutEvent(error);
  }
  const openOne = (slice: PageSlice): Promise<OpenedApart> => openSlice(context, slice, read);
  const opened = await pMap(slices, openOne, { concurrency: OPEN_CONCURRENCY });
  return {
    events: opened.flatMap(({ events }) => events),
    unreadable: opened.flatMap(({ unreadable }) => unreadable),
  };
}

async function openWhole(
  context: ReadContext,
  slices: readonly PageSlice[],
  read: PageRead,
): Promise<OpenedApart> {
  return { events: await openPageSlices(context, slices, read), unreadable: [] };
}

/** A slice as a whole, or else each of its events for itself. */
async function openSlice(context: ReadContext, slice: PageSlice, read: PageRead): Promise<OpenedApart> {
  try {
    return await openWhole(context, [slice], read);
  } catch (error) {
    throwUnlessAboutEvent(error);
  }
  try {
    return await openEach(context, { slice, read, unpacked: await unpackSlice(context, slice, read) });
  } catch (error) {
    throwUnlessAboutEvent(error);
    // Nobody can tell which of its events are meant.
    const lost = placesIn(slice, read).map((place) => ({ ...place, type: undefined, error }));
    return { events: [], unreadable: lost };
  }
}

async function openEach(
  context: ReadContext,
  {
    slice,
    read,
    unpacked,
  }: { readonly slice: PageSlice; readonly read: PageRead; readonly unpacked: UnpackedSlice },
): Promise<OpenedApart> {
  const events: LoggedEvent[] = [];
  const unreadable: UnreadableEvent[] = [];
  for (const place of placesIn(slice, read)) {
    const { version, position } = place;
    const range = { low: version, high: version, types: read.types };
    try {
      const opened = await openSlices(context, unpacked.item, { slices: unpacked.commits, range });
      for (const event of opened) events.push(withPosition(event, position));
    } catch (error) {
      throwUnlessAboutEvent(error);
      unreadable.push({ ...place, type: typeOf(unpacked, version), error });
    }
  }
  return { events, unreadable };
}

/** Where the events of a slice are that a read asks for. */
function placesIn(
  slice: PageSlice,
  read: PageRead,
): Pick<UnreadableEvent, "position" | "streamId" | "version">[] {
  const { low, high } = wantedOfSlice(slice, read) ?? { low: 1, high: 0 };
  const { source, position } = slice;
  const streamId = streamOf(source);
  return Array.from({ length: high - low + 1 }, (_, index) => {
    const version = low + index;
    return { position: position + version - source.first, streamId, version };
  });
}

/** The type of an event as it is stored. */
function typeOf({ commits }: UnpackedSlice, version: number): string | undefined {
  const commit = commits.find(({ first, events }) => first <= version && version < first + events.length);
  return commit?.events[version - commit.first]?.type;
}

function throwUnlessAboutEvent(error: unknown): void {
  if (!(error instanceof TuppenceError && ABOUT_EVENTS.has(error.code))) throw error;
}
