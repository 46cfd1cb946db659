/** What keeps messages from being enqueued twice, as one value: tests switch each off to see that it is needed. */
export interface EnqueueGuards {
  /** How much older than the window items may be to be still looked at, in milliseconds: more than clocks are apart. */
  readonly marginMs: number;
  /** Whether what was written before this process came is read. */
  readonly looksBack: boolean;
  /** Whether what others write is taken in, and messages are looked for in it, before the next slot is tried. */
  readonly takesInWinners: boolean;
  /** Whether messages of one group are compared with each other. */
  readonly comparesGroup: boolean;
  /** Whether a hint says that a producer is new before its first message is written. */
  readonly hintsFirst: boolean;
}

export const ENQUEUE_GUARDS: EnqueueGuards = {
  marginMs: 600_000,
  looksBack: true,
  takesInWinners: true,
  comparesGroup: true,
  hintsFirst: true,
};
