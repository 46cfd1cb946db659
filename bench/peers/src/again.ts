import { setTimeout as sleep } from "node:timers/promises";

/** Everybody gets through, however often they lose. */
export const MAX_ATTEMPTS = 1_000;

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 250;

/** Full jitter after the attempt with that number, from 1; without it everybody loses two to three times as often. */
export async function pauseAfter(attempt: number): Promise<void> {
  await sleep(Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
}

/** For stores that leave it to their user to try again after a conflict. */
export async function againAfterConflicts(
  isConflict: (error: unknown) => boolean,
  attemptOnce: () => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await attemptOnce();
      return;
    } catch (error) {
      if (!isConflict(error) || attempt === MAX_ATTEMPTS) throw error;
      await pauseAfter(attempt);
    }
  }
}

/** Whether an error has one of these names. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
