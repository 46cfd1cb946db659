/** Chance that can be had again: numbers from 0 up to, not including, 1, always the same for the same words (mulberry32). */
export function seededRandom(...words: readonly (string | number)[]): () => number {
  let state = 0x9e3779b9;
  for (const letter of words.join("|")) {
    state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x85ebca6b);
    state ^= state >>> 13;
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `least` to `most`, both inclusive. */
export function wholeNumber(random: () => number, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

export function oneOf<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}
