import type { Workload } from "./workload.ts";

const WORDS = (
  "permit house officer decided application letter district owner extension roof garage planning objection " +
  "neighbour inspection approved refused condition invoice deadline street building architect drawing survey"
).split(" ");

/** Data whose JSON text has so many bytes: always the same for the same seed. */
export function sampleData(kind: Workload["data"], bytes: number, seed: number): unknown {
  const random = seededRandom(seed);
  const text = kind === "random" ? () => randomCharacter(random) : wordsBy(random);
  if (kind === "random") return filled("", bytes, text);
  const caseId = `case-${Math.floor(random() * 1e12).toString(36)}`;
  const frame = { caseId, fee: Math.floor(random() * 1e5), at: `2026-03-0${1 + (seed % 9)}T08:00`, text: "" };
  const left = bytes - JSON.stringify(frame).length;
  return left < 0 ? filled("", bytes, text) : { ...frame, text: filled("", left + QUOTES, text) };
}

const QUOTES = 2;

/** A text whose JSON has so many bytes, quotes included; the shortest has two. */
function filled(start: string, bytes: number, next: () => string): string {
  let text = start;
  while (text.length < bytes - QUOTES) text += next();
  return text.slice(0, Math.max(bytes - QUOTES, 0));
}

function wordsBy(random: () => number): () => string {
  return () => `${WORDS[Math.floor(random() * WORDS.length)] ?? ""} `;
}

const FIRST_LETTER = 0x30;
const LETTERS = 74;

/** From `0` to `y`, without what JSON escapes. */
function randomCharacter(random: () => number): string {
  const character = String.fromCharCode(FIRST_LETTER + Math.floor(random() * LETTERS));
  return character === "\\" ? "z" : character;
}

/** A linear congruential generator, of which the high bits are used: good enough for text. */
export function seededRandom(seed: number): () => number {
  // Neighbours begin far from each other.
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
