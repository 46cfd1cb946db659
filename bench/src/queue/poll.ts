/** How long a consumer pauses that has found nothing, in milliseconds: it adds half of this to a delay. */
export const POLL_MS = 10;
