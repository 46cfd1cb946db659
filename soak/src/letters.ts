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

/** The one key of which letters are poisoned. */
const POISONED_KEY = "key-0";
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

/** What follows a poisoned letter of its key is parked until there is a cure: a lane takes 1,000. So each producer has letters of that key only at first. */
const STEPS_WITH_POISON = 200;

export function planLetters(
  random: () => number,
  { step, sequence }: { readonly step: number; readonly sequence: number | undefined },
): Letters {
  const keys = step <= STEPS_WITH_POISON ? KEYS : KEYS.filter((key) => key !== POISONED_KEY);
  const count = random() < 0.7 ? 1 : wholeNumber(random, 2, 8);
  const letters = Array.from({ length: count }, () => {
    const key = oneOf(random, keys);
    return { key, isPoisoned: key === POISONED_KEY && random() < 0.1 };
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
