import { TuppenceError } from "../errors.ts";
import { sliceCommits } from "../store/commit-content.ts";
import type { ReadContext } from "../store/read-stream.ts";
import { streamOf } from "./collect-units.ts";
import type { LoggedEvent, UnreadableEvent } from "./log-reads.ts";
import type { PageSlice } from "./page.ts";
import { openPageSlices, type PageRead, wantedOfSlice } from "./read-log.ts";

/** Codes of errors that are about one event, or one commit: they will be the same the next time. */
const ABOUT_EVENTS = new Set([
  "blobsMissing",
  "encryptionMissing",
  "integrity",
  "unknownEventType",
  "upcast",
] satisfies string[]);

/** What can be given of a page, and what not. */
export interface OpenedApart {
  readonly events: readonly LoggedEvent[];
  readonly unreadable: readonly UnreadableEvent[];
}

/** The events that a read asks for, each for itself where some can't be opened. */
export async function openApart(
  context: ReadContext,
  slices: readonly PageSlice[],
  read: PageRead,
): Promise<OpenedApart> {
  try {
    return { events: await openPageSlices(context, slices, read), unreadable: [] };
  } catch (error) {
    if (!isAboutEvent(error)) throw error;
  }
  const events: LoggedEvent[] = [];
  const unreadable: UnreadableEvent[] = [];
  for (const slice of slices) {
    const range = wantedOfSlice(slice, read);
    if (range === undefined) continue;
    for (let version = range.low; version <= range.high; version++) {
      const position = slice.position + version - slice.source.first;
      const one = { ...read, window: { ...read.window, low: position, high: position } };
      try {
        events.push(...(await openPageSlices(context, [slice], one)));
      } catch (error) {
        if (!isAboutEvent(error)) throw error;
        const streamId = streamOf(slice.source);
        unreadable.push({ position, streamId, version, type: typeOf(slice, version), error });
      }
    }
  }
  return { events, unreadable };
}

function isAboutEvent(error: unknown): boolean {
  return error instanceof TuppenceError && ABOUT_EVENTS.has(error.code);
}

/** The type of an event as it is stored. */
function typeOf({ source, entries, bodies, metadata }: PageSlice, version: number): string | undefined {
  if (entries === undefined) return undefined;
  try {
    for (const { first, events } of sliceCommits(source, { entries, bodies: bodies.values(), metadata })) {
      const event = events[version - first];
      if (version >= first && event !== undefined) return event.type;
    }
  } catch (error) {
    // That it can't be read is what is being told.
    if (!isAboutEvent(error)) throw error;
  }
  return undefined;
}
