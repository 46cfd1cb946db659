import type { RecordedEvent } from "@tuppence/core";

/**
 * What can be waited for: a position of the global log, with everything before it; or events of one stream: the result of an append,
 * an event that was read, or just a stream and its version.
 */
export type Token = number | EventsToken;

/** Events of one stream. */
export interface EventsToken {
  readonly streamId: string;
  /** The version of the last of them; 0: there are none. */
  readonly version: number;
  /** Its position in the log, where it is known. */
  readonly position?: number | undefined;
  /** Those of an append. */
  readonly events?: readonly RecordedEvent[] | undefined;
  /** Of a single event, with all its other properties. */
  readonly eventId?: string | undefined;
}
