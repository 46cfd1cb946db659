import { existsSync } from "node:fs";
import { join } from "node:path";
import { oneOf, wholeNumber } from "./random.ts";

/** What producers enqueue: letters, some of which can't be handled for a while. */

export interface Letter {
  readonly by: string;
  readonly step: number;
  readonly index: number;
  /** Can't be handled before there is a cure. */
  readonly isPoisoned: boolean;
}

export const GROUP_INSIDE = "inside";
export const GROUP_OUTSIDE = "outside";
/** The journal of what the group outside has handled. */
export const HANDLED_JOURNAL = "handled";

export interface Handled {
  readonly position: number;
  readonly key: string;
}

const KEYS = Array.from({ length: 12 }, (_, number) => `key-${number}`);

/** One call of `enqueue`. */
export interface Letters {
  /** Of each letter, in order. */
  readonly letters: readonly { readonly key: string; readonly isPoisoned: boolean }[];
  /** Of the first one, where the producer numbers its letters; undefined: they have ids. */
  readonly sequence: number | undefined;
}

export interface EnqueueOutcome {
  readonly positions: readonly number[];
}

export function planLetters(random: () => number, sequence: number | undefined): Letters {
  const count = random() < 0.7 ? 1 : wholeNumber(random, 2, 8);
  const letters = Array.from({ length: count }, () => {
    const key = oneOf(random, KEYS);
    // Of one key alone: what follows of it waits for the cure.
    return { key, isPoisoned: key === KEYS[0] && random() < 0.05 };
  });
  return { letters, sequence };
}

/** The file whose being there cures all letters. */
export function cureFile(folder: string): string {
  return join(folder, "cure");
}

export function isCured(folder: string): boolean {
  return existsSync(cureFile(folder));
}

/** The item of the effects table with the positions of a key, in the order in which they were handled. */
export function effectKey(key: string): string {
  return `letters|${key}`;
}
