/**
 * What a document says of itself, and why nobody can corrupt it: it tells of every stream up to which position it holds that stream's
 * events, and is only changed as a whole. Whoever writes it, however late, writes a fold of exactly the events that it claims.
 */
export interface DocumentRecord {
  /** JSON text; undefined when the document was taken away, of which a trace stays. */
  readonly state: string | undefined;
  /** It holds all of its events up to this position, but for the streams in `streams`. */
  readonly position: number;
  /** Goes up by one with each write. */
  readonly revision: number;
  /** Positions of streams that differ: of those that were parked when it was written. Empty nearly always. */
  readonly streams: ReadonlyMap<string, number>;
}

/** The place of an event that goes into a document. */
export interface EventPlace {
  readonly streamId: string;
  readonly position: number;
}

const NO_STREAMS: ReadonlyMap<string, number> = new Map();

/** A document that is not there. */
export const NO_DOCUMENT: DocumentRecord = {
  state: undefined,
  position: 0,
  revision: 0,
  streams: NO_STREAMS,
};

/** Whether a document holds an event already. */
export function holdsEvent({ position, streams }: DocumentRecord, event: EventPlace): boolean {
  return event.position <= (streams.get(event.streamId) ?? position);
}

/**
 * A document after some of its events, in their order: all that it did not hold up to the last of them, of all streams but
 * those that are parked; or some of a stream that is parked.
 */
export function documentAfter(
  before: DocumentRecord,
  next: {
    /** JSON text; undefined takes it away. */
    readonly state: string | undefined;
    readonly events: readonly EventPlace[];
    readonly parked: ReadonlySet<string>;
  },
): DocumentRecord {
  const { state, events, parked } = next;
  // Of what is not parked, it holds all up to the last event that it takes.
  let caughtUp = 0;
  const taken = new Map<string, number>();
  for (const event of events) {
    if (parked.has(event.streamId)) taken.set(event.streamId, event.position);
    else caughtUp = Math.max(caughtUp, event.position);
  }
  const position = Math.max(before.position, caughtUp);
  const streams = new Map<string, number>();
  for (const streamId of new Set([...before.streams.keys(), ...parked])) {
    const held = before.streams.get(streamId) ?? before.position;
    // One that is not parked any more may be behind still, in a document that is ahead of its slot's position.
    const own = parked.has(streamId) ? (taken.get(streamId) ?? held) : Math.max(held, caughtUp);
    if (own !== position) streams.set(streamId, own);
  }
  return {
    state,
    position,
    revision: before.revision + 1,
    streams: streams.size === 0 ? NO_STREAMS : streams,
  };
}
